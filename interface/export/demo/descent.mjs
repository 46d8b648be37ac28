// A small network of sigmoids, and gradient descent on it; the equations are those of samenet's reference.
// parameters = { W, b }: for each layer W[l][i][j], from node j to node i, and b[l][i], or b = [] without biases.

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

// The activations of every layer: h[0] = x, h[l + 1] = sigmoid(W[l] h[l] + b[l]).
export function feedForward({ W, b }, x) {
  const h = [x];
  W.forEach((rows, l) =>
    h.push(rows.map((row, i) =>
      sigmoid(row.reduce((sum, w, j) => sum + w * h[l][j], 0) + (b.length ? b[l][i] : 0)))));
  return h;
}

// J = 1/m sum over the samples of 1/2 |y - h|^2.
export function cost(parameters, X, Y) {
  const of = (x, y) => feedForward(parameters, x).at(-1).reduce((sum, h, i) => sum + (y[i] - h) ** 2 / 2, 0);
  return X.reduce((sum, x, k) => sum + of(x, Y[k]), 0) / X.length;
}

// The cost, and dJ/dW and dJ/db by backpropagation.
export function gradient(parameters, X, Y) {
  const { W, b } = parameters;
  const slope = { W: W.map((rows) => rows.map((row) => row.map(() => 0))), b: b.map((one) => one.map(() => 0)) };
  X.forEach((x, k) => {
    const h = feedForward(parameters, x);
    let delta = h.at(-1).map((v, i) => (v - Y[k][i]) * v * (1 - v));
    for (let l = W.length - 1; l >= 0; l--) {
      delta.forEach((d, i) => {
        h[l].forEach((v, j) => (slope.W[l][i][j] += (d * v) / X.length));
        if (b.length) slope.b[l][i] += d / X.length;
      });
      const above = delta;
      delta = h[l].map((v, j) => above.reduce((sum, d, i) => sum + W[l][i][j] * d, 0) * v * (1 - v));
    }
  });
  return slope;
}

// One step, in place: w := w - alpha dJ/dw; with `only`, a list of weights [l, i, j], of these alone.
export function descend(parameters, X, Y, alpha, only = null) {
  const slope = gradient(parameters, X, Y);
  if (only) {
    for (const [l, i, j] of only) parameters.W[l][i][j] -= alpha * slope.W[l][i][j];
    return;
  }
  parameters.W.forEach((rows, l) => rows.forEach((row, i) => row.forEach((_, j) => (row[j] -= alpha * slope.W[l][i][j]))));
  parameters.b.forEach((one, l) => one.forEach((_, i) => (one[i] -= alpha * slope.b[l][i])));
}

// The cost on a grid of two weights, all others as they are: rows from the largest value of the second down.
export function surface(parameters, X, Y, [first, second], { x, y, reach, points }) {
  const trial = structuredClone(parameters);
  const grid = (middle, k) => middle - reach + (2 * reach * k) / (points - 1);
  const set = ([l, i, j], value) => (trial.W[l][i][j] = value);
  const found = [];
  for (let row = points - 1; row >= 0; row--) {
    set(second, grid(y, row));
    for (let column = 0; column < points; column++) {
      set(first, grid(x, column));
      found.push(cost(trial, X, Y));
    }
  }
  return found;
}
