// Texts of cards: plain, or in one of the two Markdowns, each in the reader's language.

import { el } from "./dom.js";
import { color } from "./colors.js";
import { inline } from "./inline.js";
import { markdown } from "./markdown.js";

const SIZES = {
  "heading-0": 30, "heading-1": 24, "heading-2": 20, "heading-3": 18, "heading-4": 16, heading: 16, normal: 14, notation: 12,
  "xxxx-large": 30, "xxx-large": 24, "xx-large": 20, "x-large": 18, large: 16, medium: 14, small: 12, "x-small": 10,
};

/** What a text says in the reader's language. */
export function contentOf(given, ctx) {
  if (typeof given === "string") return given;
  const own = { ...((given || {}).i18n || {}), ...((given || {}).i18n_content || {}) };
  return own[ctx.locale] || (given || {}).content || Object.values(own)[0] || "";
}

/** The nodes of a text object. */
export function textOf(given, ctx) {
  const content = contentOf(given, ctx);
  if (typeof given !== "object" || !given || given.tag === "plain_text" || !given.tag) {
    return [el("span", { class: "plain" }, content)];
  }
  return given.tag === "markdown" ? markdown(content, ctx) : inline(content, ctx);
}

/** Give *node* the size, colour and place of a text. */
export function styleText(node, given, ctx) {
  const named = (ctx.sizes[given.text_size] || {}).pc || given.text_size;
  if (SIZES[named]) {
    node.style.setProperty("font-size", `${SIZES[named]}px`);
    if (SIZES[named] >= 16) node.classList.add("large");
  }
  const shade = color(given.text_color, ctx);
  if (shade) node.style.setProperty("color", shade);
  if (["center", "right"].includes(given.text_align)) node.style.setProperty("text-align", given.text_align);
  if (Number(given.lines) > 0) {
    node.classList.add("clamped");
    node.style.setProperty("-webkit-line-clamp", String(Math.floor(given.lines)));
  }
  return node;
}
