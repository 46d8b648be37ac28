// A digit, the steps that prepare it, the activations of every layer and the answer; and a weight that can be changed.
import { inkOf, prepared, SIDE } from "./prepare.mjs";
import { colour, css, drawGrid, drawLine, element, grey, short, signed, whenShownAnew } from "./drawing.mjs";
import { makePad } from "./pad.mjs";

const MARK = 10; // pixels of the screen for each of a picture's, where marks are drawn over it
const [CELL, ACROSS] = [36, 16]; // pixels of a node, and nodes in a row
const LARGEST = 400; // pixels of a picture's longer side; larger ones are made smaller first

export function makeReader(network, about) {
  const { layers } = network;
  const trained = structuredClone(layers.map(({ W }) => W));
  const state = { picture: null, steps: null, input: new Array(network.inputs).fill(0), layer: layers.length - 1, to: 0, from: 0 };
  const name = (l) => (l < layers.length - 1 ? `hidden layer ${l + 1}` : "output layer");
  const share = short((100 * about.right) / about.of);
  const sizes = [network.inputs, ...layers.map(({ W }) => W.length)].join("-");
  element("about").textContent =
    `A network ${sizes}, trained on ${about.learnedFrom}. It reads ${about.right} of ${about.of} test digits correctly, ${share} %.`;

  // The activations of every layer but the last, of which the exported `predict` gives the answer.
  function hidden(x) {
    const found = [];
    for (const { W, b, activate } of layers.slice(0, -1)) {
      const below = found.at(-1) ?? x;
      found.push(activate(W.map((row, i) => row.reduce((sum, w, j) => sum + w * below[j], 0) + b[i])));
    }
    return found;
  }
  const use = (matrices) => layers.forEach((layer, l) => (layer.W = matrices[l]));
  function answerBefore(x) {
    const now = layers.map(({ W }) => W);
    use(trained);
    const found = network.predict(x);
    use(now);
    return found;
  }
  const isChanged = () =>
    layers.some(({ W }, l) => W.some((row, i) => row.some((w, j) => w !== trained[l][i][j])));

  // --- the answer

  function showAnswer() {
    const outputs = network.predict(state.input);
    const before = isChanged() ? answerBefore(state.input) : null;
    const top = (values) => values.indexOf(Math.max(...values));
    element("answer").textContent = state.steps ? String(top(outputs)) : "none yet";
    element("outputs").tBodies[0].replaceChildren(...outputs.map((v, digit) => {
      const row = document.createElement("tr");
      row.className = state.steps && digit === top(outputs) ? "top" : "";
      row.dataset.value = String(v);
      const heading = Object.assign(document.createElement("th"), { scope: "row", textContent: digit });
      const number = Object.assign(document.createElement("td"), { textContent: v.toFixed(4) });
      const bar = Object.assign(document.createElement("td"), { className: "bar" });
      bar.innerHTML = `<div class="track"><i style="width:${100 * v}%"></i></div>`;
      if (before) bar.firstChild.insertAdjacentHTML("beforeend", `<b style="left:${100 * before[digit]}%"></b>`);
      row.append(heading, number, bar);
      return row;
    }));
    element("before").textContent = before
      ? `The marks are the outputs before you changed weights; then the answer was ${top(before)}.` : "";
    return outputs;
  }

  // --- the steps and the layers

  function showSteps() {
    const blank = { width: SIDE, height: SIDE, ink: new Array(SIDE * SIDE).fill(0) };
    const picture = state.picture ?? blank;
    const { cropped, boxed, centred } = state.steps ?? { cropped: null, boxed: blank, centred: blank };
    drawSquare(element("step-ink"), picture, cropped);
    drawSquare(element("step-box"), boxed);
    const context = drawGrid(element("step-centre"), centred.ink, SIDE, grey(), MARK);
    const middle = (SIDE / 2 + 0.5) * MARK;
    for (const [dx, dy] of state.steps ? [[2 * MARK, 0], [0, 2 * MARK]] : []) {
      drawLine(context, [[middle - dx, middle - dy], [middle + dx, middle + dy]], colour("path"), 4);
    }
  }
  // A picture in the middle of a square, with a frame around a part of it.
  function drawSquare(canvas, { width, height, ink }, frame = null) {
    const side = Math.max(width, height);
    const [x, y] = [(side - width) >> 1, (side - height) >> 1];
    const square = new Array(side * side).fill(0);
    ink.forEach((v, k) => (square[(y + Math.floor(k / width)) * side + x + (k % width)] = v));
    const enlarged = Math.max(1, Math.round(280 / side));
    const context = drawGrid(canvas, square, side, grey(), enlarged);
    if (!frame) return;
    Object.assign(context, { strokeStyle: colour("path"), lineWidth: 3 });
    context.strokeRect(...[x + frame.left, y + frame.top, frame.width, frame.height].map((v) => v * enlarged));
  }
  function showLayers(activations) {
    activations.forEach((h, l) => {
      const canvas = element(`layer-${l}`);
      drawNodes(canvas, h, l === state.layer ? state.to : -1);
      const most = h.indexOf(Math.max(...h));
      canvas.setAttribute("aria-label", `The ${name(l)}: ${h.length} nodes, the most active is node ${most} with ${short(h[most])}`);
    });
  }
  function drawNodes(canvas, h, chosen) {
    [canvas.width, canvas.height] = [CELL * ACROSS, CELL * Math.ceil(h.length / ACROSS)];
    const context = canvas.getContext("2d");
    const scale = grey();
    Object.assign(context, { font: `${CELL / 2.2}px sans-serif`, textAlign: "center", textBaseline: "middle" });
    h.forEach((v, i) => {
      const [x, y] = [CELL * (i % ACROSS), CELL * Math.floor(i / ACROSS)];
      context.fillStyle = css(scale(v));
      context.fillRect(x, y, CELL, CELL);
      Object.assign(context, { strokeStyle: colour(i === chosen ? "path" : "line"), lineWidth: i === chosen ? 6 : 1 });
      const inset = context.lineWidth / 2;
      context.strokeRect(x + inset, y + inset, CELL - 2 * inset, CELL - 2 * inset);
      context.fillStyle = css(scale(v < 0.5 ? 1 : 0));
      context.fillText(i, x + CELL / 2, y + CELL / 2);
    });
  }
  layers.forEach(({ W }, l) => {
    const part = Object.assign(document.createElement("div"), { className: "layer" });
    part.innerHTML = `<span>${name(l)}, ${W.length} nodes</span><canvas id="layer-${l}" role="img"></canvas>`;
    element("layers").append(part);
    const canvas = element(`layer-${l}`);
    canvas.addEventListener("click", ({ offsetX, offsetY }) => {
      const cell = canvas.clientWidth / ACROSS;
      const i = Math.floor(offsetX / cell) + ACROSS * Math.floor(offsetY / cell);
      if (i < W.length) choose({ layer: l, to: i });
    });
  });

  // --- a weight

  for (const [l, { W }] of layers.entries()) element("layer").add(new Option(`${name(l)} (${W[0].length} to ${W.length})`, l));
  function choose(what) {
    Object.assign(state, what);
    const { W } = layers[state.layer];
    const inside = (value, n) => (Number.isInteger(value) ? Math.min(Math.max(value, 0), n - 1) : 0);
    [state.to, state.from] = [inside(state.to, W.length), inside(state.from, W[0].length)];
    show();
  }
  function showWeight() {
    const { W } = layers[state.layer];
    const [row, weight] = [W[state.to], W[state.to][state.from]];
    element("layer").value = state.layer;
    element("to").max = W.length - 1;
    element("from").max = row.length - 1;
    for (const id of ["to", "from"]) if (document.activeElement !== element(id) || element(id).value) element(id).value = state[id];
    if (Number(element("weight").value) !== weight || !element("weight").value) element("weight").value = weight;
    element("slide").value = weight;
    const first = state.layer === 0;
    const width = first ? SIDE : 4; // in a row
    const most = Math.max(...row.map(Math.abs));
    const values = [...row, ...new Array((width - (row.length % width)) % width).fill(0)];
    const side = first ? MARK : 7 * MARK;
    const context = drawGrid(element("weights"), values, width, signed(most), side);
    element("weights").style.aspectRatio = `${width} / ${values.length / width}`;
    const [x, y] = [state.from % width, Math.floor(state.from / width)];
    Object.assign(context, { strokeStyle: colour("path"), lineWidth: 2.5 });
    context.strokeRect(x * side, y * side, side, side);
    const place = first ? `from pixel ${x} of row ${y}` : `from node ${state.from}`;
    element("weights-about").textContent =
      `The ${row.length} weights into node ${state.to} of the ${name(state.layer)}, from ${short(-most)} (orange) to ${short(most)} (blue); chosen: ${place}.`;
    element("changed").textContent = isChanged() ? "Some weights are changed." : "";
  }
  function set(value) {
    if (!Number.isFinite(value)) return;
    layers[state.layer].W[state.to][state.from] = Math.min(Math.max(value, -1e6), 1e6); // far from overflow
    show();
  }
  element("layer").addEventListener("change", (event) => choose({ layer: Number(event.target.value) }));
  for (const id of ["to", "from"]) element(id).addEventListener("input", (event) => event.target.value && choose({ [id]: event.target.valueAsNumber }));
  for (const id of ["weight", "slide"]) element(id).addEventListener("input", (event) => set(event.target.valueAsNumber));
  element("weights").addEventListener("click", ({ target, offsetX, offsetY }) => {
    const across = state.layer === 0 ? SIDE : 4;
    const side = target.clientWidth / across;
    choose({ from: Math.floor(offsetY / side) * across + Math.floor(offsetX / side) });
  });
  element("restore").addEventListener("click", () => {
    use(structuredClone(trained));
    show();
  });

  // --- where digits come from

  function take(picture) {
    state.picture = picture;
    state.steps = picture && prepared(picture);
    state.input = state.steps ? state.steps.centred.ink : new Array(network.inputs).fill(0);
    show();
  }
  const pad = makePad(element("pad"), take);
  element("undo").addEventListener("click", pad.undo);
  element("clear").addEventListener("click", pad.clear);
  element("picture").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    target.value = ""; // so that the same file can be chosen again
    if (!file) return;
    try {
      const picture = inkOf(await pixels(file));
      lay(picture);
      if (!picture) element("answer").textContent = "none: there is no ink in this picture";
    } catch {
      lay(null);
      element("answer").textContent = "none: the browser cannot read this file as a picture";
    }
  });
  // Put a picture on the pad.
  function lay(picture) {
    pad.show(picture);
    take(picture);
  }
  // A file's picture in grey, from 0 to 255. What is transparent is paper.
  async function pixels(file) {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((n) => Math.max(1, Math.round(n * scale)));
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const grey = (k) => Math.round(0.299 * data[k] + 0.587 * data[k + 1] + 0.114 * data[k + 2]);
    const transparent = data[3] < 128; // its first corner
    return { width, height, grey: Array.from({ length: width * height }, (_, k) =>
      transparent ? 255 - data[4 * k + 3] : grey(4 * k)) };
  }
  for (const { digit, grey: bytes } of about.samples) {
    const ink = Array.from(atob(bytes), (c) => c.charCodeAt(0) / 255);
    const button = Object.assign(document.createElement("button"), { type: "button", ariaLabel: `A ${digit} of the test set` });
    const canvas = document.createElement("canvas");
    button.append(canvas);
    const paint = () => drawGrid(canvas, ink, SIDE, grey());
    paint();
    whenShownAnew(paint);
    button.addEventListener("click", () => {
      lay({ width: SIDE, height: SIDE, ink });
    });
    element("samples").append(button);
  }

  function show() {
    const outputs = showAnswer();
    showSteps();
    showLayers([...hidden(state.input), outputs]);
    showWeight();
  }
  whenShownAnew(show);
  show();
  return { network, state };
}
