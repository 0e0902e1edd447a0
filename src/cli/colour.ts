// Colours, on a terminal only, and not where NO_COLOR asks for none.

const CODES = { red: 31, green: 32, yellow: 33, blue: 34, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof CODES;
export type Paint = (colour: Colour, text: string) => string;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  const isOn = stream.isTTY === true && !process.env["NO_COLOR"];
  return (colour, text) => (isOn ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text);
}
