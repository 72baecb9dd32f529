// Elements that hold others: columns, panels that unfold, forms, areas, and the rows of buttons of JSON 1.0.

import { el } from "./dom.js";
import { background, color } from "./colors.js";

const SPACES = { small: "4px", medium: "8px", large: "12px", extra_large: "16px" };

function columnSet(given, ctx) {
  const columns = (given.columns || []).map((each) => column(each, given, ctx));
  const gap = SPACES[given.horizontal_spacing] || (/^\d{1,2}px$/.test(given.horizontal_spacing || "") && given.horizontal_spacing);
  const style = { gap: gap || "8px", background: background(given.background_style, ctx) };
  const node = el("div", { class: `columns ${given.flex_mode || "none"}`, style }, columns);
  if (style.background) node.classList.add("filled");
  return node;
}

function column(given, set, ctx) {
  const node = el("div", { class: "column" }, ctx.elements(given.elements));
  ctx.arrange(node, given, "0px", "8px");
  // flex_mode is for narrow screens; see card.css
  if (given.width === "weighted") node.style.setProperty("flex", `${Number(given.weight) || 1} 1 0`);
  else if (/^\d{1,3}px$/.test(given.width || "")) node.style.setProperty("flex", `0 0 ${given.width}`);
  else node.style.setProperty("flex", "0 1 auto");
  return node;
}

function panel(given, ctx) {
  const header = given.header || {};
  const title = el("span", { class: "panel-title" }, ctx.text(header.title || ""));
  const place = header.icon_position || "right";
  const arrow = el("span", { class: "panel-arrow", "aria-hidden": "true" });
  const summary = el("summary", { class: `panel-head ${place}` }, place === "left" ? [arrow, title] : [title, arrow]);
  const body = el("div", { class: "panel-body" }, ctx.elements(given.elements));
  ctx.arrange(body, { ...given, background_color: null }, given.border ? "4px 8px 8px" : "4px 0 0", "8px");
  const node = el("details", { class: "panel", open: given.expanded === true }, summary, body);
  const style = {
    background: background(given.background_color, ctx),
    "border-color": given.border ? (given.border.color === "grey" || !given.border.color ? "var(--line)" : color(given.border.color, ctx)) : null,
    "border-radius": given.border && /^\d{1,2}px$/.test(given.border.corner_radius || "") ? given.border.corner_radius : null,
  };
  for (const [name, value] of Object.entries(style)) if (value) node.style.setProperty(name, value);
  if (given.border) node.classList.add("bordered");
  const tint = background(header.background_color, ctx);
  if (tint) summary.style.setProperty("background", tint);
  return node;
}

function area(given, ctx) {
  const node = el("div", { class: "area" }, ctx.elements(given.elements));
  ctx.arrange(node, given, "4px 12px", "8px");
  for (const side of ["width", "height"]) if (/^\d{2,3}px$/.test(given[side] || "")) node.style.setProperty(side, given[side]);
  if (given.width === "auto") node.style.setProperty("align-self", "flex-start");
  if (given.background_style === "laser") node.classList.add("laser");
  if (given.disabled) node.classList.add("disabled");
  const tells = (given.behaviors || []).some((each) => each && each.type === "callback");
  if (ctx.live && tells && !given.disabled) {
    node.classList.add("live");
    // what stands inside and answers by itself does not press the area as well
    node.addEventListener("click", (event) => event.target.closest("button, a, .input, .area") === node && ctx.live.press(given, {}, node));
  }
  if (given.has_border) node.style.setProperty("border", `1px solid ${color(given.border_color, ctx) || "var(--line)"}`);
  if (/^\d{1,3}(px|%)$/.test(given.corner_radius || "")) node.style.setProperty("border-radius", given.corner_radius);
  return node;
}

function form(given, ctx) {
  ctx.form = { fields: [] };
  const inner = ctx.elements(given.elements);
  ctx.form = null;
  const node = el("div", { class: "form", title: `form ${given.name || ""}` }, inner);
  ctx.arrange(node, given, "0px", "8px");
  return node;
}

/** Elements by their tags. */
export const layout = {
  column_set: columnSet,
  column: (given, ctx) => column(given, {}, ctx),
  collapsible_panel: panel,
  interactive_container: area,
  form,
  action: (given, ctx) => el("div", { class: `actions ${given.layout || ""}` }, ctx.elements(given.actions)),
};
