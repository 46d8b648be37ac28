// A picture of a digit as MNIST has them: 28x28 numbers from 0, paper, to 1, ink. See centring.py.
// A picture is { width, height, ink }, its numbers row by row.

export const SIDE = 28;
export const BOX = 20;

// How much darker (or lighter) than paper each pixel is, from 0 to 1. Paper is the median of the border, and what varies
// along the border is no ink: 0 for a drawing, much for a photograph whose light is uneven. null if there is no ink.
export function inkOf({ width, height, grey }) {
  const border = [];
  for (let x = 0; x < width; x++) border.push(grey[x], grey[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) border.push(grey[y * width], grey[y * width + width - 1]);
  const quantile = (values, q) => values.sort((a, b) => a - b)[Math.floor(q * (values.length - 1))];
  const paper = quantile(border, 0.5);
  const noise = quantile(border.map((v) => Math.abs(v - paper)), 0.9);
  const sides = [1, -1].map((sign) => grey.reduce((most, v) => Math.max(most, sign * (paper - v)), 0));
  const sign = sides[0] >= sides[1] ? 1 : -1; // dark on light, or light on dark
  const most = Math.max(...sides);
  if (!(most > noise) || most < 16) return null;
  const ink = Array.from(grey, (v) => Math.max(0, sign * (paper - v) - noise) / (most - noise));
  return { width, height, ink };
}

// The smallest part with all ink in it; null if there is none.
export function crop({ width, height, ink }) {
  let [left, right, top, bottom] = [width, -1, height, -1];
  ink.forEach((v, k) => {
    if (!(v > 0)) return;
    const x = k % width;
    const y = (k - x) / width;
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  });
  if (right < 0) return null;
  const found = { left, top, width: right - left + 1, height: bottom - top + 1, ink: [] };
  for (let y = top; y <= bottom; y++) found.ink.push(...ink.slice(y * width + left, y * width + right + 1));
  return found;
}

// For each new pixel, the weights of the n old ones: they fall off linearly to 0 at a distance of one pixel.
export function resampling(n, wanted) {
  const scale = n / wanted;
  return Array.from({ length: wanted }, (_, i) => {
    const middle = (i + 0.5) * scale;
    const weights = Array.from({ length: n }, (_, j) =>
      Math.max(0, 1 - Math.abs(j + 0.5 - middle) / Math.max(scale, 1)));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((w) => w / sum);
  });
}

// Scaled so that the longer side has 20 pixels.
export function fitBox({ width, height, ink }) {
  const length = (n) => Math.max(1, Math.floor((BOX * n) / Math.max(width, height) + 0.5));
  const [across, down] = [resampling(width, length(width)), resampling(height, length(height))];
  const dot = (weights, value) => weights.reduce((sum, w, j) => (w ? sum + w * value(j) : sum), 0);
  const narrow = across.map((weights) =>
    Array.from({ length: height }, (_, y) => dot(weights, (x) => ink[y * width + x])));
  const rows = down.map((weights) => narrow.map((column) => dot(weights, (y) => column[y])));
  return { width: across.length, height: down.length, ink: rows.flat() };
}

// In 28x28, shifted by whole pixels so that the centre of mass is in the pixel [14, 14], as in MNIST; `at` is where the box begins.
export function centre({ width, height, ink }) {
  const total = ink.reduce((a, b) => a + b);
  const place = (n, coordinate) => {
    const mass = ink.reduce((sum, v, k) => sum + v * (coordinate(k) + 0.5), 0) / total;
    return Math.min(Math.max(Math.ceil(SIDE / 2 - mass - 1e-9), 0), SIDE - n); // 1e-9: however sums round
  };
  const x = place(width, (k) => k % width);
  const y = place(height, (k) => Math.floor(k / width));
  const found = { width: SIDE, height: SIDE, ink: new Array(SIDE * SIDE).fill(0), at: { x, y } };
  ink.forEach((v, k) => (found.ink[(y + Math.floor(k / width)) * SIDE + x + (k % width)] = v));
  return found;
}

// All steps: { cropped, boxed, centred }; null if there is no ink.
export function prepared(picture) {
  const cropped = crop(picture);
  if (!cropped) return null;
  const boxed = fitBox(cropped);
  return { cropped, boxed, centred: centre(boxed) };
}
