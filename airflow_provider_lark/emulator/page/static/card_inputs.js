// What is clicked and filled in: by the person whom the reader plays, where the card can be pressed; else only shown.

import { el, webUrl } from "./dom.js";
import { callsBack } from "./card_press.js";
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
  if (ctx.live && !given.disabled && !opens) return pressed(given, ctx, props, [icon, words]);
  if (!opens || given.disabled) return el("span", { ...props, role: "button" }, icon, words);
  return el("a", { ...props, href: opens, target: "_blank", rel: "noopener noreferrer" }, icon, words);
}

/** A button that answers: in a form with all that is filled in, or by emptying it. */
function pressed(given, ctx, props, words) {
  const { form } = ctx;
  const action = String(given.form_action_type || given.action_type || "").replace("form_", "");
  const press = () => {
    if (form && action === "reset") for (const each of form.fields) each.reset();
    else if (form && action === "submit") ctx.live.press(given, { form: Object.fromEntries(form.fields.map((each) => [each.name, each.read()])) }, node);
    else ctx.live.press(given, {}, node);
  };
  const node = el("button", { ...props, class: `${props.class} live`, type: "button", on: { click: press } }, words);
  return node;
}

/** A control of the browser in place of what only shows: it tells the app at once, in a form with the form. */
function control(given, ctx, make, shown) {
  if (!ctx.live || given.disabled) return shown();
  const { node, read, reset, filled, event } = make();
  node.classList.add("input", "live");
  if (given.name) node.setAttribute("aria-label", given.name);
  if (given.width === "fill") node.classList.add("wide");
  const { form } = ctx;
  if (form && given.name) form.fields.push({ name: given.name, read, reset });
  else if (callsBack(given)) node.addEventListener(event || "change", () => ctx.live.press(given, filled(read()), node));
  const label = given.label && el("label", { class: "label" }, contentOf(given.label, ctx), given.required && el("b", {}, " *"));
  const across = given.label_position === "left" ? "across" : "";
  return el("div", { class: `labelled ${across} ${given.width === "fill" ? "wide" : ""}` }, label, node);
}

/** Controls that hold one text: inputs, days and times. */
function single(given, ctx, tag, props, value, filled) {
  const hint = given.placeholder ? contentOf(given.placeholder, ctx) : null;
  const node = el(tag, { ...props, placeholder: hint });
  node.value = value || "";
  return { node, read: () => node.value, reset: () => { node.value = value || ""; }, filled };
}

function choices(given, ctx, options, chosen, several) {
  const first = !several && el("option", { value: "" }, given.placeholder ? contentOf(given.placeholder, ctx) : "…");
  const node = el("select", { multiple: several, size: several ? Math.min(Math.max(options.length, 2), 5) : null }, first);
  node.append(...options.map(([value, words]) => el("option", { value }, words)));
  const set = () => { for (const each of node.options) each.selected = chosen.includes(each.value); };
  set();
  const read = () => (several ? [...node.selectedOptions].map((each) => each.value) : node.value);
  return { node, read, reset: set, filled: (value) => (several ? { options: value } : { option: value }) };
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
  return control(given, ctx, () => {
    const several = given.input_type === "multiline_text";
    const props = several ? { rows: Math.min(Math.max(Number(given.rows) || 5, 1), 20) } : { type: given.input_type === "password" ? "password" : "text" };
    const made = single(given, ctx, several ? "textarea" : "input", props, given.default_value, (text) => ({ text }));
    made.node.classList.add("long");
    return made;
  }, () => shownInput(given, ctx));
}

function shownInput(given, ctx) {
  const value = given.input_type === "password" ? "•".repeat([...(given.default_value || "")].length) : given.default_value;
  const node = box(given, ctx, value);
  const field = node.querySelector(".input");
  field.classList.add("long");
  if (given.input_type === "multiline_text") field.style.setProperty("min-height", `${Math.min(Math.max(Number(given.rows) || 5, 1), 20) * 22 + 10}px`);
  return node;
}

function select(given, ctx) {
  const several = given.tag === "multi_select_static";
  const options = (given.options || []).map((each) => [each.value, contentOf(each.text || each.value, ctx)]);
  return control(given, ctx, () => choices(given, ctx, options, chosenOf(given), several), () => shownSelect(given, ctx));
}

function chosenOf(given) {
  return [given.initial_option, ...(given.selected_values || [])].filter(Boolean);
}

function shownSelect(given, ctx) {
  const chosen = chosenOf(given);
  const options = given.options || [];
  const named = options.filter((each) => chosen.includes(each.value)).map((each) => contentOf(each.text || each.value, ctx));
  const node = box(given, ctx, named.join(", "), "▾");
  node.title = options.map((each) => contentOf(each.text || each.value, ctx)).join("\n");
  return node;
}

function selectPerson(given, ctx) {
  const several = given.tag === "multi_select_person";
  const chosen = chosenOf(given);
  const make = () => {
    const own = (given.options || []).map((each) => [each.value, ctx.name(each.value)]);
    return choices(given, ctx, own.length ? own : ctx.live.people.map((each) => [each.open_id, each.name]), chosen, several);
  };
  return control(given, ctx, make, () => box(given, ctx, chosen.map((id) => ctx.name(id)).join(", "), "▾"));
}

/** A day or a time, with the browser's own picker. */
function moment(type, initial) {
  return (given, ctx) => {
    const value = given[initial];
    const make = () => single(given, ctx, "input", { type }, type === "datetime-local" ? String(value || "").replace(" ", "T") : value, (option) => ({ option }));
    return control(given, ctx, make, () => box(given, ctx, value, "▾"));
  };
}

function overflow(given, ctx) {
  if (ctx.live && !given.disabled) {
    const press = (each, node) => ctx.live.press(given, { option: each.value }, node);
    const items = (given.options || []).map((each) => {
      const opens = webUrl((each.multi_url || {}).pc_url || (each.multi_url || {}).url);
      if (opens) return el("a", { class: "button text medium", href: opens, target: "_blank", rel: "noopener noreferrer" }, contentOf(each.text, ctx));
      return el("button", { class: "button text medium live", type: "button", on: { click: ({ target }) => press(each, target) } }, contentOf(each.text, ctx));
    });
    return el("details", { class: "overflow" }, el("summary", { class: "button default medium" }, "⋯"), el("div", { class: "menu" }, items));
  }
  const options = (given.options || []).map((each) => contentOf(each.text, ctx));
  return el("span", { class: "button default medium", role: "button", title: options.join("\n") }, "⋯");
}

function checker(given, ctx) {
  const buttons = ((given.button_area || {}).buttons || []).map((each) => button(each, ctx));
  const { show_strikethrough: struck, opacity } = (given.checked && given.checked_style) || {};
  const style = { opacity: Number(opacity) >= 0 && Number(opacity) <= 1 ? String(opacity) : null, "text-decoration": struck ? "line-through" : null };
  const words = el("span", { class: "checker-text", style }, ctx.text(given.text || ""));
  if (ctx.live && !given.disabled) return liveChecker(given, ctx, words, buttons);
  return el("div", { class: given.checked ? "checker done" : "checker" }, el("span", { class: "tick" }, given.checked ? "✓" : ""), words, buttons);
}

function liveChecker(given, ctx, words, buttons) {
  const box = el("input", { type: "checkbox", class: "live", "aria-label": given.name || contentOf(given.text || "", ctx) });
  box.checked = given.checked === true;
  const { form } = ctx;
  if (form && given.name) form.fields.push({ name: given.name, read: () => box.checked, reset: () => { box.checked = given.checked === true; } });
  else if (callsBack(given)) box.addEventListener("change", () => ctx.live.press(given, { checked: box.checked }, box));
  return el("div", { class: "checker" }, box, words, buttons);
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
  date_picker: moment("date", "initial_date"),
  picker_time: moment("time", "initial_time"),
  picker_datetime: moment("datetime-local", "initial_datetime"),
};
