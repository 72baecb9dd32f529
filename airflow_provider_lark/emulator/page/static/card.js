// A card as its readers see it: of JSON 2.0, of 1.0 in its main elements, or the template that it is made from.

import { chip, el, guarded, webUrl } from "./dom.js";
import { background } from "./colors.js";
import { locale } from "./settings.js";
import { chart } from "./chart.js";
import { inputs } from "./card_inputs.js";
import { layout } from "./card_layout.js";
import { media } from "./card_media.js";
import { livingCard } from "./card_press.js";
import { shown } from "./card_shown.js";
import { table } from "./card_table.js";
import { textOf } from "./card_text.js";

const PARTS = { ...shown, ...layout, ...inputs, ...media, table, chart };
const WIDTHS = { compact: "card compact", fill: "card fill" };
const HUES = "blue wathet turquoise green yellow orange red carmine violet purple indigo grey".split(" ");

/** The card in *content*, the JSON that was sent; *about* gives `names` of people by id, and `live` where it can be pressed. */
export function renderCard(content, about, messageId) {
  let card;
  try {
    card = JSON.parse(content);
  } catch {
    card = null;
  }
  if (!card || typeof card !== "object") return el("div", { class: "card broken" }, "This card is not valid JSON.");
  if (card.type === "template") return template(card.data || {});
  const ctx = context(card, about);
  if (about.live && messageId) ctx.live = livingCard(card, messageId, about.live);
  const body = el("div", { class: "card-body" }, ctx.elements(bodyOf(card, ctx.locale)));
  ctx.arrange(body, card.body || {}, "12px", "8px");
  const link = webUrl(card.card_link && (card.card_link.pc_url || card.card_link.url));
  const config = card.config || {};
  const width = config.width_mode || (config.compact_width ? "compact" : "");
  return el("article", { class: WIDTHS[width] || "card", title: link ? `A click opens ${link}` : null }, guarded("header", () => head(card, ctx)), body);
}

function bodyOf(card, language) {
  if (card.schema === "2.0") return (card.body || {}).elements;
  const translated = card.i18n_elements || {};
  return translated[language] || card.elements || Object.values(translated)[0];
}

/** What elements need to be drawn: names, colours, the language, and each other. */
function context(card, about) {
  const ctx = {
    isNew: card.schema === "2.0",
    locale: locale(),
    colors: ((card.config || {}).style || {}).color || {},
    sizes: ((card.config || {}).style || {}).text_size || {},
    name: (id) => about.names[id] || id || "?",
    file: (key) => about.files[key] || {},
    image: (key, alt) => image(key, alt),
    form: null,
    live: null,
  };
  ctx.text = (given, more) => textOf(given, ctx, more);
  ctx.elements = (list) => (Array.isArray(list) ? list : []).map((each) => element(each, ctx));
  ctx.arrange = (node, given, padding, gap) => arrange(node, given, ctx, padding, gap);
  return ctx;
}

function element(given, ctx) {
  const tag = String((given && given.tag) || "no tag");
  const make = Object.hasOwn(PARTS, tag) ? PARTS[tag] : null;
  const node = make ? guarded(tag, () => make(given, ctx)) : el("div", { class: "hint" }, `(${tag}: not drawn)`);
  if (given && given.margin) node.style.margin = lengths(given.margin);
  node.dataset.tag = tag;
  return node;
}

function head(card, ctx) {
  const given = card.header;
  if (!given || !(given.title || given.subtitle)) return null;
  const hue = HUES.includes(given.template) ? given.template : "";
  const tags = (given.i18n_text_tag_list || {})[ctx.locale] || given.text_tag_list || [];
  const title = el("div", { class: "card-title" }, ctx.text(given.title || given.subtitle));
  const words = tags.slice(0, 3).map((tag) => chip(plain(tag.text, ctx), tag.color || "blue"));
  const subtitle = given.title && given.subtitle && el("div", { class: "card-subtitle" }, ctx.text(given.subtitle));
  const icon = given.icon && (given.icon.img_key || given.icon.tag === "custom_icon") && image(given.icon.img_key, "");
  const node = el("header", { class: hue ? "card-head tinted" : "card-head" });
  node.append(...(icon ? [el("span", { class: "head-icon" }, icon)] : []));
  node.append(el("div", { class: "head-words" }, el("div", { class: "title-row" }, title, words), subtitle));
  if (hue) {
    const grey = hue === "grey";
    node.style.setProperty("--tint", `var(--${hue}-${grey ? 200 : 100})`);
    node.style.setProperty("--ink", `var(--${hue}-700)`);
  }
  if (given.padding) node.style.padding = lengths(given.padding);
  return node;
}

function plain(text, ctx) {
  return el("span", {}, ctx.text(text)).textContent;
}

function template(data) {
  const variables = Object.entries(data.template_variable || {});
  const rows = variables.map(([name, value]) => el("tr", {}, el("th", {}, name), el("td", {}, show(value))));
  const version = data.template_version_name ? `, version ${data.template_version_name}` : "";
  const words = el("div", { class: "card-title" }, `Card template ${data.template_id}${version}`);
  const note = el("p", { class: "hint" }, "Its layout is stored in Lark's card builder. Its variables:");
  const list = rows.length ? [note, el("table", { class: "variables" }, rows)] : el("p", { class: "hint" }, "No variables.");
  return el("article", { class: "card" }, el("header", { class: "card-head" }, words), el("div", { class: "card-body" }, list));
}

function show(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A picture that was uploaded; its key where there is none. */
function image(key, alt) {
  const node = el("img", { src: `view/image?key=${encodeURIComponent(key || "")}`, alt: alt || "", title: alt || null });
  const missing = () => node.replaceWith(el("span", { class: "missing", title: key }, "image"));
  node.addEventListener("error", missing, { once: true });
  return node;
}

const SPACES = { small: "4px", medium: "8px", large: "12px", extra_large: "16px", default: "8px" };

/** Put what *node* holds as *given* says: direction, spacing, alignment, padding. */
function arrange(node, given, ctx, padding, gap) {
  const across = given.direction === "horizontal";
  const own = SPACES[across ? given.horizontal_spacing : given.vertical_spacing];
  const spacing = own || lengths(across ? given.horizontal_spacing : given.vertical_spacing) || gap;
  const places = { left: "flex-start", center: "center", right: "flex-end", top: "flex-start", bottom: "flex-end" };
  const aligned = { across: places[given.horizontal_align], along: places[given.vertical_align] };
  const style = {
    "flex-direction": across ? "row" : "column",
    "flex-wrap": across ? "wrap" : "nowrap",
    gap: spacing,
    padding: given.padding ? lengths(given.padding) : padding,
    "justify-content": across ? aligned.across : aligned.along,
    "align-items": across ? aligned.along || "center" : aligned.across || "stretch",
    background: background(given.background_style || given.background_color, ctx),
  };
  for (const [name, value] of Object.entries(style)) if (value) node.style.setProperty(name, value);
  node.classList.add("holder");
  if (style["align-items"] !== "stretch") node.classList.add("aligned");
}

function lengths(given) {
  const parts = String(given || "").trim().split(/\s+/);
  return parts.every((part) => /^-?\d{1,3}(px)?$/.test(part)) ? parts.map((p) => (p.endsWith("px") ? p : `${p}px`)).join(" ") : "";
}

