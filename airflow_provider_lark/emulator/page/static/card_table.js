// Tables of cards: columns by type, and pages that can be turned.

import { chip, el, person } from "./dom.js";
import { inline } from "./inline.js";
import { markdown } from "./markdown.js";
import { byPattern, rfc3339 } from "./times.js";

const MOST_COLUMNS = 50;

/** A table of a card. */
export function table(given, ctx) {
  const columns = (given.columns || []).slice(0, MOST_COLUMNS);
  const rows = given.rows || [];
  const size = Math.min(Math.max(Number(given.page_size) || 5, 1), 10);
  const style = given.header_style || {};
  const names = columns.map((each) => el("th", { class: alignOf(each, style.text_align) }, each.display_name ?? ""));
  const looks = { grey: style.background_style === "grey", thin: style.bold === false, faint: style.text_color === "grey", tall: style.text_size === "heading" };
  const head = el("thead", { class: Object.keys(looks).filter((each) => looks[each]).join(" ") }, el("tr", {}, names));
  const body = el("tbody", {});
  const own = /^\d{2,3}px$/.test(given.row_height || "") ? given.row_height : null;
  const classes = `card-table ${heightOf(given.row_height)} ${given.freeze_first_column === true ? "frozen" : ""}`;
  const grid = el("table", { class: classes, style: { "--row": own } }, widths(columns), head, body);
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const turner = pages > 1 ? el("div", { class: "turner" }) : null;
  const show = (page) => {
    body.replaceChildren(...rows.slice(page * size, (page + 1) * size).map((row) => rowOf(row, columns, ctx)));
    if (turner) turner.replaceChildren(...turns(page, pages, show));
  };
  show(0);
  return el("div", { class: "table-box" }, el("div", { class: "table-scroll" }, grid), turner);
}

function turns(page, pages, show) {
  const turn = (to, sign, name) =>
    el("button", { class: "turn", "aria-label": name, disabled: to < 0 || to >= pages, on: { click: () => show(to) } }, sign);
  return [turn(page - 1, "‹", "Page before"), el("span", {}, `${page + 1} / ${pages}`), turn(page + 1, "›", "Next page")];
}

function widths(columns) {
  const known = (width) => /^\d{1,3}(px|%)$/.test(width || "");
  return el("colgroup", {}, columns.map((each) => el("col", { style: { width: known(each.width) ? each.width : null } })));
}

function heightOf(height) {
  return { middle: "middle", high: "high", auto: "auto" }[height] || (/px$/.test(height || "") ? "own" : "low");
}

function alignOf(column, fallback) {
  const own = column.horizontal_align || (column.data_type === "number" ? "right" : fallback);
  return ["center", "right"].includes(own) ? own : "left";
}

function rowOf(row, columns, ctx) {
  return el("tr", {}, columns.map((each) => el("td", { class: `${alignOf(each)} ${each.vertical_align || ""}` }, cell(row[each.name], each, ctx))));
}

function cell(value, column, ctx) {
  if (value === null || value === undefined || value === "") return "";
  switch (column.data_type) {
    case "number":
      return number(value, column.format || {});
    case "options":
      return (Array.isArray(value) ? value : [{ text: value }]).map((each) => chip(each.text ?? each, each.color || "blue"));
    case "persons":
      return (Array.isArray(value) ? value : [value]).map((id) => person(ctx.name(id)));
    case "date":
      return column.date_format ? byPattern(value, column.date_format) : rfc3339(value);
    case "markdown":
      return el("div", { class: "markdown" }, markdown(String(value), ctx));
    case "lark_md":
      return inline(String(value), ctx);
    default:
      return el("span", { title: String(value) }, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
}

function number(value, format) {
  if (typeof value !== "number") return String(value);
  const digits = Number.isInteger(format.precision) ? value.toFixed(format.precision) : String(value);
  const [whole, rest] = digits.split(".");
  const grouped = format.separator ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole;
  return `${format.symbol || ""}${grouped}${rest === undefined ? "" : `.${rest}`}`;
}
