// Charts that are no lines, bars or pies: points, funnels, radars, progress, clouds of words.

import { svg } from "./dom.js";
import { valuesOf } from "./chart_data.js";
import { COLORS, cut, short, widthOf } from "./chart_parts.js";

/** Draw the *spec* into *frame*, {left, top, right, bottom}; returns the names of its series for the legend. */
export const MORE = { scatter, funnel, radar, linearProgress, circularProgress, wordCloud };

function numbers(spec, name, value) {
  const held = valuesOf(spec, 0).map((each) => ({ name: String(each[[name].flat()[0]] ?? ""), value: Number(each[[value].flat()[0]]), from: each }));
  return held.filter((each) => Number.isFinite(each.value));
}

function seriesOf(spec, values) {
  const names = [...new Set(values.map((each) => (spec.seriesField ? String(each.from[spec.seriesField]) : "")))];
  return { names, at: (each) => names.indexOf(spec.seriesField ? String(each.from[spec.seriesField]) : "") };
}

function shade(at) {
  return { fill: COLORS[at % COLORS.length], stroke: COLORS[at % COLORS.length] };
}

/** Round numbers from below the least to above the most; unlike the axes of bars these need not begin at 0. */
function steps(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const rough = (high - low || Math.abs(high) || 1) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * unit).find((each) => each >= rough);
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

function scatter(node, spec, frame) {
  const x = [spec.xField].flat()[0];
  const points = numbers(spec, x, spec.yField).filter((each) => Number.isFinite(Number(each.name)));
  if (!points.length) return null;
  const [across, along] = [steps(points.map((each) => Number(each.name))), steps(points.map((each) => each.value))];
  const left = frame.left + Math.max(...along.map((each) => widthOf(short(each)))) + 12;
  const place = (value, all, from, to) => from + ((value - all[0]) / (all.at(-1) - all[0])) * (to - from);
  for (const value of along) {
    const y = place(value, along, frame.bottom, frame.top);
    node.append(svg("line", { x1: left, x2: frame.right, y1: y, y2: y, class: "chart-grid" }), svg("text", { x: left - 8, y: y + 4, class: "chart-word", "text-anchor": "end" }, short(value)));
  }
  for (const value of across) node.append(svg("text", { x: place(value, across, left, frame.right), y: frame.bottom + 17, class: "chart-word", "text-anchor": "middle" }, short(value)));
  const series = seriesOf(spec, points);
  for (const each of points) {
    const spot = { cx: place(Number(each.name), across, left, frame.right), cy: place(each.value, along, frame.bottom, frame.top), r: 4, class: "chart-spot", style: shade(series.at(each)) };
    node.append(svg("circle", spot, svg("title", {}, `${each.name}, ${each.value}`)));
  }
  return series.names;
}

function funnel(node, spec, frame) {
  const layers = numbers(spec, spec.categoryField, spec.valueField);
  const most = Math.max(...layers.map((each) => each.value));
  if (!(most > 0)) return null;
  const [middle, height] = [(frame.left + frame.right) / 2, (frame.bottom - frame.top) / layers.length];
  const half = (value) => (Math.max(value, 0) / most) * (frame.right - frame.left) * 0.36;
  layers.forEach((each, at) => {
    const [y, below] = [frame.top + at * height, layers[at + 1] ? layers[at + 1].value : each.value / 2];
    const path = `M ${middle - half(each.value)} ${y} L ${middle + half(each.value)} ${y} L ${middle + half(below)} ${y + height - 2} L ${middle - half(below)} ${y + height - 2} Z`;
    node.append(svg("path", { d: path, style: shade(at), class: "slice" }, svg("title", {}, `${each.name}: ${each.value}`)));
    const said = `${cut(each.name, 160)} ${short(each.value)}`;
    const fits = widthOf(said) < half(each.value) + half(below);
    const place = fits ? { x: middle, class: "chart-on", "text-anchor": "middle" } : { x: middle + half(each.value) + 8, class: "chart-word" };
    node.append(svg("text", { ...place, y: y + height / 2 + 4 }, said));
  });
  return [];
}

function radar(node, spec, frame) {
  const held = numbers(spec, spec.categoryField, spec.valueField);
  const names = [...new Set(held.map((each) => each.name))];
  const most = steps([0, ...held.map((each) => each.value)]).at(-1);
  if (names.length < 2 || !(most > 0)) return null;
  const [x, y] = [(frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2];
  const radius = (frame.bottom - frame.top) / 2 - 18;
  const spot = (at, part) => {
    const angle = (at / names.length) * 2 * Math.PI - Math.PI / 2;
    return [x + Math.cos(angle) * radius * part, y + Math.sin(angle) * radius * part];
  };
  const outline = (parts) => `${parts.map((part, at) => `${at ? "L" : "M"} ${spot(at, part).join(" ")}`).join(" ")} Z`;
  for (const part of [0.25, 0.5, 0.75, 1]) node.append(svg("path", { d: outline(names.map(() => part)), class: "chart-grid", fill: "none" }));
  names.forEach((name, at) => {
    const [wordX, wordY] = spot(at, 1 + 14 / radius);
    const anchor = Math.abs(wordX - x) < 8 ? "middle" : wordX < x ? "end" : "start";
    node.append(svg("text", { x: wordX, y: wordY + 4, class: "chart-word", "text-anchor": anchor }, cut(name, 120)));
  });
  const series = seriesOf(spec, held);
  series.names.forEach((_, number) => {
    const parts = names.map((name) => (held.find((each) => each.name === name && series.at(each) === number)?.value ?? 0) / most);
    const filled = spec.area && spec.area.visible !== false;
    if (filled) node.append(svg("path", { d: outline(parts), class: "chart-area", style: { fill: COLORS[number % COLORS.length] } }));
    node.append(svg("path", { d: outline(parts), class: "chart-line", style: { stroke: COLORS[number % COLORS.length] } }));
  });
  return series.names;
}

/** How much is done: of 1, or of 100 where a value is over 1. */
function parts(values) {
  const whole = values.some((each) => each.value > 1) ? 100 : 1;
  return values.map((each) => ({ ...each, part: Math.min(Math.max(each.value / whole, 0), 1) }));
}

function linearProgress(node, spec, frame) {
  const lies = spec.direction !== "vertical";
  const rows = parts(lies ? numbers(spec, spec.yField, spec.xField) : numbers(spec, spec.xField, spec.yField));
  if (!rows.length) return null;
  const left = frame.left + Math.max(...rows.map((each) => Math.min(widthOf(each.name), 150))) + 12;
  const [height, wide] = [(frame.bottom - frame.top) / rows.length, frame.right - left - 44];
  const thick = Math.min(height * 0.5, 14);
  rows.forEach((each, at) => {
    const y = frame.top + at * height + (height - thick) / 2;
    const bar = { x: left, y, height: thick, rx: thick / 2 };
    node.append(svg("text", { x: left - 10, y: y + thick / 2 + 4, class: "chart-word", "text-anchor": "end" }, cut(each.name, 150)));
    node.append(svg("rect", { ...bar, width: wide, class: "chart-track" }), svg("rect", { ...bar, width: Math.max(wide * each.part, 1), style: shade(at) }, svg("title", {}, `${each.name}: ${each.value}`)));
    node.append(svg("text", { x: left + wide + 8, y: y + thick / 2 + 4, class: "chart-word" }, `${Math.round(each.part * 100)}%`));
  });
  return [];
}

function circularProgress(node, spec, frame) {
  const rings = parts(numbers(spec, spec.categoryField, spec.valueField));
  if (!rings.length) return null;
  const full = Math.min(frame.bottom - frame.top, frame.right - frame.left) / 2;
  const [outer, inner] = [full * 0.95, full * 0.95 * Math.min((spec.innerRadius || 0.5) / (spec.radius || spec.outerRadius || 1), 0.9)];
  const [x, y, thick] = [(frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2, (outer - inner) / rings.length];
  rings.forEach((each, at) => {
    const radius = outer - (at + 0.5) * thick;
    const round = 2 * Math.PI * radius;
    const ring = { cx: x, cy: y, r: radius, fill: "none", "stroke-width": Math.max(thick - 4, 2) };
    node.append(svg("circle", { ...ring, class: "chart-ring" }));
    const style = { stroke: COLORS[at % COLORS.length], "stroke-dasharray": `${round * each.part} ${round}` };
    node.append(svg("circle", { ...ring, style, "stroke-linecap": spec.cornerRadius ? "round" : "butt", transform: `rotate(-90 ${x} ${y})` }, svg("title", {}, `${each.name}: ${each.value}`)));
  });
  return rings.map((each) => `${each.name} ${Math.round(each.part * 100)}%`);
}

function wordCloud(node, spec, frame) {
  const words = numbers(spec, spec.nameField, spec.valueField || "").sort((one, other) => other.value - one.value);
  if (!words.length) return null;
  const [least, most] = [words.at(-1).value, words[0].value];
  let [y, line, wide] = [frame.top, [], 0];
  const set = () => {
    const tall = Math.max(...line.map((each) => each.size));
    let x = (frame.left + frame.right - wide) / 2;
    for (const each of line) {
      node.append(svg("text", { x, y: y + tall, class: "chart-tag", style: { "font-size": `${each.size}px`, fill: COLORS[each.at % COLORS.length] } }, each.name, svg("title", {}, `${each.name}: ${each.value}`)));
      x += each.room;
    }
    y += tall * 1.15;
    [line, wide] = [[], 0];
  };
  for (const [at, each] of words.entries()) {
    const size = 12 + 24 * Math.sqrt((each.value - least) / (most - least || 1));
    const [name, room] = [cut(each.name, (frame.right - frame.left) * (12 / size)), (widthOf(each.name) * size) / 12 + 10];
    if (line.length && wide + room > frame.right - frame.left) set();
    if (y + size > frame.bottom) break;
    line.push({ name, size, room, at, value: each.value });
    wide += room;
  }
  if (line.length) set();
  return [];
}
