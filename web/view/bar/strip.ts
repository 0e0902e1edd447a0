// Columns of pixels, each of one colour from top to bottom: a thousand blocks of a pixel or two
// are one line of an image, stretched. As rectangles they cost 4 ms a picture, as a line 0.3.

export class Strip {
  readonly #scale: number;
  readonly #pixels: Uint32Array<ArrayBuffer>;
  #isEmpty = true;

  /** @param scale device pixels of one CSS pixel */
  constructor(width: number, scale: number) {
    this.#scale = scale;
    this.#pixels = new Uint32Array(Math.max(1, Math.round(width * scale)));
  }

  /** CSS pixels; at least one device pixel is coloured. */
  fill(from: number, to: number, colour: number): void {
    const left = Math.floor(from * this.#scale);
    this.#pixels.fill(colour, left, Math.max(left + 1, Math.round(to * this.#scale)));
    this.#isEmpty = false;
  }

  paint(context: CanvasRenderingContext2D, top: number, bottom: number): void {
    if (this.#isEmpty) return;
    const { length, buffer } = this.#pixels;
    const line = canvasOf(length);
    line.putImageData(new ImageData(new Uint8ClampedArray(buffer), length, 1), 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(line.canvas, 0, top, length / this.#scale, bottom - top);
  }
}

const canvases = new Map<number, OffscreenCanvasRenderingContext2D>();

/** One for each width in use: the bar's and the minimap's. */
function canvasOf(width: number): OffscreenCanvasRenderingContext2D {
  let context = canvases.get(width);
  if (context === undefined) {
    if (canvases.size > 3) canvases.clear();
    context = new OffscreenCanvas(width, 1).getContext("2d")!;
    canvases.set(width, context);
  }
  return context;
}
