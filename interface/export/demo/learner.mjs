// Small networks that learn: descent, live, on the error surface over two of the weights.
import { cost, descend, feedForward, surface } from "./descent.mjs";
import { colour, css, drawDot, drawLine, element, grey, sharp, short, whenShownAnew } from "./drawing.mjs";

const POINTS = 41; // of the surface, along each side
const KEPT = 2000; // places of a path; of a longer one, every second is kept
const PER_FRAME = 4; // steps of descent
const AT_ONCE = 500; // steps for who wants no motion
const still = matchMedia("(prefers-reduced-motion: reduce)");

// Values one after the other, thinned out when they are many, with the last one.
function makeTrace(first) {
  let [values, last, every, count] = [[first], first, 1, 0];
  return {
    add(value) {
      last = value;
      count += 1;
      if (count % every === 0) values.push(value);
      if (values.length > KEPT) [values, every] = [values.filter((_, k) => k % 2 === 0), 2 * every];
    },
    all: () => [...values, last],
    last: () => last,
  };
}

export function makeLearner(learners) {
  let learner, parameters, chosen, steps, costs, path, reach, playing;
  let start = 0;
  const value = ([l, i, j]) => parameters.W[l][i][j];
  const title = ([l, i, j]) => `W${l + 1}[${i}, ${j}]`;
  const alpha = () => 10 ** element("alpha").valueAsNumber;

  function begin() {
    parameters = structuredClone(learner.starts[start]);
    [steps, costs] = [0, makeTrace(cost(parameters, learner.X, learner.Y))];
    aim();
  }
  // Look at the two weights that are chosen: their path begins here.
  function aim() {
    path = makeTrace(chosen.map(value));
    reach = 4;
    pause();
    show();
  }
  function step(times) {
    const only = element("which").value === "two" ? chosen : null;
    for (let k = 0; k < times; k++) {
      descend(parameters, learner.X, learner.Y, alpha(), only);
      steps += 1;
      costs.add(cost(parameters, learner.X, learner.Y));
      path.add(chosen.map(value));
    }
    show();
  }
  function pause() {
    playing = false;
    element("play").setAttribute("aria-pressed", "false");
    element("play").textContent = still.matches ? `${AT_ONCE} steps` : "Descend";
    element("progress").setAttribute("aria-live", "polite");
  }
  function play() {
    if (playing) {
      pause();
    } else if (still.matches) {
      step(AT_ONCE);
    } else {
      playing = true;
      element("play").setAttribute("aria-pressed", "true");
      element("play").textContent = "Pause";
      element("progress").setAttribute("aria-live", "off"); // or a screen reader would read every step
      requestAnimationFrame(frame);
    }
  }
  function frame() {
    if (!playing) return;
    step(PER_FRAME);
    requestAnimationFrame(frame);
  }

  // --- what is to be seen

  function show() {
    const now = costs.last();
    element("progress").textContent = `Step ${steps}: J = ${short(now)}`;
    element("progress").dataset.cost = String(now);
    element("alpha-value").textContent = short(alpha());
    showAnswers();
    showSurface();
    showCurve();
  }
  function showAnswers() {
    const text = (values) => values.map((v) => Number(v.toFixed(3))).join(", ");
    element("answers").tBodies[0].replaceChildren(...learner.X.map((x, k) => {
      const row = document.createElement("tr");
      for (const values of [x, learner.Y[k], feedForward(parameters, x).at(-1)]) row.insertCell().textContent = text(values);
      return row;
    }));
  }
  function showSurface() {
    const made = sharp(element("surface"));
    if (!made) return;
    const { context, width, height } = made;
    const places = path.all();
    const [x, y] = places[0];
    const farthest = places.reduce((most, [a, b]) => Math.max(most, Math.abs(a - x), Math.abs(b - y)), 0);
    while (farthest > 0.95 * reach) reach *= 1.5;
    const values = surface(parameters, learner.X, learner.Y, chosen, { x, y, reach, points: POINTS });
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const scale = grey();
    const cell = [width / POINTS, height / POINTS];
    values.forEach((v, k) => {
      const height = Math.log(v / least) / Math.log(most / least) || 0; // so that valleys are seen as well
      context.fillStyle = css(scale(0.07 * Math.floor(12 * height))); // in bands, between lines as on a map
      context.fillRect((k % POINTS) * cell[0], Math.floor(k / POINTS) * cell[1], cell[0] + 1, cell[1] + 1);
    });
    const place = ([a, b]) => [width * (0.5 + (a - x) / (2 * reach)), height * (0.5 - (b - y) / (2 * reach))];
    const points = places.map(place);
    drawLine(context, points, colour("surface"), 5);
    drawLine(context, points, colour("path"), 2.5);
    drawDot(context, points[0], colour("ink"), 4);
    drawDot(context, points.at(-1), colour("path"), 6);
    const range = (v) => `from ${short(v - reach)} to ${short(v + reach)}`;
    const [first, second] = chosen.map(title);
    element("surface-about").textContent =
      `J over ${first}, ${range(x)}, and ${second}, ${range(y)}. It is least, ${short(least)}, where the colour is the page's, ` +
      `and rises to ${short(most)}. The path is at ${path.last().map(short).join(", ")}.`;
  }
  function showCurve() {
    const made = sharp(element("curve"));
    if (!made) return;
    const { context, width, height } = made;
    const shown = costs.all();
    const most = Math.max(...shown);
    const points = shown.map((v, k) => [
      8 + ((width - 16) * k) / Math.max(shown.length - 1, 1), height - 8 - ((height - 16) * v) / (most || 1)]);
    drawLine(context, [[8, height - 8], [width - 8, height - 8]], colour("line"), 1);
    drawLine(context, points, colour("accent"), 2.5);
    drawDot(context, points.at(-1), colour("path"));
    element("curve-about").textContent = `J after each of ${steps} steps, from 0 to ${short(most)}.`;
  }

  // --- what can be chosen

  learners.forEach(({ name }, k) => element("network").add(new Option(name, k)));
  function select() {
    learner = learners[element("network").value];
    start = 0;
    element("task").textContent = `The samples: ${learner.about}.`;
    element("alpha").value = Math.log10(learner.alpha);
    const places = learner.starts[0].W.flatMap((rows, l) => rows.flatMap((row, i) => row.map((_, j) => [l, i, j])));
    const last = learner.starts[0].W.length - 1;
    chosen = [[last, 0, 0], [last, 0, 1]];
    ["first", "second"].forEach((id, which) => {
      element(id).replaceChildren(...places.map((place) => new Option(title(place), place.join())));
      element(id).value = chosen[which].join();
    });
    begin();
  }
  ["first", "second"].forEach((id, which) => element(id).addEventListener("change", ({ target }) => {
    const place = target.value.split(",").map(Number);
    const other = 1 - which;
    if (chosen[other].join() === target.value) { // two different weights: they change places
      chosen[other] = chosen[which];
      element(["first", "second"][other]).value = chosen[other].join();
    }
    chosen[which] = place;
    aim();
  }));
  element("network").addEventListener("change", select);
  element("which").addEventListener("change", aim);
  element("alpha").addEventListener("input", () => (element("alpha-value").textContent = short(alpha())));
  element("play").addEventListener("click", play);
  element("one").addEventListener("click", () => (pause(), step(1)));
  element("again").addEventListener("click", begin);
  element("elsewhere").addEventListener("click", () => {
    start = (start + 1) % learner.starts.length;
    begin();
  });
  still.addEventListener("change", pause);
  whenShownAnew(show);
  select();
  return { parameters: () => parameters, step };
}
