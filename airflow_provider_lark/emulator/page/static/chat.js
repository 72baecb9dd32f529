// A chat: its messages, oldest first, replies in a thread below what they answer.

import { el, guarded, sync } from "./dom.js";
import { renderMessage } from "./message.js";
import { byPattern } from "./times.js";

const PAGE = 50;
const MOST = 500;
// whoever is this near to the end is taken along when something new comes
const NEAR_PX = 80;

/** Draws the chat that *place* names into *main*. */
export function chatView(main, place) {
  const [chatId] = place.rest;
  let limit = PAGE;
  let kept = new Map();
  let frame = null;
  return {
    asks: () => ({ chat: `view/chat?chat_id=${encodeURIComponent(chatId)}&limit=${limit}` }),
    forget: () => {
      kept = new Map();
    },
    draw(_, chat) {
      const first = !frame;
      if (first) {
        frame = { head: el("header", { class: "view-head" }), list: el("div", { class: "messages" }) };
        main.replaceChildren(frame.head, frame.list);
      }
      const following = first || frame.list.scrollHeight - frame.list.scrollTop - frame.list.clientHeight < NEAR_PX;
      drawHead(frame.head, chat);
      const earlier = chat.total > chat.shown.length && more(chat, limit, () => {
        limit = Math.min(limit + PAGE, MOST);
      });
      const nodes = drawMessages(chat, kept);
      sync(frame.list, [...(earlier ? [earlier] : []), ...nodes, ...(chat.total ? [] : [nothing(kept)])]);
      if (following) toEnd(frame.list);
    },
  };
}

function toEnd(list) {
  list.scrollTop = list.scrollHeight;
  // pictures get their height later
  for (const image of list.querySelectorAll("img")) {
    if (!image.complete) image.addEventListener("load", () => { list.scrollTop = list.scrollHeight; }, { once: true });
  }
}

function drawHead(head, chat) {
  const people = chat.people.length ? `${chat.people.length} ${chat.people.length === 1 ? "person" : "people"}: ${chat.people.slice(0, 6).join(", ")}${chat.people.length > 6 ? " …" : ""}` : "";
  const facts = [chat.mode === "p2p" ? "private chat" : "group", people, `${chat.total} ${chat.total === 1 ? "message" : "messages"}`, chat.in_threads && "each message begins a thread", chat.is_dissolved && "dissolved"];
  head.replaceChildren(el("h1", {}, chat.name), el("p", {}, facts.filter(Boolean).join(" · ")));
}

function more(chat, limit, widen) {
  const left = chat.total - chat.shown.length;
  if (limit >= MOST) return el("div", { class: "more" }, el("span", { class: "hint" }, `${left} earlier ones are not shown`));
  const button = el("button", { class: "tool wide", on: { click: () => { widen(); button.disabled = true; } } }, `Show earlier (${left} more)`);
  return el("div", { class: "more" }, button);
}

function nothing(kept) {
  if (!kept.has("nothing")) kept.set("nothing", { node: el("p", { class: "empty" }, "No messages yet.") });
  return kept.get("nothing").node;
}

function drawMessages(chat, kept) {
  const byId = new Map(chat.shown.map((each) => [each.message_id, each]));
  const nodes = [];
  const threads = new Map();
  let day = "";
  for (const message of chat.shown) {
    const root = message.thread_id && byId.get(message.root_id);
    if (root && threads.has(root.message_id)) {
      threads.get(root.message_id).push(message);
      continue;
    }
    const today = byPattern(message.at_ms, "YYYY-MM-DD");
    if (today !== day) nodes.push(dayLine(today, kept));
    day = today;
    threads.set(message.message_id, []);
    nodes.push(message);
  }
  return nodes.flatMap((each) => (each instanceof Node ? [each] : withThread(each, threads.get(each.message_id), chat, byId, kept)));
}

function dayLine(day, kept) {
  const key = `day ${day}`;
  if (!kept.has(key)) kept.set(key, { node: el("div", { class: "day" }, day) });
  return kept.get(key).node;
}

function withThread(message, replies, chat, byId, kept) {
  const quoted = message.parent_id ? byId.get(message.parent_id) : null;
  const own = drawn(message, quoted, chat, kept);
  if (!replies.length) return [own];
  const key = `thread ${message.message_id}`;
  const known = kept.get(key) || { node: el("div", { class: "thread" }) };
  kept.set(key, known);
  const inner = replies.map((each) => drawn(each, each.parent_id === message.message_id ? null : byId.get(each.parent_id), chat, kept));
  sync(known.node, inner);
  return [own, known.node];
}

/** The node of a message; the one that is there already, when it says the same. */
function drawn(message, quoted, chat, kept) {
  const key = JSON.stringify([message, quoted && quoted.line, chat.names]);
  const known = kept.get(message.message_id);
  if (known && known.key === key) return known.node;
  const node = guarded(message.msg_type, () => renderMessage(message, chat, quoted));
  kept.set(message.message_id, { key, node });
  return node;
}
