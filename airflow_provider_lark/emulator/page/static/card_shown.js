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
  const words = el("div", { class: "div" }, own, fields.length > 0 && el("div", { class: "fields" }, fields));
  const extra = given.extra && el("div", { class: "extra" }, ctx.elements([given.extra]));
  const node = extra ? el("div", { class: "with-extra" }, words, extra) : words;
  return withIcon(given.icon, node, ctx);
}

function note(given, ctx) {
  const parts = (given.elements || []).map((each) => (each.tag === "img" ? ctx.image(each.img_key, "") : ctx.text(each)));
  return el("div", { class: "note" }, parts);
}

function img(given, ctx) {
  const title = given.title && contentOf(given.title, ctx);
  const node = el("div", { class: "picture" }, title && el("div", { class: "picture-title" }, title));
  node.append(ctx.image(given.img_key, contentOf(given.alt || "", ctx)));
  if (/^\d{1,3}(px|%)$/.test(given.corner_radius || "")) node.style.setProperty("--round", given.corner_radius);
  if (given.size === "stretch" || given.scale_type === "crop_center") node.classList.add("stretched");
  return node;
}

function pictures(given, ctx) {
  const keys = (given.img_list || []).map((each) => each.img_key);
  return el("div", { class: `pictures of-${Math.min(keys.length, 3)}` }, keys.map((key) => ctx.image(key, "")));
}

function one(given, ctx) {
  const how = { showAvatar: given.show_avatar !== false, showName: given.show_name === true || !ctx.isNew || given.show_name === undefined };
  return el("div", { class: `persons ${given.size || ""}` }, person(ctx.name(given.user_id), how));
}

function people(given, ctx) {
  const how = { showAvatar: given.show_avatar !== false, showName: given.show_name !== false };
  const known = (given.persons || []).filter((each) => each && each.id);
  return el("div", { class: `persons ${given.size || ""}` }, known.map((each) => person(ctx.name(each.id), how)));
}

/** Elements by their tags. */
export const shown = {
  markdown: text,
  div,
  note,
  img,
  img_combination: pictures,
  person: one,
  person_list: people,
  hr: () => el("hr"),
  audio: (given) => el("div", { class: "pill" }, "▶ ", given.fallback_text ? String(given.fallback_text.content || "") : "audio"),
  plain_text: (given, ctx) => styleText(el("div", { class: "text" }, ctx.text(given)), given, ctx),
  lark_md: (given, ctx) => el("div", { class: "text" }, inline(contentOf(given, ctx), ctx)),
};
