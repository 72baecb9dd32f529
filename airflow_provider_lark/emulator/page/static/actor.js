// Whom of a chat the reader plays: who presses what stands on cards.

import { el } from "./dom.js";

const chosen = new Map();

/** The open_id of the person whom the reader plays in *chat*. */
export function actorIn(chat) {
  const known = chosen.get(chat.chat_id);
  return chat.who.some((each) => each.open_id === known) ? known : (chat.who[0] || {}).open_id;
}

/** Lets the reader choose that person; nothing in a chat without people. */
export function actorSwitch(chat) {
  if (!chat.who.length) return [];
  const node = el("select", { class: "actor", "aria-label": "Who presses" });
  node.append(...chat.who.map((each) => el("option", { value: each.open_id }, each.name)));
  node.value = actorIn(chat);
  node.addEventListener("change", () => chosen.set(chat.chat_id, node.value));
  return [el("label", { class: "acting" }, "You click as ", node)];
}
