// Values as the result pane shows them: one text a value, never more than MAX_TEXT long.

const MAX_TEXT = 20_000;
const MAX_ITEMS = 100;
const MAX_DEPTH = 4;

/** What console.log would print, roughly: strings as they are, all else spelled out. */
export function showAll(values: readonly unknown[]): string {
  const text = values
    .map((value) => (typeof value === "string" ? value : show(value, 0)))
    .join(" ");
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)} …` : text;
}

function show(value: unknown, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  // Addresses are what these snippets print: from 64 KiB on they are hexadecimal too.
  if (typeof value === "number") return number(value);
  if (typeof value === "function") return `[function ${value.name}]`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== "object" || value === null) return String(value);
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? "[…]" : "{…}";
  if (Array.isArray(value)) return `[${items(value, (item) => show(item, depth + 1))}]`;
  const name = value.constructor?.name;
  const head = name === undefined || name === "Object" ? "" : `${name} `;
  const fields = Object.entries(value);
  return `${head}{ ${items(fields, ([key, field]) => `${key}: ${show(field, depth + 1)}`)} }`;
}

function number(value: number): string {
  const isAddress = Number.isSafeInteger(value) && value >= 0x10000;
  return isAddress ? `${value} (0x${value.toString(16)})` : String(value);
}

function items<Item>(list: readonly Item[], one: (item: Item) => string): string {
  const shown = list.slice(0, MAX_ITEMS).map(one);
  if (list.length > MAX_ITEMS) shown.push(`… ${list.length - MAX_ITEMS} more`);
  return shown.join(", ");
}
