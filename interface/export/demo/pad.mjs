// Where one draws: strokes of a round pen, by pointer or by keys.
import { colour, drawGrid, grey, whenShownAnew } from "./drawing.mjs";

const PEN = 22; // of 280, as thick as digits in MNIST are when 20 pixels high
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// `changed` is called after every change, with the picture as { width, height, ink }.
export function makePad(canvas, changed) {
  const { width, height } = canvas;
  let strokes = [];
  let shown = null; // a picture from elsewhere
  let current = null; // the stroke that a pointer or a lowered pen draws
  let pen = null; // where the keys are: { x, y, down }

  function trace(context, ink) {
    Object.assign(context, { strokeStyle: ink, fillStyle: ink, lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    for (const points of strokes) {
      context.beginPath();
      points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.stroke();
      context.beginPath(); // a dot, as a line without length leaves no trace
      context.arc(...points[0], PEN / 2, 0, 2 * Math.PI);
      context.fill();
    }
  }
  function draw() {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    if (shown) drawShown(context);
    trace(context, colour("high"));
    if (!pen) return;
    Object.assign(context, { strokeStyle: colour("path"), lineWidth: pen.down ? 5 : 2 });
    context.beginPath();
    context.arc(pen.x, pen.y, PEN / 2, 0, 2 * Math.PI);
    context.stroke();
  }
  function drawShown(context) {
    const canvas = new OffscreenCanvas(1, 1);
    drawGrid(canvas, shown.ink, shown.width, grey());
    const scale = Math.min(width / shown.width, height / shown.height);
    const [across, down] = [shown.width * scale, shown.height * scale];
    context.drawImage(canvas, (width - across) / 2, (height - down) / 2, across, down);
  }
  function picture() {
    const context = new OffscreenCanvas(width, height).getContext("2d");
    trace(context, "#000");
    const { data } = context.getImageData(0, 0, width, height);
    return { width, height, ink: Array.from({ length: width * height }, (_, k) => data[4 * k + 3] / 255) };
  }
  let waiting = false;
  function update() {
    draw();
    if (waiting) return;
    waiting = true; // at most once for each frame
    requestAnimationFrame(() => {
      waiting = false;
      if (!shown) changed(picture());
    });
  }
  function begin(point) {
    current = [point];
    shown = null;
    strokes.push(current);
    update();
  }
  function replace(others) {
    [strokes, current, shown] = [others, null, null];
    if (pen) pen.down = false;
    update();
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    if (event.isTrusted) canvas.setPointerCapture(event.pointerId); // so that a stroke may leave the canvas
    pen = null;
    begin(at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!current || pen || !event.isPrimary) return;
    for (const one of event.getCoalescedEvents?.() ?? []) current.push(at(one));
    current.push(at(event));
    update();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => (current = pen ? current : null));
  }
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Delete" || event.key === "Backspace") replace([]);
    else if (move || event.key === " ") {
      pen ??= { x: width / 2, y: height / 2, down: false };
      const step = event.shiftKey ? 2 : 10;
      if (move) {
        pen.x = Math.min(Math.max(pen.x + step * move[0], 0), width);
        pen.y = Math.min(Math.max(pen.y + step * move[1], 0), height);
      } else pen.down = !pen.down;
      if (!pen.down) current = null;
      else if (current && move) current.push([pen.x, pen.y]);
      else begin([pen.x, pen.y]);
      if (pen.down) update();
      else draw();
    } else return;
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => {
    [pen, current] = [null, null];
    draw();
  });
  whenShownAnew(draw);
  function show(picture) {
    [strokes, current, pen, shown] = [[], null, null, picture];
    draw();
  }
  return { clear: () => replace([]), undo: () => replace(strokes.slice(0, -1)), show };
}
