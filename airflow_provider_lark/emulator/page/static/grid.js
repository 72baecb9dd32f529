// A table as a grid: a page of records, fields as columns. What changed since the last look is lit for a moment.

import { cell } from "./cells.js";
import { el, guarded, sync } from "./dom.js";
import { numberAt } from "./place.js";

const PAGE = 100;
const RIGHT = new Set(["Number", "Currency"]);

/** Draws the table that *place* names into *main*. */
export function gridView(main, place) {
  const [appToken, tableId] = place.rest;
  const offset = numberAt(place, "offset") || 0;
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
      const columns = JSON.stringify([table.fields, table.titles, table.time_zone]);
      sync(frame.rows, table.rows.map((row, at) => rowNode(row, offset + at + 1, table, columns, kept)));
      drawPager(frame.pager, table, place);
    },
  };
}

function fieldHead(field) {
  return el("th", { title: `${field.name}\n${field.ui_type} (type ${field.type})\n${field.field_id}` }, el("span", {}, field.name), el("small", {}, field.ui_type));
}

function rowNode(row, number, table, columns, kept) {
  const key = JSON.stringify([number, row.cells]);
  const known = kept.get(row.record_id);
  if (known && known.key === key && known.columns === columns) return known.node;
  const node = el("tr", {}, el("th", { class: "number", title: row.record_id }, String(number)));
  const cells = {};
  for (const field of table.fields) {
    const shown = drawn(row.cells[field.field_id], field, table);
    const text = (cells[field.field_id] = JSON.stringify(row.cells[field.field_id]));
    const changed = known && known.columns === columns && known.cells[field.field_id] !== text;
    const place = RIGHT.has(field.ui_type) ? "cell right" : "cell";
    node.append(el("td", { class: changed ? "changed" : null }, el("div", { class: place, title: shown.tip || null }, shown.node)));
  }
  kept.set(row.record_id, { key, node, cells, columns });
  return node;
}

function drawn(value, field, table) {
  let tip;
  const node = guarded(field.ui_type, () => {
    const shown = cell(value, field, table);
    tip = shown.tip;
    return shown.node;
  });
  return { node, tip };
}

function drawPager(pager, table, place) {
  const last = Math.max(0, Math.floor((table.total - 1) / PAGE) * PAGE);
  const beyond = table.total && table.offset >= table.total;
  const to = (offset, sign, name) => {
    const off = offset < 0 || offset > last || offset === table.offset;
    const href = `#/table/${place.rest.map(encodeURIComponent).join("/")}?offset=${offset}`;
    return off ? el("span", { class: "turn off", "aria-hidden": "true" }, sign) : el("a", { class: "turn", href, title: name, "aria-label": name }, sign);
  };
  const before = beyond ? last : Math.max(table.offset - PAGE, 0);
  pager.replaceChildren(to(0, "«", "First page"), to(before, "‹", "Page before"), el("span", {}, whereIn(table, beyond)), to(table.offset + PAGE, "›", "Next page"), to(last, "»", "Last page"));
}

function whereIn({ offset, total }, beyond) {
  const [first, end, all] = [offset + 1, Math.min(offset + PAGE, total), total].map((each) => each.toLocaleString("en"));
  if (!total) return "no records";
  return beyond ? `no records from ${first} on, of ${all}` : `${first} to ${end} of ${all}`;
}
