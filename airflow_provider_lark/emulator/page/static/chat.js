// A chat: its messages, oldest first, replies in a thread below what they answer.

import { el, guarded, sync } from "./dom.js";
import { renderMessage } from "./message.js";
import { numberAt } from "./place.js";
import { actorIn, actorSwitch } from "./actor.js";
import { byPattern } from "./times.js";

const PAGE = 50;
const MOST = 500;
// whoever is this near to the end is taken along when something new comes
const NEAR_PX = 80;

/** Draws the chat that *place* names into *main*: the newest messages, or those before the one that *place* gives. */
export function chatView(main, place, refresh) {
  const [chatId] = place.rest;
  const end = numberAt(place, "end");
  let limit = PAGE;
  let kept = new Map();
  let frame = null;
  const widen = () => {
    limit = Math.min(limit + PAGE, MOST);
    refresh();
  };
  return {
    asks: () => ({ chat: `view/chat?chat_id=${encodeURIComponent(chatId)}&limit=${limit}${end === undefined ? "" : `&end=${end}`}` }),
    forget: () => {
      kept = new Map();
    },
    draw(_, chat) {
      const first = !frame;
      if (first) {
        frame = { head: el("header", { class: "view-head" }), list: el("div", { class: "messages", tabindex: "0" }) };
        main.replaceChildren(frame.head, frame.list);
      }
      const { list } = frame;
      const below = list.scrollHeight - list.scrollTop;
      const following = first || below - list.clientHeight < NEAR_PX;
      drawHead(frame.head, chat);
      chat.live = chat.who.length > 0 && { people: chat.who, actor: () => actorIn(chat), pressed: refresh };
      const wider = list.dataset.first !== undefined && Number(list.dataset.first) > chat.first;
      list.dataset.first = chat.first;
      sync(list, [...earlier(chat, limit, widen), ...drawMessages(chat, kept), ...later(chat), ...(chat.total ? [] : [nothing(kept)])]);
      // what was above the reader's eyes before grew upwards
      if (wider) list.scrollTop = list.scrollHeight - below;
      else if (following) toEnd(list);
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
  const facts = [chat.mode === "p2p" ? "private chat" : "group", people, `${chat.total} ${chat.total === 1 ? "message" : "messages"}`, chat.in_threads && "each message starts a thread", chat.is_dissolved && "dissolved"];
  // the choice of the reader stays open while other things change
  const key = JSON.stringify([chat.name, facts, chat.who]);
  if (head.dataset.key === key) return;
  head.dataset.key = key;
  head.replaceChildren(el("h1", {}, chat.name), el("p", {}, facts.filter(Boolean).join(" · ")), ...actorSwitch(chat));
}

/** The way to the messages before those that are shown. */
function earlier(chat, limit, widen) {
  if (!chat.first) return [];
  const count = chat.first.toLocaleString("en");
  const way = limit < MOST
    ? el("button", { class: "tool wide", on: { click: ({ target }) => { target.disabled = true; widen(); } } }, `Show earlier (${count} more)`)
    : el("a", { href: `#/chat/${encodeURIComponent(chat.chat_id)}?end=${chat.first}` }, `Earlier (${count} more)`);
  return [el("div", { class: "more" }, way)];
}

/** The way to those after them. */
function later(chat) {
  const after = chat.total - chat.first - chat.shown.length;
  if (!after) return [];
  const next = chat.first + chat.shown.length + MOST;
  const end = next < chat.total ? `?end=${next}` : "";
  return [el("div", { class: "more" }, el("a", { href: `#/chat/${encodeURIComponent(chat.chat_id)}${end}` }, `Later (${after.toLocaleString("en")} more)`))];
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
  const quoted = quotedBy(message, chat, byId);
  const own = drawn(message, quoted, chat, kept);
  if (!replies.length) return [own];
  const key = `thread ${message.message_id}`;
  const known = kept.get(key) || { node: el("div", { class: "thread" }) };
  kept.set(key, known);
  const inner = replies.map((each) => drawn(each, each.parent_id === message.message_id ? null : quotedBy(each, chat, byId), chat, kept));
  sync(known.node, inner);
  return [own, known.node];
}

/** What a message replies to, also where that stands farther up than what is shown. */
function quotedBy(message, chat, byId) {
  return message.parent_id ? byId.get(message.parent_id) || chat.quoted[message.parent_id] : null;
}

/** The node of a message; the one that is there already, when it says the same. */
function drawn(message, quoted, chat, kept) {
  const said = JSON.stringify(message);
  // other people's names redraw nothing: what is unfolded would close
  const names = Object.entries(chat.names).filter(([id]) => said.includes(id));
  const key = JSON.stringify([said, quoted && [quoted.sender, quoted.line], names]);
  const known = kept.get(message.message_id);
  if (known && known.key === key) return known.node;
  const node = guarded(message.msg_type, () => renderMessage(message, chat, quoted));
  kept.set(message.message_id, { key, node });
  return node;
}
