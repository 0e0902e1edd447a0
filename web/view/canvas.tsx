// A canvas that fills its box at the screen's resolution and is painted at most once a frame.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

export interface CanvasProps {
  /** Called whenever the picture or the box has changed. CSS pixels. */
  readonly paint: (context: CanvasRenderingContext2D, width: number, height: number) => void;
  readonly class: string;
}

export function Canvas({ paint, class: className }: CanvasProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  const latest = useRef(paint);
  latest.current = paint;
  const size = useRef({ width: 0, height: 0 });
  const request = useRef(0);

  const ask = () => {
    if (request.current !== 0) return;
    request.current = requestAnimationFrame(() => {
      request.current = 0;
      if (ref.current !== null) draw(ref.current, size.current, latest.current);
    });
  };
  useLayoutEffect(ask);
  useEffect(() => {
    // The observer tells the size: asking the canvas would make the page lay itself out.
    const observer = new ResizeObserver(([entry]) => {
      size.current = entry!.contentRect;
      ask();
    });
    observer.observe(ref.current!);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(request.current);
      request.current = 0;
    };
  }, []);
  return <canvas ref={ref} class={className} />;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function draw(
  canvas: HTMLCanvasElement,
  { width, height }: Size,
  paint: CanvasProps["paint"],
): void {
  const scale = devicePixelRatio;
  const pixels = { width: Math.round(width * scale), height: Math.round(height * scale) };
  if (canvas.width !== pixels.width) canvas.width = pixels.width;
  if (canvas.height !== pixels.height) canvas.height = pixels.height;
  const context = canvas.getContext("2d");
  if (context === null || width === 0) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  paint(context, width, height);
}
