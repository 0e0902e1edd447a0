// The bar as a picture: what its canvas shows, on the page's ground.

const MARGIN_PX = 16;

/** @throws TypeError the bar is not on the page, or the browser makes no pictures */
export async function barPicture(): Promise<Blob> {
  const bar = document.querySelector<HTMLCanvasElement>(".bar-canvas");
  if (bar === null || bar.width === 0) throw new TypeError("the bar is not on the page");
  const margin = MARGIN_PX * devicePixelRatio;
  const picture = document.createElement("canvas");
  picture.width = bar.width + 2 * margin;
  picture.height = bar.height + 2 * margin;
  const context = picture.getContext("2d");
  if (context === null) throw new TypeError("the browser draws no pictures");
  context.fillStyle = getComputedStyle(document.body).backgroundColor;
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(bar, margin, margin);
  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, "image/png"));
  if (blob === null) throw new TypeError("the browser makes no PNG");
  return blob;
}
