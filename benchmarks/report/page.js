"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const HUES = {
  "loops, arrays": "--arrays", "loops, lists": "--lists", numpy: "--numpy", numba: "--numba",
  "numba, 2 threads": "--threads", "numba, float32": "--single",
};
const DASHES = ["none", "8 5", "2 4", "12 4 2 4"];
// Outlines within a circle of radius 1: lines can be told apart without their colours.
const MARKS = [
  "M-1 0A1 1 0 1 0 1 0A1 1 0 1 0 -1 0Z", "M-.85 -.85H.85V.85H-.85Z", "M0 -1.15L1.15 0L0 1.15L-1.15 0Z", "M0 -1.1L1.1 .9H-1.1Z",
  "M0 1.1L1.1 -.9H-1.1Z", "M-.4 -1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z",
];

// A colour, a mark and a dash for each name; those without a colour of their own take turns, and then another dash.
function styles(names) {
  const others = names.filter((name) => !HUES[name]), spare = ["#8c6d31", "#5b7f95", "#a23b3b"], known = Object.keys(HUES);
  return Object.fromEntries(names.map((name) => {
    const i = others.indexOf(name), mark = i < 0 ? known.indexOf(name) : (known.length + i) % MARKS.length;
    const line = i < 0 ? { colour: `var(${HUES[name]})`, dash: 0 } : { colour: spare[i % spare.length], dash: Math.floor(i / spare.length) };
    return [name, { ...line, mark: MARKS[mark] }];
  }));
}

const marker = (line, x, y, ...children) =>
  make("path", { d: line.mark, transform: `translate(${x} ${y}) scale(5.5)`, fill: line.colour }, ...children);

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "polyline", "path", "text", "title"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const unique = (values) => [...new Set(values)];
const options = (select, values, texts = values) =>
  select.replaceChildren(...values.map((value, i) => make("option", { value }, texts[i])));

// Three significant digits, as in the tables.
function digits(value) {
  if (!value) return String(value);
  const rounded = Number(value.toPrecision(3));
  return rounded.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded)))));
}

function duration(seconds) {
  for (const [unit, size] of [["s", 1], ["ms", 1e-3], ["us", 1e-6]])
    if (seconds >= size * 0.9995) return `${digits(seconds / size)} ${unit}`;
  return `${digits(seconds / 1e-9)} ns`;
}

// The heat map: a button for every cell, its numbers beside it.
const widths = unique(data.points.map((p) => p.width)).sort((a, b) => b - a);
const batches = unique(data.points.map((p) => p.batch)).sort((a, b) => a - b);
let chosen = null;

function drawMap() {
  const ratios = data.points.map((p) => p.ratios[$("pair").value]).filter(Boolean);
  const most = Math.max(0.05, ...ratios.map((ratio) => Math.abs(Math.log(ratio.estimate))));
  const cells = [];
  for (const width of widths) {
    cells.push(make("span", { class: "side" }, String(width)));
    for (const batch of batches) cells.push(mapCell(width, batch, most));
  }
  cells.push(make("span"), ...batches.map((batch) => make("span", {}, String(batch))));
  $("map").style.setProperty("--columns", batches.length);
  $("map").replaceChildren(...cells);
  showCell();
}

function mapCell(width, batch, most) {
  const point = data.points.find((p) => p.width === width && p.batch === batch);
  const ratio = point && point.ratios[$("pair").value];
  const pair = data.pairs.find((p) => p.key === $("pair").value);
  const failed = point && pair.contenders.some((name) => point.rows[name] && !point.rows[name].ok);
  const text = failed ? "FAIL" : ratio ? ratio.text : "–";
  const button = make("button", { type: "button", "aria-label": `width ${width}, batch ${batch}: ${failed || ratio ? text : "not measured"}` }, text);
  button.dataset.width = width;
  button.dataset.batch = batch;
  button.setAttribute("aria-pressed", String(point !== undefined && point === chosen));
  const share = ratio ? Math.abs(Math.log(ratio.estimate)) / most : 0;
  button.style.setProperty("--hue", ratio && ratio.estimate < 1 ? "var(--worse)" : "var(--better)");
  button.style.setProperty("--share", `${Math.round(100 * share)}%`);
  button.style.setProperty("--on", share > 0.55 ? "#fff" : "var(--ink)");
  button.disabled = !point;
  const choose = () => {
    chosen = point;
    for (const other of $("map").querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
    showCell();
  };
  button.addEventListener("click", choose);
  button.addEventListener("mouseenter", choose);
  return button;
}

function showCell() {
  if (!chosen) return;
  const pair = data.pairs.find((p) => p.key === $("pair").value);
  const ratio = chosen.ratios[pair.key];
  const rows = Object.entries(chosen.rows).map(([name, row]) =>
    make("tr", { "data-contender": name },
      make("th", { scope: "row" }, data.names[name]),
      make("td", { class: row.ok ? "number time" : "number time fail" }, row.ok ? row.text : "FAIL"),
      make("td", { class: "number error" }, row.error)));
  const head = ["", "median", "error / allowed"].map((text, i) => make("th", { scope: "col", class: i ? "number" : "" }, text));
  $("cell").replaceChildren(
    make("h3", {}, chosen.title),
    make("p", {}, `${pair.slow}’s time / ${pair.fast}’s`),
    make("p", { class: "big", id: "ratio" }, ratio ? ratio.interval : pair.contenders.some((name) => chosen.rows[name]?.ok === false) ? "FAIL" : "not measured"),
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
}

// A chart of lines: x is a number on a logarithmic axis, or the place of a name.
function chart(host, lines, { names = null, label, format }) {
  const W = Math.max(320, host.clientWidth), H = Math.round(Math.min(420, Math.max(280, W * 0.5)));
  const left = 70, right = 16, top = 14, bottom = 46;
  const xs = lines.flatMap((line) => line.points.map((p) => p[0]));
  const ys = lines.flatMap((line) => line.points.map((p) => p[1])).filter((y) => y > 0);
  if (!ys.length) return host.replaceChildren(make("p", { class: "quiet" }, "Not measured."));
  const scale = names ? (x) => x : Math.log2;
  const ends = [scale(Math.min(...xs)), scale(Math.max(...xs))];
  const low = Math.min(...ys), high = Math.max(...ys);
  const ticks = steps(low, high);
  const bottomY = Math.log10(Math.min(low, ticks[0])), topY = Math.log10(Math.max(high, ticks.at(-1)));
  const X = (x) => left + (W - left - right) * (ends[1] > ends[0] ? (scale(x) - ends[0]) / (ends[1] - ends[0]) : 0.5);
  const Y = (y) => H - bottom - (H - top - bottom) * (topY > bottomY ? (Math.log10(y) - bottomY) / (topY - bottomY) : 0.5);
  const svg = make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${label}; the numbers are in the table below it` });
  for (const tick of ticks) {
    svg.append(make("line", { class: "axis", x1: left, x2: W - right, y1: Y(tick), y2: Y(tick) }));
    svg.append(make("text", { x: left - 8, y: Y(tick) + 5, "text-anchor": "end" }, format(tick)));
  }
  const shown = unique(xs).sort((a, b) => a - b);
  const every = Math.ceil(shown.length / Math.max(1, Math.floor((W - left) / (names ? 90 : 44))));
  shown.forEach((x, i) => {
    if (i % every) return;
    const anchor = names && shown.length > 1 && i === 0 ? "start" : names && i === shown.length - 1 && i ? "end" : "middle";
    svg.append(make("text", { x: X(x), y: H - bottom + 22, "text-anchor": anchor }, names ? names[x] : String(x)));
  });
  svg.append(make("text", { x: (left + W - right) / 2, y: H - 4, "text-anchor": "middle" }, label));
  for (const line of lines) {
    const points = line.points.filter((p) => p[1] > 0);
    const dash = DASHES[line.dash % DASHES.length];
    svg.append(make("polyline", { points: points.map((p) => `${X(p[0])},${Y(p[1])}`).join(" "), fill: "none", stroke: line.colour, "stroke-width": 2.5, "stroke-dasharray": dash }));
    for (const [x, y, text] of points)
      svg.append(marker(line, X(x), Y(y), make("title", {}, text)));
  }
  const key = make("ul", { class: "key" }, ...lines.map((line) => make("li", {},
    make("svg", { "aria-hidden": "true" }, make("line", { x1: 0, x2: 34, y1: 7, y2: 7, stroke: line.colour, "stroke-width": 3, "stroke-dasharray": DASHES[line.dash % DASHES.length] }),
      marker(line, 17, 7)),
    line.name)));
  const rows = lines.map((line) => make("tr", {}, make("th", { scope: "row" }, line.name), ...shown.map((x) => {
    const point = line.points.find((p) => p[0] === x);
    return make("td", { class: "number" }, point ? format(point[1], true) : "–");
  })));
  const head = make("tr", {}, make("th", {}, ""), ...shown.map((x) => make("th", { scope: "col", class: "number" }, names ? names[x] : String(x))));
  const open = host.querySelector("details")?.open;
  const table = make("details", open ? { open: "" } : {}, make("summary", {}, "The numbers"),
    make("div", { class: "scroll", tabindex: 0 }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))));
  host.replaceChildren(svg, key, table);
}

// Marks of a logarithmic axis: powers of ten, or 1, 2 and 5 of each where those are few.
function steps(low, high) {
  const powers = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++) powers.push(p);
  const within = (values) => values.filter((v) => v >= low / 2 && v <= high * 2);
  const tens = within(powers.map((p) => 10 ** p));
  if (tens.length > 2) return tens;
  const more = within(powers.flatMap((p) => [1, 2, 5].map((m) => m * 10 ** p)));
  return more;
}

function drawScaling() {
  const along = $("along").value, lines = data.scaling[along];
  const held = unique(lines.map((line) => line.held));
  const label = { width: "width: units a layer", depth: "depth: layers of 64 units", batch: "batch: samples a call" }[along];
  const style = styles(unique(lines.map((line) => line.contender)));
  const shaped = lines.map((line) => {
    const { colour, mark, dash } = style[line.contender];
    return { ...line, colour, mark, dash: dash + held.indexOf(line.held) };
  });
  chart($("scaling-chart"), shaped, { label, format: (value, exact) => (exact ? duration(value) : duration(value).replace(/\.0+ /, " ")) });
}

// The table of all cases: filters and sorting.
const body = $("all").tBodies[0];
const filters = [...$("filters").querySelectorAll("select")];

function filter() {
  let count = 0;
  for (const row of body.rows) {
    row.hidden = filters.some((select) => select.value && row.cells[select.dataset.column].textContent !== select.value);
    if (!row.hidden) count++;
  }
  $("count").textContent = `${count} of ${body.rows.length} rows`;
}

function sort(heading, column) {
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const sign = down ? -1 : 1;
  const value = (row) => {
    const cell = row.cells[column];
    return column < 3 ? cell.textContent : cell.dataset.key === "" ? null : Number(cell.dataset.key);
  };
  const compare = (a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return (x === null) - (y === null); // what has no number stays at the end
    return sign * (column < 3 ? x.localeCompare(y, "en", { numeric: true }) : x - y);
  };
  body.append(...[...body.rows].sort(compare));
}

filters.forEach((select) => {
  const values = unique([...body.rows].map((row) => row.cells[select.dataset.column].textContent));
  select.append(...values.map((value) => make("option", { value }, value)));
  select.addEventListener("change", filter);
});
$("filters").addEventListener("reset", () => setTimeout(filter));
[...$("all").tHead.rows[0].cells].forEach((heading, column) =>
  heading.firstElementChild.addEventListener("click", () => sort(heading, column)));

// History: one benchmark on one machine; a line for every contender, the other parameters by choice.
const CONTENDERS = Object.keys(data.names);
const rank = (name) => (CONTENDERS.includes(name) ? CONTENDERS.indexOf(name) : CONTENDERS.length);

function startHistory() {
  const all = data.history.lines;
  $("no-history").hidden = all.length > 0;
  $("with-history").hidden = all.length === 0;
  if (!all.length) return;
  options($("machine"), unique(all.map((line) => line.machine)));
  $("machine").addEventListener("change", chooseMachine);
  $("benchmark").addEventListener("change", chooseBenchmark);
  chooseMachine();
}

const ofMachine = () => data.history.lines.filter((line) => line.machine === $("machine").value);
const ofBenchmark = () => ofMachine().filter((line) => line.benchmark === $("benchmark").value);

function chooseMachine() {
  const names = unique(ofMachine().map((line) => line.benchmark));
  const length = (name) => Math.max(...ofMachine().filter((line) => line.benchmark === name).map((line) => line.points.length));
  options($("benchmark"), names.sort((a, b) => length(b) - length(a))); // the longest history first
  chooseBenchmark();
}

function chooseBenchmark() {
  const lines = ofBenchmark(), count = lines[0].parameters.length;
  const places = [...Array(count).keys()];
  const isContender = (i) => lines.some((line) => CONTENDERS.includes(line.parameters[i]) || line.parameters[i] === "reference");
  const last = places.filter(isContender).at(-1) ?? count - 1;
  $("parameters").replaceChildren(...places.filter((i) => i !== last).map((i) => {
    const select = make("select", { "data-place": i, "aria-label": `parameter ${i + 1}` });
    options(select, unique(lines.map((line) => line.parameters[i])));
    select.addEventListener("change", drawHistory);
    return select;
  }));
  $("parameters").dataset.last = last;
  drawHistory();
}

function drawHistory() {
  if (!data.history.lines.length) return;
  const chosenBy = [...$("parameters").querySelectorAll("select")];
  const last = Number($("parameters").dataset.last);
  const lines = ofBenchmark().filter((line) => chosenBy.every((s) => line.parameters[s.dataset.place] === s.value));
  lines.sort((a, b) => rank(a.parameters[last]) - rank(b.parameters[last]));
  const unit = lines.length ? lines[0].unit : "";
  const format = (value) => (unit === "seconds" ? duration(value).replace(/\.0+ /, " ") : `${digits(value)} ${unit}`.trim());
  const called = (line) => (last >= 0 ? line.parameters[last] : line.benchmark);
  const style = styles(unique(lines.map(called)));
  const shaped = lines.map((line) => {
    const name = called(line);
    const points = line.points.map(([x, y]) => [x, y, `${name}, ${data.history.commits[x]}: ${format(y)}`]);
    return { name: data.names[name] || name, ...style[name], points };
  });
  chart($("history-chart"), shaped, { names: data.history.commits, label: "commits, oldest first", format });
}

options($("pair"), data.pairs.map((p) => p.key), data.pairs.map((p) => `${p.slow} / ${p.fast}`));
$("pair").addEventListener("change", drawMap);
$("along").addEventListener("change", drawScaling);
drawMap();
drawScaling();
filter();
startHistory();
let drawn = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === drawn) return;
  drawn = innerWidth;
  drawScaling();
  drawHistory();
});
