// Numbers as pictures on a canvas, in the colours of the page, light or dark.

export const element = (id) => document.getElementById(id);

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Red, green and blue of a colour of the page, #rrggbb.
const rgb = (name) => [1, 3, 5].map((k) => parseInt(colour(name).slice(k, k + 2), 16));

const mixed = (a, b, share) => a.map((v, k) => v + (b[k] - v) * share);

// A scale from 0, as paper, to 1, as ink.
export const grey = () => {
  const [low, high] = [rgb("low"), rgb("high")];
  return (v) => mixed(low, high, Math.min(Math.max(v, 0), 1));
};

// A scale from -most over 0 to most, in two hues.
export const signed = (most) => {
  const [minus, middle, plus] = [rgb("minus"), rgb("low"), rgb("plus")];
  return (v) => mixed(middle, v < 0 ? minus : plus, most > 0 ? Math.min(Math.abs(v) / most, 1) : 0);
};

// A square of `side` pixels for each number, row by row.
export function drawGrid(canvas, values, width, scale, side = 1) {
  const height = values.length / width;
  const small = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  values.forEach((v, k) => {
    const [red, green, blue] = scale(v);
    [image.data[4 * k], image.data[4 * k + 1], image.data[4 * k + 2], image.data[4 * k + 3]] = [red, green, blue, 255];
  });
  small.getContext("2d").putImageData(image, 0, 0);
  [canvas.width, canvas.height] = [width * side, height * side];
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  return context;
}

// A canvas of as many pixels as it has on the screen; drawing is in CSS pixels. null while it is not shown.
export function sharp(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return null;
  const ratio = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}

// A line through points [x, y].
export function drawLine(context, points, stroke, width = 2) {
  context.beginPath();
  points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
  Object.assign(context, { strokeStyle: stroke, lineWidth: width, lineJoin: "round", lineCap: "round" });
  context.stroke();
}

export function drawDot(context, [x, y], fill, radius = 5) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  Object.assign(context, { strokeStyle: colour("surface"), lineWidth: 2 });
  context.stroke();
}

// A colour of a scale for the canvas.
export const css = (parts) => `rgb(${parts.map(Math.round)})`;

export const short = (v) => (Math.abs(v) < 1e-3 && v !== 0 ? v.toExponential(1) : Number(v.toPrecision(4)).toString());

// Draw again when the page changes from light to dark, or its size.
export function whenShownAnew(draw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", draw);
}
