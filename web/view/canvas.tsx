// A canvas that fills its box at the screen's resolution and is painted at most once a frame.

import { useEffect, useRef } from "preact/hooks";

export interface CanvasProps {
  /** Called whenever the picture or the box has changed. CSS pixels. */
  readonly paint: (context: CanvasRenderingContext2D, width: number, height: number) => void;
  readonly class: string;
}

export function Canvas({ paint, class: className }: CanvasProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  const latest = useRef(paint);
  latest.current = paint;
  const request = useRef(0);

  const ask = () => {
    if (request.current !== 0) return;
    request.current = requestAnimationFrame(() => {
      request.current = 0;
      if (ref.current !== null) draw(ref.current, latest.current);
    });
  };
  useEffect(ask);
  useEffect(() => {
    const observer = new ResizeObserver(ask);
    observer.observe(ref.current!);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(request.current);
      request.current = 0;
    };
  }, []);
  return <canvas ref={ref} class={className} />;
}

function draw(canvas: HTMLCanvasElement, paint: CanvasProps["paint"]): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  const pixels = [Math.round(width * scale), Math.round(height * scale)] as const;
  if (canvas.width !== pixels[0]) canvas.width = pixels[0];
  if (canvas.height !== pixels[1]) canvas.height = pixels[1];
  const context = canvas.getContext("2d");
  if (context === null || width === 0) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  paint(context, width, height);
}
