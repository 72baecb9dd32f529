// Axes, and what is drawn over them: bars beside or upon each other, lying or standing, lines and areas.

import { svg } from "./dom.js";
import { COLORS, cut, short, ticks, widthOf } from "./chart_parts.js";

const MOST_WORDS = 14;

/** Draw both axes into *frame*; returns where a category and a number lie. */
export function drawAxes(node, read, frame) {
  const steps = ticks(...rangeOf(read));
  const [low, high] = [steps[0], steps.at(-1)];
  const words = steps.map(short);
  const across = read.horizontal ? read.categories.map((each) => cut(each, 120)) : words;
  const left = Math.max(...across.map(widthOf), 10) + 10;
  // the last word below stands half beyond the end of a lying axis
  const box = { left, right: frame.right - (read.horizontal ? widthOf(words.at(-1)) / 2 : 0), top: frame.top + 6, bottom: frame.bottom };
  const reach = read.horizontal ? box.right - box.left : box.bottom - box.top;
  const along = (value) => ((value - low) / (high - low)) * reach;
  const scale = {
    box, band: (read.horizontal ? box.bottom - box.top : box.right - box.left) / Math.max(read.categories.length, 1),
    lies: read.horizontal,
    place: (value) => (read.horizontal ? box.left + along(value) : box.bottom - along(value)),
    index: new Map(read.categories.map((each, at) => [each, at])),
  };
  steps.forEach((value, at) => drawStep(node, scale, value, words[at]));
  drawCategories(node, read, scale);
  return scale;
}

function rangeOf(read) {
  const sums = new Map();
  const all = [0];
  for (const series of read.series) {
    for (const { x, y } of series.points) {
      if (!series.stacked) all.push(y);
      else {
        const key = `${y < 0}${x}`;
        sums.set(key, (sums.get(key) || 0) + y);
      }
    }
  }
  const values = [...all, ...sums.values()];
  return [Math.min(...values), Math.max(...values)];
}

function drawStep(node, { box, place, lies }, value, word) {
  const at = place(value);
  const line = lies ? { x1: at, x2: at, y1: box.top, y2: box.bottom } : { x1: box.left, x2: box.right, y1: at, y2: at };
  node.append(svg("line", { ...line, class: value === 0 ? "chart-axis" : "chart-grid" }));
  const text = lies ? { x: at, y: box.bottom + 16, "text-anchor": "middle" } : { x: box.left - 8, y: at + 4, "text-anchor": "end" };
  node.append(svg("text", { ...text, class: "chart-word" }, word));
}

function drawCategories(node, read, { box, band, lies }) {
  const room = lies ? band : band - 6;
  const widest = Math.max(...read.categories.map(widthOf), 1);
  const every = lies ? Math.ceil(18 / band) : Math.max(Math.ceil(read.categories.length / MOST_WORDS), room >= Math.min(widest, 60) ? 1 : Math.ceil(60 / band));
  read.categories.forEach((name, at) => {
    if (at % every) return;
    const middle = at * band + band / 2;
    const place = lies ? { x: box.left - 8, y: box.top + middle + 4, "text-anchor": "end" } : { x: box.left + middle, y: box.bottom + 17, "text-anchor": "middle" };
    node.append(svg("text", { ...place, class: "chart-word" }, cut(name, lies ? 120 : Math.max(band * every - 6, 24)), svg("title", {}, name)));
  });
}

/** Draw the series that are bars. */
export function drawBars(node, read, scale) {
  const bars = read.series.map((each, at) => ({ ...each, at })).filter((each) => each.draws === "bar");
  const slots = bars.some((each) => !each.stacked) ? bars.length : 1;
  const room = Math.min(scale.band * 0.66, slots * 46);
  const piles = new Map();
  const labelled = bars.length === 1 && bars[0].points.length <= 12;
  bars.forEach((series, slot) => {
    for (const { x, y } of series.points) {
      const key = `${y < 0}${x}`;
      const base = series.stacked ? piles.get(key) || 0 : 0;
      piles.set(key, base + y);
      const thick = room / slots;
      const begin = scale.index.get(String(x)) * scale.band + (scale.band - room) / 2 + (slots > 1 ? slot * thick : 0);
      drawBar(node, scale, { begin, thick: Math.max(thick - (slots > 1 ? 2 : 0), 1), from: scale.place(base), to: scale.place(base + y) }, series, { x, y });
      if (labelled) label(node, scale, begin + thick / 2, y);
    }
  });
}

function drawBar(node, { box, lies }, { begin, thick, from, to }, series, { x, y }) {
  const size = { from: Math.min(from, to), long: Math.max(Math.abs(to - from), 0.5) };
  const shape = lies
    ? { x: size.from, y: box.top + begin, width: size.long, height: thick }
    : { x: box.left + begin, y: size.from, width: thick, height: size.long };
  const words = series.name ? `${x}, ${series.name}: ${y}` : `${x}: ${y}`;
  node.append(svg("rect", { ...shape, rx: series.stacked ? 0 : 2, style: { fill: COLORS[series.at % COLORS.length] } }, svg("title", {}, words)));
}

function label(node, { box, place, lies }, middle, y) {
  const at = place(y);
  const word = short(y);
  const beyond = lies && at + widthOf(word) + 6 > box.right;
  const where = lies
    ? { x: beyond ? at - 6 : at + 6, y: box.top + middle + 4, "text-anchor": beyond ? "end" : "start" }
    : { x: box.left + middle, y: y < 0 ? at + 14 : Math.max(at - 5, 10), "text-anchor": "middle" };
  node.append(svg("text", { ...where, class: beyond ? "chart-value inside" : "chart-value" }, word));
}

/** Draw the series that are lines or areas. */
export function drawLines(node, read, scale) {
  const middle = (x) => scale.box.left + scale.index.get(String(x)) * scale.band + scale.band / 2;
  read.series.forEach((series, at) => {
    if (series.draws !== "line" || !series.points.length) return;
    const shade = COLORS[at % COLORS.length];
    const points = series.points.map(({ x, y }) => [middle(x), scale.place(y)]);
    const path = `M ${points.map((each) => each.join(" ")).join(" L ")}`;
    if (series.filled) {
      const floor = scale.place(0);
      node.append(svg("path", { d: `${path} L ${points.at(-1)[0]} ${floor} L ${points[0][0]} ${floor} Z`, class: "chart-area", style: { fill: shade } }));
    }
    node.append(svg("path", { d: path, class: "chart-line", style: { stroke: shade } }));
    if (points.length > 40) return;
    points.forEach(([cx, cy], n) => {
      const { x, y } = series.points[n];
      const words = series.name ? `${x}, ${series.name}: ${y}` : `${x}: ${y}`;
      node.append(svg("circle", { cx, cy, r: 3, class: "chart-dot", style: { stroke: shade } }, svg("title", {}, words)));
    });
  });
}
