// A table as a grid: a page of records, fields as columns. What changed since the last look is lit for a moment.

import { avatar, chip, el, guarded, link, sync } from "./dom.js";
import { sizeOf } from "./message.js";
import { byPattern } from "./times.js";

const PAGE = 100;
const HUES = ["blue", "wathet", "turquoise", "green", "lime", "yellow", "orange", "red", "carmine", "violet", "purple"];

/** Draws the table that *place* names into *main*. */
export function gridView(main, place) {
  const [appToken, tableId] = place.rest;
  const offset = Number(place.query.get("offset")) || 0;
  const kept = new Map();
  let frame = null;
  return {
    asks: () => ({ table: `view/table?app_token=${encodeURIComponent(appToken)}&table_id=${encodeURIComponent(tableId)}&offset=${offset}&limit=${PAGE}` }),
    draw(_, table) {
      if (!frame) {
        frame = { head: el("header", { class: "view-head" }), names: el("thead", {}), rows: el("tbody", {}), pager: el("footer", { class: "pager" }) };
        const grid = el("table", { class: "grid" }, frame.names, frame.rows);
        main.replaceChildren(frame.head, el("div", { class: "grid-scroll", tabindex: "0" }, grid), frame.pager);
      }
      frame.head.replaceChildren(el("h1", {}, table.name), el("p", {}, `${table.base} · ${table.total.toLocaleString("en")} records · ${table.fields.length} fields · times in ${table.time_zone}`));
      frame.names.replaceChildren(el("tr", {}, el("th", { class: "number" }, "#"), table.fields.map(fieldHead)));
      sync(frame.rows, table.rows.map((row, at) => rowNode(row, offset + at + 1, table, kept)));
      drawPager(frame.pager, table, place);
    },
  };
}

function fieldHead(field) {
  return el("th", { title: `${field.name}\n${field.ui_type} (type ${field.type})\n${field.field_id}` }, el("span", {}, field.name), el("small", {}, field.ui_type));
}

function rowNode(row, number, table, kept) {
  const columns = JSON.stringify(table.fields);
  const key = JSON.stringify([number, row.cells, columns]);
  const known = kept.get(row.record_id);
  if (known && known.key === key) return known.node;
  const node = el("tr", {}, el("th", { class: "number", title: row.record_id }, String(number)));
  for (const field of table.fields) {
    const shown = guarded(field.ui_type, () => cell(row.cells[field.field_id], field, table));
    const text = JSON.stringify(row.cells[field.field_id]);
    const changed = known && known.columns === columns && known.cells[field.field_id] !== text;
    node.append(el("td", { class: changed ? "changed" : null }, el("div", { class: "cell", title: shown.tip || null }, shown.node ?? shown)));
  }
  const cells = Object.fromEntries(table.fields.map((field) => [field.field_id, JSON.stringify(row.cells[field.field_id])]));
  kept.set(row.record_id, { key, node, cells, columns });
  return node;
}

function drawPager(pager, table, place) {
  const last = Math.max(0, Math.floor((table.total - 1) / PAGE) * PAGE);
  const to = (offset, sign, name) => {
    const off = offset < 0 || offset > last || offset === table.offset;
    const href = `#/table/${place.rest.map(encodeURIComponent).join("/")}?offset=${offset}`;
    return off ? el("span", { class: "turn off", "aria-hidden": "true" }, sign) : el("a", { class: "turn", href, title: name, "aria-label": name }, sign);
  };
  const end = Math.min(table.offset + PAGE, table.total);
  const where = table.total ? `${Math.min(table.offset + 1, table.total).toLocaleString("en")} to ${end.toLocaleString("en")} of ${table.total.toLocaleString("en")}` : "no records";
  pager.replaceChildren(to(0, "«", "First page"), to(table.offset - PAGE, "‹", "Page before"), el("span", {}, where), to(table.offset + PAGE, "›", "Next page"), to(last, "»", "Last page"));
}

function cell(value, field, table) {
  if (value === null || value === undefined || value === "") return "";
  const make = BY_UI[field.ui_type] || BY_TYPE[field.type];
  return make ? make(value, field, table) : words(typeof value === "object" ? JSON.stringify(value) : String(value));
}

function words(text) {
  return { node: el("span", {}, text), tip: text };
}

function segments(value) {
  if (typeof value === "string") return words(value);
  const parts = [value].flat().map((each) => (each.type === "url" ? link(each.link, {}, each.text) : String(each.text ?? each.name ?? "")));
  return { node: el("span", {}, parts), tip: [value].flat().map((each) => each.text ?? "").join("") };
}

function option(name, field) {
  const known = ((field.property || {}).options || []).find((each) => each.name === name);
  return chip(name, HUES[Number((known || {}).color || 0) % HUES.length]);
}

function moment(value, field, table) {
  const format = ((field.property || {}).date_formatter || "yyyy-MM-dd HH:mm").replace(/\//g, "-");
  const shown = byPattern(value, format, table.time_zone);
  return { node: el("time", {}, shown), tip: `${byPattern(value, "YYYY-MM-DD HH:mm:ss", table.time_zone)} ${table.time_zone}\n${value}` };
}

function people(value) {
  return { node: el("span", { class: "people" }, [value].flat().map((each) => el("span", { class: "person" }, avatar(each.name), el("span", {}, each.name)))), tip: [value].flat().map((each) => `${each.name} ${each.id}`).join("\n") };
}

function linked(value) {
  const shown = value.link_record_ids || [];
  return { node: el("span", {}, shown.map((id, at) => chip((value.shown || [])[at] || id, "neutral"))), tip: shown.join("\n") };
}

/** A formula or lookup: values of another type, {type, value}. */
function computed(value, field, table) {
  if (typeof value !== "object" || !("value" in value)) return words(String(value));
  const parts = [value.value].flat().map((each) => {
    const shown = cell(each, { ...field, type: value.type, ui_type: "" }, table);
    return shown.node ?? shown;
  });
  return { node: el("span", {}, parts.flatMap((part, at) => (at ? [" ", part] : [part]))), tip: JSON.stringify(value.value) };
}

const BY_UI = {
  Progress: (value) => el("span", { class: "progress", title: String(value) }, el("span", { style: { width: `${Math.min(Math.max(value, 0), 1) * 100}%` } })),
  Rating: (value) => el("span", { class: "rating" }, "★".repeat(Math.min(Math.max(Math.round(value), 0), 10))),
  Currency: (value, field) => el("span", { class: "digits" }, `${(field.property || {}).currency_code || ""} ${value}`),
};
const BY_TYPE = {
  1: segments,
  2: (value) => el("span", { class: "digits" }, String(value)),
  3: (value, field) => option(value, field),
  4: (value, field) => ({ node: el("span", {}, value.map((each) => option(each, field))), tip: value.join(", ") }),
  5: moment,
  7: (value) => el("span", { class: value ? "box ticked" : "box", role: "img", "aria-label": value ? "yes" : "no" }, value ? "✓" : ""),
  11: people,
  13: (value) => words(String(value)),
  15: (value) => ({ node: link(value.link, {}, value.text || value.link), tip: value.link }),
  17: (value) => ({ node: el("span", {}, value.map((each) => el("span", { class: "file-chip" }, each.name, el("small", {}, ` ${sizeOf(each.size)}`)))), tip: value.map((each) => each.name).join("\n") }),
  18: linked,
  19: computed,
  20: computed,
  21: linked,
  22: (value) => words(value.full_address || value.name || JSON.stringify(value)),
  23: (value) => el("span", {}, value.map((each) => chip(each.name, "blue"))),
  1001: moment,
  1002: moment,
  1003: people,
  1004: people,
  1005: (value) => words(String(value)),
};
