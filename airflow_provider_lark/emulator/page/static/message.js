// A message of any kind: text, rich text, file, card, …, with what happened to it since.

import { avatar, chip, el, link, person } from "./dom.js";
import { renderCard } from "./card.js";
import { emoji } from "./emoji.js";
import { inline, messageText } from "./inline.js";
import { codeBlock, markdown } from "./markdown.js";
import { locale } from "./settings.js";
import { shortly } from "./times.js";

const BOT = { app: "app", webhook: "webhook bot" };

/** A message; *about* gives `names` and `files`, *quoted* is what it replies to. */
export function renderMessage(message, about, quoted) {
  if (message.is_recalled) return recalled(message);
  if (message.msg_type === "system") return el("div", { class: "system" }, el("span", {}, dividerOf(message)));
  const kind = BOT[message.sender.kind];
  const marks = [
    message.is_edited && el("span", { class: "mark", title: shortly(message.updated_ms) }, message.msg_type === "interactive" ? "updated" : "edited"),
    message.in_batch && el("span", { class: "mark" }, "batch"),
  ];
  const head = el("div", { class: "by" }, el("b", {}, message.sender.name), kind && chip(kind, "yellow"), el("time", {}, shortly(message.at_ms)), marks);
  const quote = quoted && el("div", { class: "quoted" }, `${quoted.sender.name}: ${quoted.line}`);
  const content = bubble(message, about);
  const words = el("div", { class: "said" }, head, quote, content, reactions(message), seen(message));
  return el("section", { class: "message", "data-id": message.message_id, "data-type": message.msg_type }, avatar(message.sender.name, "medium"), words);
}

function recalled(message) {
  return el("div", { class: "system", "data-id": message.message_id }, el("span", {}, `${message.sender.name} recalled a message`));
}

function dividerOf(message) {
  const given = parse(message.content);
  const words = ((given.params || {}).divider_text || {}) || {};
  const own = (words.i18n_text || {})[locale()];
  return own || words.text || "· · ·";
}

function bubble(message, about) {
  const make = Object.hasOwn(KINDS, message.msg_type) ? KINDS[message.msg_type] : null;
  if (make) return make(parse(message.content), contextOf(message, about), message, about);
  return el("div", { class: "bubble" }, el("span", { class: "hint" }, `(${message.msg_type}: not drawn)`));
}

function parse(content) {
  try {
    const given = JSON.parse(content);
    return given && typeof given === "object" ? given : {};
  } catch {
    return {};
  }
}

function contextOf(message, about) {
  return {
    locale: locale(),
    colors: {},
    sizes: {},
    name: (id) => about.names[id] || id || "?",
    image: (key, alt) => picture(key, alt),
    mentions: message.mentions || [],
  };
}

function picture(key, alt) {
  const node = el("img", { src: `view/image?key=${encodeURIComponent(key || "")}`, alt: alt || "", class: "sent-picture" });
  node.addEventListener("error", () => node.replaceWith(el("span", { class: "missing", title: key }, "image")), { once: true });
  return node;
}

const KINDS = {
  text: (given, ctx) => el("div", { class: "bubble" }, withMentions(String(given.text ?? ""), ctx)),
  post,
  image: (given, ctx) => el("div", { class: "picture-message" }, picture(given.image_key, "")),
  file: (given, _, __, about) => file(given, about),
  audio: (given, _, __, about) => pill("▶", "audio", (about.files[given.file_key] || {}).bytes),
  media: (given, ctx, _, about) => el("div", { class: "bubble" }, given.image_key && picture(given.image_key, ""), pill("▶", (about.files[given.file_key] || {}).name || "video", (about.files[given.file_key] || {}).bytes)),
  sticker: (given) => el("div", { class: "sticker", title: given.file_key }, "sticker"),
  share_chat: (given, ctx) => el("div", { class: "bubble share" }, avatar(ctx.name(given.chat_id || given.share_chat_id), "medium"), el("span", {}, el("b", {}, ctx.name(given.chat_id || given.share_chat_id)), el("br"), el("span", { class: "hint" }, "group card"))),
  share_user: (given, ctx) => el("div", { class: "bubble share" }, person(ctx.name(given.user_id), { size: "medium" }), el("span", { class: "hint" }, "name card")),
  interactive: (given, _, message, about) => renderCard(message.content, message.sender.kind === "app" || message.is_forwarded ? about : { ...about, live: null }, message.message_id),
  merge_forward: merged,
};

/** A text with its numbered mentions: @_user_1 is the first of them. */
function withMentions(text, ctx) {
  const people = ctx.mentions.filter((each) => each !== "all");
  return text.split(/(@_user_\d+|@_all)/).flatMap((part) => {
    if (part === "@_all") return [el("span", { class: "mention" }, "@everyone")];
    const number = /^@_user_(\d+)$/.exec(part);
    const name = number && people[Number(number[1]) - 1];
    return name ? [el("span", { class: "mention" }, `@${name}`)] : messageText(part, ctx);
  });
}

function post(given, ctx) {
  const languages = given.post || given;
  const one = languages[ctx.locale] || Object.values(languages)[0] || {};
  const paragraphs = (one.content || []).map((line) => el("div", { class: "paragraph" }, [line].flat().map((each) => postPart(each || {}, ctx))));
  return el("div", { class: "bubble post" }, one.title && el("div", { class: "post-title" }, one.title), paragraphs);
}

function postPart(part, ctx) {
  switch (part.tag) {
    case "text":
      return el("span", { class: ["plain", ...[part.style || []].flat().filter((each) => /^\w+$/.test(each))].join(" ") }, part.text);
    case "a":
      return link(part.href, {}, part.text || part.href);
    case "at":
      return el("span", { class: "mention" }, `@${part.user_id === "all" ? "everyone" : ctx.name(part.user_id) === part.user_id ? part.user_name || part.user_id : ctx.name(part.user_id)}`);
    case "img":
      return picture(part.image_key, "");
    case "media":
      return pill("▶", "video");
    case "emotion":
      return emoji(part.emoji_type) || `[${part.emoji_type}]`;
    case "hr":
      return el("hr");
    case "code_block":
      return codeBlock(part.text || "", part.language);
    case "md":
      return el("div", { class: "markdown" }, markdown(part.text || "", ctx));
    default:
      return inline(part.text || "", ctx);
  }
}

function file(given, about) {
  const known = about.files[given.file_key] || {};
  const name = known.name || given.file_name || "file";
  const kind = /\.(\w{1,5})$/.exec(name);
  const sign = el("span", { class: "file-sign" }, kind ? kind[1].toUpperCase() : "FILE");
  return el("div", { class: "bubble file", title: given.file_key }, sign, el("span", {}, el("b", {}, name), el("br"), el("span", { class: "hint" }, sizeOf(known.bytes))));
}

function pill(sign, name, bytes) {
  return el("div", { class: "pill" }, `${sign} ${name}`, bytes !== undefined && el("span", { class: "hint" }, ` ${sizeOf(bytes)}`));
}

/** Bytes as people read them. */
export function sizeOf(bytes) {
  if (bytes === undefined) return "";
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

function merged(_, __, message, about) {
  const inner = (message.children || []).map((each) => renderMessage(each, { ...about, live: null }));
  return el("div", { class: "bubble merged" }, el("div", { class: "hint" }, "Merged messages"), inner);
}

function reactions(message) {
  const all = Object.entries(message.reactions || {});
  const shown = all.map(([name, count]) => el("span", { class: "reaction", title: name }, emoji(name) || name, " ", String(count)));
  return shown.length > 0 && el("div", { class: "reactions" }, shown);
}

function seen(message) {
  const read = message.read_by || [];
  const urged = Object.entries(message.urged || {}).map(([name, how]) => `${name} alarmed by ${how}`);
  const words = [read.length > 0 && `read by ${read.join(", ")}`, ...urged].filter(Boolean);
  return words.length > 0 && el("div", { class: "seen" }, words.join(" · "));
}
