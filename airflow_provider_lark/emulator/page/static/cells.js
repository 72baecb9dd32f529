// What stands in a cell, by the type of its field: a node, with a tip that says it whole where the node does not.

import { avatar, chip, el, link, webUrl } from "./dom.js";
import { isRounded, momentText, numberText } from "./formats.js";
import { sizeOf } from "./message.js";
import { byPattern } from "./times.js";

const HUES = ["blue", "wathet", "turquoise", "green", "lime", "yellow", "orange", "red", "carmine", "violet", "purple"];
const MARKS = { star: "★", heart: "♥", thumbsup: "👍", fire: "🔥", smile: "🙂", lightning: "⚡", flower: "🌸" };

/** A cell as `{node, tip}`; *table* gives the zone, and the fields by which linked records are called. */
export function cell(value, field, table) {
  if (field.type === 7) return checkbox(value);
  if (value === null || value === undefined || value === "") return { node: "" };
  const make = BY_UI[field.ui_type] || BY_TYPE[field.type];
  const shown = make ? make(value, field, table) : words(typeof value === "object" ? JSON.stringify(value) : String(value));
  return shown instanceof Node ? { node: shown } : shown;
}

function words(text) {
  return { node: el("span", { dir: "auto" }, text), tip: text };
}

function segments(value) {
  if (typeof value === "string") return words(value);
  const parts = [value].flat().map((each) => (webUrl(each.link) ? link(each.link, {}, each.text) : String(each.text ?? each.name ?? "")));
  return { node: el("span", { dir: "auto" }, parts), tip: [value].flat().map((each) => each.text ?? "").join("") };
}

function checkbox(value) {
  return { node: el("span", { class: value ? "box ticked" : "box", role: "img", "aria-label": value ? "yes" : "no" }, value ? "✓" : "") };
}

function option(name, field) {
  const known = ((field.property || {}).options || []).find((each) => each.name === name);
  return chip(name, HUES[Number((known || {}).color || 0) % HUES.length], { title: name });
}

/** A number by its field's format; marked where that hides digits. */
function digits(value, field, currency) {
  const shown = numberText(value, (field.property || {}).formatter, currency);
  const rounded = typeof value === "number" && isRounded(value, shown);
  return { node: el("span", { class: rounded ? "digits rounded" : "digits" }, shown), tip: rounded ? `${value}\nshown by the field's format ${field.property.formatter}` : String(value) };
}

function progress(value, field) {
  const { range_customize: own, min, max, formatter } = field.property || {};
  const [low, high] = own ? [min, max] : [0, 1];
  const part = Math.min(Math.max((value - low) / (high - low), 0), 1);
  const bar = el("span", { class: "progress" }, el("span", { style: { width: `${part * 100}%` } }));
  return { node: el("span", { class: "with-bar" }, bar, el("span", { class: "digits" }, numberText(value, formatter))), tip: `${value} of ${low} to ${high}` };
}

function rating(value, field) {
  const { rating: given, max } = field.property || {};
  const mark = MARKS[(given || {}).symbol || "star"];
  const times = Math.min(Math.max(Math.round(value), 0), 10);
  return { node: el("span", { class: "rating" }, mark ? mark.repeat(times) : String(value)), tip: `${value} of ${max ?? 5}` };
}

function moment(value, field, table) {
  const { date_formatter: own, formatter } = field.property || {};
  const shown = momentText(value, own || formatter, table.time_zone);
  return { node: el("time", {}, shown), tip: `${byPattern(value, "YYYY-MM-DD HH:mm:ss", table.time_zone)} ${table.time_zone}\n${value}` };
}

function people(value) {
  const shown = [value].flat().map((each) => el("span", { class: "person" }, avatar(each.name), el("span", { dir: "auto" }, each.name)));
  return { node: el("span", { class: "people" }, shown), tip: [value].flat().map((each) => `${each.name} ${each.id}`).join("\n") };
}

/** Linked records by what stands in the first field of their table; by their ids where nothing does. */
function linked(value, field, table) {
  const ids = value.link_record_ids || [];
  const first = (table.titles || {})[field.field_id];
  const named = ids.map((id, at) => {
    const held = (value.shown || [])[at];
    const text = first && held !== null && held !== undefined ? el("span", {}, cell(held, first, table).node).textContent : "";
    return chip(text || id, "neutral", { title: text || id });
  });
  return { node: el("span", {}, named), tip: ids.join("\n") };
}

function files(value) {
  const shown = value.map((each) => el("span", { class: "file-chip" }, each.name, el("small", {}, ` ${sizeOf(each.size)}`)));
  return { node: el("span", {}, shown), tip: value.map((each) => each.name).join("\n") };
}

/** A formula or lookup: values of another type, {type, value}. */
function computed(value, field, table) {
  if (typeof value !== "object" || !("value" in value)) return words(String(value));
  const held = [value.value].flat();
  const parts = held.map((each) => cell(each, { ...field, type: value.type, ui_type: value.ui_type || "" }, table));
  const tip = parts.map((each) => each.tip || "").join("\n").trim();
  return { node: el("span", {}, parts.flatMap((part, at) => (at ? [" ", part.node] : [part.node]))), tip: tip || JSON.stringify(held) };
}

const BY_UI = {
  Progress: progress,
  Rating: rating,
  Currency: (value, field) => digits(value, field, (field.property || {}).currency_code || "CNY"),
};
const BY_TYPE = {
  1: segments,
  2: (value, field) => digits(value, field),
  3: (value, field) => option(value, field),
  4: (value, field) => ({ node: el("span", {}, [value].flat().map((each) => option(each, field))), tip: [value].flat().join(", ") }),
  5: moment,
  11: people,
  13: (value) => words(String(value)),
  15: (value) => ({ node: link(value.link, {}, value.text || value.link), tip: value.link }),
  17: files,
  18: linked,
  19: computed,
  20: computed,
  21: linked,
  22: (value) => words(value.full_address || value.name || JSON.stringify(value)),
  23: (value) => ({ node: el("span", {}, value.map((each) => chip(each.name, "blue", { title: each.name }))), tip: value.map((each) => `${each.name} ${each.id}`).join("\n") }),
  1001: moment,
  1002: moment,
  1003: people,
  1004: people,
  1005: (value) => words(String(value)),
};
