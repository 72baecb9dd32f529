// Charts of cards: a VChart spec, drawn simply. Kinds that are not drawn are named, with their numbers.

import { el, svg } from "./dom.js";
import { readSpec, titleOf } from "./chart_data.js";
import { drawAxes, drawBars, drawLines } from "./chart_axes.js";
import { MORE } from "./chart_more.js";
import { COLORS, cut, widthOf } from "./chart_parts.js";

const WIDTH = 552;
const RATIOS = { "1:1": 1, "2:1": 0.5, "4:3": 0.75, "16:9": 0.5625 };
const LEGEND = 24;
const TITLE = 30;

/** A chart of a card. */
export function chart(given) {
  const spec = given.chart_spec || {};
  const more = Object.hasOwn(MORE, spec.type) ? MORE[spec.type] : null;
  const read = more ? { kind: spec.type, title: titleOf(spec) } : readSpec(spec);
  if (!read) return undrawn(spec);
  const fixed = /^(\d{1,3})px$/.exec(given.height || "");
  const height = fixed ? Math.max(Number(fixed[1]), 80) : WIDTH * (RATIOS[given.aspect_ratio] || RATIOS["16:9"]);
  const node = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `${read.kind} chart ${read.title}` });
  const top = read.title ? TITLE : 10;
  if (read.title) node.append(svg("text", { x: 0, y: 18, class: "chart-title" }, cut(read.title, WIDTH - 10)));
  if (more) drawMore(node, more, spec, { top, height });
  else if (read.series.every((each) => !each.points.length)) drawNothing(node, height);
  else if (read.kind === "pie") drawPie(node, read, { top, height });
  else drawPlane(node, read, { top, height });
  return el("div", { class: "chart" }, node);
}

function drawMore(node, more, spec, { top, height }) {
  const names = more(node, spec, { left: 0, top, right: WIDTH - 8, bottom: height - 24 - LEGEND });
  if (!names) drawNothing(node, height);
  else if (names.length > 1) drawLegend(node, names, height - 10);
}

function undrawn(spec) {
  const kind = typeof spec.type === "string" ? spec.type : "unknown";
  const values = [spec.data].flat().flatMap((each) => (each && each.values) || []);
  const points = values.slice(0, 6).map((each) => el("li", {}, JSON.stringify(each)));
  const more = values.length > 6 && el("li", {}, `… ${values.length} in all`);
  return el("div", { class: "chart undrawn" }, el("b", {}, `A chart of the kind ${kind}`), el("p", { class: "hint" }, "Lark draws it; this page does not."), el("ul", {}, points, more));
}

function drawNothing(node, height) {
  node.append(svg("text", { x: WIDTH / 2, y: height / 2, class: "chart-word", "text-anchor": "middle" }, "no data"));
}

function drawPlane(node, read, { top, height }) {
  const legend = read.series.length > 1;
  const frame = { left: 0, top, right: WIDTH - 4, bottom: height - 24 - (legend ? LEGEND : 0) };
  const scale = drawAxes(node, read, frame);
  drawBars(node, read, scale);
  drawLines(node, read, scale);
  if (legend) drawLegend(node, read.series.map((each) => each.name), height - 10);
}

function drawLegend(node, names, y) {
  let x = 0;
  names.forEach((name, at) => {
    const shown = cut(name, 130);
    const width = 31 + widthOf(shown);
    if (x + width > WIDTH) return;
    node.append(svg("rect", { x, y: y - 9, width: 10, height: 10, rx: 2, style: { fill: COLORS[at % COLORS.length] } }));
    node.append(svg("text", { x: x + 15, y, class: "chart-word" }, shown));
    x += width;
  });
}

function drawPie(node, read, { top, height }) {
  const parts = read.series[0].points.filter((each) => each.y > 0);
  const total = parts.reduce((sum, each) => sum + each.y, 0);
  if (!total) return;
  const radius = (height - top - 12) / 2;
  const center = { x: radius + 12, y: top + radius };
  let angle = -Math.PI / 2;
  parts.forEach((each, at) => {
    const turn = (each.y / total) * 2 * Math.PI;
    const path = slice(center, radius, radius * read.inner, angle, angle + turn);
    const words = `${each.x}: ${each.y} (${percent(each.y, total)})`;
    node.append(svg("path", { d: path, class: "slice", style: { fill: COLORS[at % COLORS.length] } }, svg("title", {}, words)));
    angle += turn;
  });
  pieLegend(node, parts, total, { x: center.x + radius + 28, top, height });
}

function pieLegend(node, parts, total, { x, top, height }) {
  const most = Math.max(1, Math.floor((height - top) / 22));
  const shown = parts.slice(0, most);
  const first = top + (height - top - shown.length * 22) / 2 + 14;
  shown.forEach((each, at) => {
    const y = first + at * 22;
    const last = at === most - 1 && parts.length > most;
    const words = last ? `… ${parts.length - most + 1} more` : `${cut(each.x, WIDTH - x - 110)} · ${percent(each.y, total)}`;
    if (!last) node.append(svg("rect", { x, y: y - 9, width: 10, height: 10, rx: 2, style: { fill: COLORS[at % COLORS.length] } }));
    node.append(svg("text", { x: x + 16, y, class: "chart-word" }, words));
  });
}

function percent(part, total) {
  return `${((part / total) * 100).toFixed(1).replace(/\.0$/, "")}%`;
}

function slice(center, outer, inner, from, to) {
  // a whole circle would end where it begins, and vanish
  const end = Math.min(to, from + 2 * Math.PI - 0.0001);
  const large = end - from > Math.PI ? 1 : 0;
  const at = (radius, angle) => `${center.x + radius * Math.cos(angle)} ${center.y + radius * Math.sin(angle)}`;
  const back = inner > 0 ? `L ${at(inner, end)} A ${inner} ${inner} 0 ${large} 0 ${at(inner, from)}` : `L ${center.x} ${center.y}`;
  return `M ${at(outer, from)} A ${outer} ${outer} 0 ${large} 1 ${at(outer, end)} ${back} Z`;
}
