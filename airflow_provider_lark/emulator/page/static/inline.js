// What stands within a line: emphasis, links, people, times, and the tags that Lark's Markdown knows.

import { chip, el, link, person, webUrl } from "./dom.js";
import { color } from "./colors.js";
import { emoji } from "./emoji.js";
import { localDatetime } from "./times.js";

const ENTITIES = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", ensp: "\u2002", emsp: "\u2003", zwj: "\u200d",
  zwnj: "\u200c", reg: "®", copy: "©", trade: "™", hellip: "…", middot: "·", bull: "•", ndash: "–", mdash: "—", times: "×",
};

const LINK = [/\[((?:\\.|[^[\]\\]|\[[^\]]{0,200}\]){0,999})\]\(([^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200}){0,9})\)/y, anchor];
const URL = [/https?:\/\/[^\s<>"'\u3000-\u9fff\uff00-\uffef]+/y, ([url]) => link(url, {}, url)];
const BREAK = [/\n/y, () => el("br")];

/** How far a span may reach: without an end, a text full of beginnings would take the square of its length. */
const REACH = 1000;
const FAR = { font: 8000, raw: 8000 };

/** Each rule: where it begins, and what becomes of it; null leaves the text as it is. */
const RULES = [
  [/\\([!-/:-@[-`{-~])/y, ([, char]) => char],
  [/(?<!`)(`{1,20})(?!`)([\s\S]{0,5000}?[^`])\1(?!`)/y, ([, , text]) => el("code", {}, text.replace(/\n/g, " "))],
  [/<br\s*\/?>/iy, () => el("br")],
  [/!\[([^\]]{0,500})\]\(([^()\s]{1,200})\)/y, ([, alt, key], ctx) => ctx.image(key, alt)],
  LINK,
  [/(\*\*\*)(?=\S)([\s\S]{0,5000}?\S)\1/y, ([, , text], ctx) => el("strong", {}, el("em", {}, inline(text, ctx)))],
  [/(\*\*|__)(?=\S)([\s\S]{0,5000}?\S)\1/y, ([, , text], ctx) => el("strong", {}, inline(text, ctx))],
  [/\*(?=[^\s*])([\s\S]{0,5000}?[^\s*])\*(?!\*)/y, ([, text], ctx) => el("em", {}, inline(text, ctx))],
  [/(?<![\p{L}\p{N}_])_(?=[^\s_])([\s\S]{0,5000}?[^\s_])_(?![\p{L}\p{N}_])/uy, ([, text], ctx) => el("em", {}, inline(text, ctx))],
  [/~~(?=\S)([\s\S]{0,5000}?\S)~~/y, ([, text], ctx) => el("s", {}, inline(text, ctx))],
  [/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,8});/iy, ([whole, name]) => entity(name) ?? whole],
  [/:([A-Za-z][A-Za-z0-9_]*):/y, ([, name]) => emoji(name) ?? null],
  URL,
  BREAK,
];

/** The rules of a message of text, which knows no Markdown beyond links (Lark, "Message content": text). */
const TEXT_RULES = [LINK, URL, BREAK];
const TEXT_TAGS = new Set(["at", "b", "i", "u", "s"]);

const TAGS = {
  at: mention,
  person: (attributes, _, ctx) => person(ctx.name(attributes.id), { showAvatar: attributes.show_avatar !== "false" }),
  local_datetime: moment,
  text_tag: (attributes, text) => chip(plain(text), attributes.color),
  number_tag: (attributes, text) => link(attributes.url, { class: "number-tag" }, plain(text)),
  font: (attributes, text, ctx) => el("span", { style: { color: color(attributes.color, ctx) } }, inline(text, ctx)),
  a: (attributes, text, ctx) => link(attributes.href, {}, text.trim() ? inline(text, ctx) : attributes.href || ""),
  link: (attributes, text, ctx) => link(attributes.pc_url || attributes.url, { class: "icon-link" }, inline(text, ctx)),
  raw: (_, text) => text,
  audio: (attributes) => el("span", { class: "pill" }, "▶ ", attributes.fallback_text || "audio"),
  b: (_, text, ctx) => el("strong", {}, inline(text, ctx)),
  strong: (_, text, ctx) => el("strong", {}, inline(text, ctx)),
  i: (_, text, ctx) => el("em", {}, inline(text, ctx)),
  em: (_, text, ctx) => el("em", {}, inline(text, ctx)),
  u: (_, text, ctx) => el("u", {}, inline(text, ctx)),
  s: (_, text, ctx) => el("s", {}, inline(text, ctx)),
  del: (_, text, ctx) => el("s", {}, inline(text, ctx)),
};
const OPENING = /<([a-z_]+)((?:\s+[\w-]+\s*(?:=\s*(?:'[^']*'|"[^"]*"|[^\s'">]+))?)*)\s*>/iy;

/** The nodes of a text within a line. */
export function inline(source, ctx) {
  return scan(String(source), ctx, RULES, null);
}

/** The nodes of a message of text. */
export function messageText(source, ctx) {
  return scan(String(source), ctx, TEXT_RULES, TEXT_TAGS);
}

function scan(source, ctx, rules, tags) {
  const made = [];
  let text = "";
  let at = 0;
  const push = (node) => {
    if (typeof node === "string") text += node;
    else {
      if (text) made.push(text);
      text = "";
      made.push(node);
    }
  };
  while (at < source.length) {
    const [node, next] = step(source, at, ctx, rules, tags);
    push(node);
    at = next;
  }
  if (text) made.push(text);
  return made;
}

function step(source, at, ctx, rules, tags) {
  if (source[at] === "<") {
    const found = tag(source, at, ctx, tags);
    if (found) return found;
  }
  for (const [pattern, make] of rules) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    const node = match && make(match, ctx);
    if (node !== null && node !== undefined) return [node, at + match[0].length];
  }
  const char = String.fromCodePoint(source.codePointAt(at));
  return [char, at + char.length];
}

function tag(source, at, ctx, known) {
  OPENING.lastIndex = at;
  const match = OPENING.exec(source);
  const name = match && match[1].toLowerCase();
  if (!match || !Object.hasOwn(TAGS, name) || (known && !known.has(name))) return null;
  const begin = at + match[0].length;
  const closing = close(source, begin, name);
  if (!closing) return null;
  return [TAGS[name](attributesOf(match[2]), source.slice(begin, closing.index), ctx), closing.end];
}

function close(source, from, name) {
  const either = new RegExp(`<(/?)${name}\\b[^>]*>`, "gi");
  either.lastIndex = from;
  let depth = 1;
  for (let match = either.exec(source); match; match = either.exec(source)) {
    depth += match[1] ? -1 : 1;
    if (depth === 0) return { index: match.index, end: either.lastIndex };
    if (match.index - from > (FAR[name] || REACH)) return null;
  }
  return null;
}

function attributesOf(text) {
  const found = {};
  for (const match of text.matchAll(/([\w-]+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^\s'">]+))/g)) {
    found[match[1].toLowerCase()] = match[2] ?? match[3] ?? match[4];
  }
  return found;
}

function entity(name) {
  if (!name.startsWith("#")) return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : null;
  const code = name[1].toLowerCase() === "x" ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
  return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000) ? String.fromCodePoint(code) : "\ufffd";
}

/** A text with its entities read, and nothing else. */
function plain(text) {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,8});/gi, (whole, name) => entity(name) ?? whole);
}

function anchor([whole, text, url], ctx) {
  if (!webUrl(plain(url))) return /^(?:[a-z]+:|\$|$)/i.test(url) ? el("span", {}, inline(text, ctx)) : whole;
  return link(plain(url), {}, inline(text, ctx));
}

function mention(attributes, text, ctx) {
  const ids = (attributes.ids || attributes.id || attributes.user_id || attributes.email || "").split(",");
  const shown = ids.map((id) => el("span", { class: "mention", title: id }, `@${nameFor(id.trim(), text, ctx)}`));
  return el("span", {}, shown.flatMap((node, n) => (n ? [" ", node] : [node])));
}

function nameFor(id, text, ctx) {
  if (id === "all") return ctx.locale === "zh_cn" ? "所有人" : "everyone";
  const known = ctx.name(id);
  return known === id && text.trim() ? text.trim() : known;
}

function moment({ millisecond, format_type: format, link: url }, _, ctx) {
  if (!/^\d{1,15}$/.test(millisecond || "")) return el("span", {}, "(time of sending)");
  const shown = localDatetime(millisecond, format, ctx.locale);
  return url ? link(url, {}, shown) : el("time", { title: new Date(Number(millisecond)).toISOString() }, shown);
}
