// Charts of a mapping's runs, as drawings with a title at each point.

import { el, svg } from "./dom.js";
import { moment, number, span, t } from "./words.js";

const WIDTH = 460;
const HEIGHT = 150;
const LEFT = 44;
const BOTTOM = 20;
const TOP = 10;
const RUNS = 60;
// lengths of time that a half of can be said in few digits
const SPANS = [2, 10, 20, 60, 120, 240, 600, 1200, 3600, 7200, 14400, 36000, 86400, 172800];

/** A line without axes, for a cell of a table. */
export function sparkline(values) {
  if (values.length < 2) return null;
  const top = Math.max(...values, 1);
  const points = values.map((value, at) => `${((at / (values.length - 1)) * 78 + 1).toFixed(1)},${(19 - (value / top) * 17).toFixed(1)}`);
  return svg("svg", { class: "spark", viewBox: "0 0 80 20", width: 80, height: 20, "aria-hidden": "true" },
    svg("polygon", { class: "area", points: `1,20 ${points.join(" ")} 79,20` }),
    svg("polyline", { class: "line", points: points.join(" ") }));
}

/** The three charts of a mapping. *runs*: the newest first, as the server gives them. */
export function charts(runs) {
  const shown = runs.filter((run) => run.operation !== "check").slice(0, RUNS).reverse();
  const times = shown.map((run) => Date.now() - run.ended_seconds * 1000);
  return el("div", { class: "charts" },
    card(t("backlog_over_time"), null, lines(times, shown.map((run) => run.pending), number)),
    card(t("rows_per_run"), legend(), bars(times, shown)),
    card(t("oldest_over_time"), null, lines(times, shown.map((run) => run.oldest_seconds || 0), span)));
}

function card(title, more, drawing) {
  drawing.setAttribute("aria-label", title);
  return el("figure", { class: "card" }, el("figcaption", {}, title, more), drawing);
}

function legend() {
  const each = (name) => el("span", { class: `legend ${name}` }, t(name));
  return el("span", { class: "legends" }, each("to_lark"), each("to_sql"));
}

function frame(top, write, times, ...parts) {
  const label = (props, text) => svg("text", { class: "tick", ...props }, text);
  const grid = [0, 0.5, 1].map((part) => {
    const y = TOP + (1 - part) * (HEIGHT - TOP - BOTTOM);
    return [
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }),
      (part !== 0.5 || top >= 2) && label({ x: LEFT - 6, y: y + 3.5, "text-anchor": "end" }, write(top * part)),
    ];
  });
  const ends = times.length > 1 && [
    label({ x: LEFT, y: HEIGHT - 4 }, moment(times[0])),
    label({ x: WIDTH, y: HEIGHT - 4, "text-anchor": "end" }, moment(times.at(-1))),
  ];
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" }, grid, parts, ends);
}

function round(top) {
  if (top <= 1) return 1;
  const step = 10 ** Math.floor(Math.log10(top));
  return [1, 2, 4, 5, 6, 8, 10].map((each) => each * step).find((each) => each >= top);
}

function lines(times, values, write) {
  const most = Math.max(...values, 0);
  const top = write === span ? SPANS.find((each) => each >= most) || round(most / 86400) * 86400 : round(most);
  const [from, to] = [times[0], times.at(-1)];
  const x = (at) => LEFT + (to > from ? (times[at] - from) / (to - from) : 0.5) * (WIDTH - LEFT - 4);
  const y = (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const points = values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
  const dots = values.map((value, at) =>
    svg("circle", { class: "dot", cx: x(at), cy: y(value), r: 2.5 }, svg("title", {}, `${moment(times[at])}: ${write(value)}`)));
  const floor = HEIGHT - BOTTOM;
  return frame(top, write, times,
    points.length > 1 && svg("polygon", { class: "area", points: `${x(0)},${floor} ${points.join(" ")} ${x(points.length - 1)},${floor}` }),
    svg("polyline", { class: "line", points: points.join(" ") }), dots);
}

function written(run, side) {
  return run.counts[`${side}_created`] + run.counts[`${side}_updated`] + run.counts[`${side}_deleted`];
}

function bars(times, runs) {
  const top = round(Math.max(...runs.map((run) => written(run, "lark") + written(run, "sql")), 0));
  const slot = (WIDTH - LEFT - 4) / Math.max(runs.length, 12);
  const height = (rows) => (rows / top) * (HEIGHT - TOP - BOTTOM);
  const drawn = runs.map((run, at) => {
    const [lark, sql] = [written(run, "lark"), written(run, "sql")];
    const x = LEFT + at * slot + slot * 0.12;
    const bar = (name, y, rows) => rows > 0 && svg("rect", { class: name, x, y, width: slot * 0.76, height: height(rows), rx: 1 });
    const floor = HEIGHT - BOTTOM;
    const words = `${moment(times[at])}: ${number(lark)} ${t("to_lark")}, ${number(sql)} ${t("to_sql")}`;
    return svg("g", {}, svg("title", {}, words),
      svg("rect", { class: "hit", x: x - slot * 0.12, y: TOP, width: slot, height: HEIGHT - TOP - BOTTOM }),
      bar("to_lark", floor - height(lark), lark), bar("to_sql", floor - height(lark) - height(sql), sql));
  });
  return frame(top, number, times, drawn);
}
