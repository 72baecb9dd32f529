// What is clicked and filled in. Nobody clicks here: links open, all else only shows what it would be.

import { el, webUrl } from "./dom.js";
import { contentOf } from "./card_text.js";
import { iconOf } from "./card_shown.js";

const TYPES = "default primary danger text primary_text danger_text primary_filled danger_filled laser".split(" ");

function button(given, ctx) {
  const words = contentOf(given.text, ctx);
  const opens = targetOf(given);
  const type = TYPES.includes(given.type) ? given.type : "default";
  const classes = `button ${type} ${given.size || "medium"} ${given.width === "fill" ? "wide" : ""}`;
  const style = { width: widthOf(given.width) };
  const tip = [given.hover_tips && contentOf(given.hover_tips, ctx), doing(given, ctx, opens)].filter(Boolean).join("\n");
  const icon = given.icon && iconOf(given.icon, ctx);
  const props = { class: given.disabled ? `${classes} disabled` : classes, title: tip || null, style };
  if (!opens || given.disabled) return el("span", { ...props, role: "button" }, icon, words);
  return el("a", { ...props, href: opens, target: "_blank", rel: "noopener noreferrer" }, icon, words);
}

/** A width of a component's own; null for the default one and for the whole. */
function widthOf(given) {
  return /^\d{2,4}px$/.test(given || "") ? given : null;
}

function targetOf(given) {
  const behavior = (given.behaviors || []).find((each) => each && each.type === "open_url");
  const url = behavior ? behavior.pc_url || behavior.default_url : (given.multi_url || {}).pc_url || (given.multi_url || {}).url;
  return webUrl(url || given.url);
}

function doing(given, ctx, opens) {
  const callback = (given.behaviors || []).find((each) => each && each.type === "callback");
  const value = callback ? callback.value : given.value;
  const confirm = given.confirm && `asks: ${contentOf(given.confirm.title, ctx)}`;
  const sends = value !== undefined && value !== null && `sends back ${JSON.stringify(value)}`;
  const action = given.form_action_type || given.action_type;
  return [confirm, opens && `opens ${opens}`, sends, action && `form: ${action}`].filter(Boolean).join("\n");
}

/** A field with what stands in it, or its hint. */
function box(given, ctx, value, sign = "") {
  const hint = given.placeholder ? contentOf(given.placeholder, ctx) : "";
  const words = value ? el("span", {}, value) : el("span", { class: "hint" }, hint || "…");
  const classes = `input ${given.disabled ? "disabled" : ""} ${given.width === "fill" ? "wide" : ""}`;
  const node = el("span", { class: classes, title: given.name || null, style: { width: widthOf(given.width) } }, words, sign && el("span", { class: "sign" }, sign));
  const label = given.label && el("span", { class: "label" }, contentOf(given.label, ctx), given.required && el("b", {}, " *"));
  const across = given.label_position === "left";
  return el("div", { class: `labelled ${across ? "across" : ""} ${given.width === "fill" ? "wide" : ""}` }, label, node);
}

function input(given, ctx) {
  const value = given.input_type === "password" ? "•".repeat([...(given.default_value || "")].length) : given.default_value;
  const node = box(given, ctx, value);
  const field = node.querySelector(".input");
  field.classList.add("long");
  if (given.input_type === "multiline_text") field.style.setProperty("min-height", `${Math.min(Math.max(Number(given.rows) || 5, 1), 20) * 22 + 10}px`);
  return node;
}

function select(given, ctx) {
  const chosen = [given.initial_option, ...(given.selected_values || [])].filter(Boolean);
  const options = given.options || [];
  const named = options.filter((each) => chosen.includes(each.value)).map((each) => contentOf(each.text || each.value, ctx));
  const node = box(given, ctx, named.join(", "), "▾");
  node.title = options.map((each) => contentOf(each.text || each.value, ctx)).join("\n");
  return node;
}

function selectPerson(given, ctx) {
  const chosen = [given.initial_option, ...(given.selected_values || [])].filter(Boolean);
  return box(given, ctx, chosen.map((id) => ctx.name(id)).join(", "), "▾");
}

function overflow(given, ctx) {
  const options = (given.options || []).map((each) => contentOf(each.text, ctx));
  return el("span", { class: "button default medium", role: "button", title: options.join("\n") }, "⋯");
}

function checker(given, ctx) {
  const buttons = ((given.button_area || {}).buttons || []).map((each) => button(each, ctx));
  const { show_strikethrough: struck, opacity } = (given.checked && given.checked_style) || {};
  const style = { opacity: Number(opacity) >= 0 && Number(opacity) <= 1 ? String(opacity) : null, "text-decoration": struck ? "line-through" : null };
  const words = el("span", { class: "checker-text", style }, ctx.text(given.text || ""));
  return el("div", { class: given.checked ? "checker done" : "checker" }, el("span", { class: "tick" }, given.checked ? "✓" : ""), words, buttons);
}

/** Elements by their tags. */
export const inputs = {
  button,
  input,
  overflow,
  checker,
  select_static: select,
  multi_select_static: select,
  select_person: selectPerson,
  multi_select_person: selectPerson,
  date_picker: (given, ctx) => box(given, ctx, given.initial_date, "▾"),
  picker_time: (given, ctx) => box(given, ctx, given.initial_time, "▾"),
  picker_datetime: (given, ctx) => box(given, ctx, given.initial_datetime, "▾"),
};
