// Elements that are only looked at: texts, lines, pictures, people.

import { el, person } from "./dom.js";
import { color } from "./colors.js";
import { markdown } from "./markdown.js";
import { inline } from "./inline.js";
import { contentOf, styleText } from "./card_text.js";

function withIcon(icon, node, ctx) {
  if (!icon) return node;
  return el("div", { class: "with-icon" }, iconOf(icon, ctx), node);
}

/** An icon: of Lark's own library only a dot in its colour. */
export function iconOf(icon, ctx) {
  if (icon.img_key) return el("span", { class: "icon" }, ctx.image(icon.img_key, ""));
  const shade = color(icon.color || (icon.style || {}).color, ctx) || "var(--grey-500)";
  return el("span", { class: "icon dot", title: icon.token, style: { color: shade } });
}

function text(given, ctx) {
  // in JSON 1.0 markdown knows no blocks beyond lines and rules
  const words = el("div", { class: "markdown" }, markdown(contentOf(given, ctx), ctx));
  return withIcon(given.icon, styleText(words, given, ctx), ctx);
}

function div(given, ctx) {
  const own = given.text && styleText(el("div", { class: "text" }, ctx.text(given.text)), given.text, ctx);
  const fields = (given.fields || []).map((field) =>
    el("div", { class: field.is_short ? "field short" : "field" }, ctx.text(field.text)),
  );
  const wide = given.width === "auto" ? "max-content" : /^\d{2,3}px$/.test(given.width || "") ? given.width : null;
  const words = el("div", { class: "div", style: { width: wide } }, own, fields.length > 0 && el("div", { class: "fields" }, fields));
  const extra = given.extra && el("div", { class: "extra" }, ctx.elements([given.extra]));
  const node = extra ? el("div", { class: "with-extra" }, words, extra) : words;
  return withIcon(given.icon, node, ctx);
}

function note(given, ctx) {
  const parts = (given.elements || []).map((each) => (each.tag === "img" ? ctx.image(each.img_key, "") : ctx.text(each)));
  return el("div", { class: "note" }, parts);
}

const SIDES = { large: 160, medium: 80, small: 40, tiny: 16 };

/** Width and height of a picture; none where it is as wide as what holds it. */
function sizeOf(given) {
  const own = given.scale_type === "fit_horizontal" ? null : /^(\d{1,4}px)\s+(\d{1,4}px)$/.exec(given.size || "");
  if (own) return { width: own[1], height: own[2] };
  const named = SIDES[given.size] || SIDES[given.mode];
  if (named) return { width: `${named}px`, height: `${named}px` };
  if (given.compact_width === true) return { "max-width": "278px" };
  const most = /^(\d{3})(px)?$/.exec(given.custom_width || "");
  return most ? { "max-width": `${most[1]}px` } : {};
}

function img(given, ctx) {
  const title = given.title && contentOf(given.title, ctx);
  const size = sizeOf(given);
  const node = el("div", { class: size.width ? "picture sized" : "picture", style: { "--width": size.width, "--height": size.height, "--most": size["max-width"] } }, title && el("div", { class: "picture-title" }, title));
  node.append(ctx.image(given.img_key, contentOf(given.alt || "", ctx)));
  if (/^\d{1,3}(px|%)$/.test(given.corner_radius || "")) node.style.setProperty("--round", given.corner_radius);
  if (given.scale_type === "crop_top" || given.mode === "stretch") node.classList.add("from-top");
  return node;
}

const HEADS = { extra_small: "smallest", small: "small", medium: "middle", large: "large" };

function one(given, ctx) {
  const how = { showAvatar: given.show_avatar !== false, showName: given.show_name === true, size: HEADS[given.size] || "middle" };
  return el("div", { class: given.style === "capsule" ? "persons capsule" : "persons" }, person(ctx.name(given.user_id), how));
}

function people(given, ctx) {
  const how = { showAvatar: given.show_avatar === true || given.show_name === false, showName: given.show_name !== false, size: HEADS[given.size] || "middle" };
  const known = (given.persons || []).filter((each) => each && each.id);
  const node = el("div", { class: how.showName ? "persons" : "persons beads" }, known.map((each) => person(ctx.name(each.id), how)));
  return withIcon(given.icon || given.ud_icon, node, ctx);
}

/** Elements by their tags. */
export const shown = {
  markdown: text,
  div,
  note,
  img,
  person: one,
  person_list: people,
  hr: () => el("hr"),
  plain_text: (given, ctx) => styleText(el("div", { class: "text" }, ctx.text(given)), given, ctx),
  lark_md: (given, ctx) => el("div", { class: "text" }, inline(contentOf(given, ctx), ctx)),
};
