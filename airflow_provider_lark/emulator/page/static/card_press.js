// What a person presses on a card: which component that is, what is sent, and what comes back.

import { el } from "./dom.js";
import { contentOf } from "./card_text.js";
import { locale } from "./settings.js";

const PRESSED = new Set("input button overflow select_static multi_select_static select_person multi_select_person date_picker picker_time picker_datetime select_img checker interactive_container".split(" "));
const NOT_STRUCTURE = new Set(["value", "chart_spec", "rows"]);
const TOAST_MS = 4000;

/** The components that answer, in the order in which they stand in the JSON; the emulator counts in the same way. */
function pressables(given, found = []) {
  if (Array.isArray(given)) for (const each of given) pressables(each, found);
  else if (given && typeof given === "object") {
    if (PRESSED.has(given.tag)) found.push(given);
    for (const [name, value] of Object.entries(given)) if (!NOT_STRUCTURE.has(name)) pressables(value, found);
  }
  return found;
}

/** Lets the reader press what stands on *card*: `people` of the chat, and `press(component, filled)`. */
export function livingCard(card, messageId, live) {
  const found = pressables(card);
  let busy = false;
  async function press(given, filled, node) {
    if (busy) return;
    if (given.confirm && !(await confirmed(given.confirm))) return;
    busy = true;
    node.classList.add("waiting");
    try {
      tell(await send({ message_id: messageId, open_id: live.actor(), at: found.indexOf(given), ...filled }));
    } finally {
      busy = false;
      node.classList.remove("waiting");
      live.pressed();
    }
  }
  return { people: live.people, press };
}

async function send(click) {
  try {
    const answer = await fetch("click", { method: "POST", body: JSON.stringify(click), headers: { "Content-Type": "application/json" } });
    const told = await answer.json();
    return answer.ok ? told.result : { error: told.error };
  } catch {
    return { error: "the emulator does not answer" };
  }
}

/** Show a toast, or the error that the app's silence is for the person. */
function tell(seen) {
  const toast = seen.toast || {};
  const words = seen.error ? `${seen.code ? `${seen.code}: ` : ""}${seen.error}` : (toast.i18n || {})[locale()] || toast.content;
  if (!words) return;
  const node = el("div", { class: `toast ${seen.error ? "error" : toast.type || "info"}`, role: "alert" }, words);
  for (const old of document.querySelectorAll(".toast")) old.remove();
  document.body.append(node);
  setTimeout(() => node.remove(), TOAST_MS);
}

function confirmed(asked) {
  const ctx = { locale: locale() };
  return new Promise((resolve) => {
    const answer = (yes) => () => {
      dialog.close();
      dialog.remove();
      resolve(yes);
    };
    const buttons = [el("button", { class: "button medium", on: { click: answer(false) } }, "Cancel"), el("button", { class: "button primary_filled medium", on: { click: answer(true) } }, "OK")];
    const words = [el("b", {}, contentOf(asked.title || "", ctx)), el("p", {}, contentOf(asked.text || "", ctx)), el("div", { class: "choices-row" }, buttons)];
    const dialog = el("dialog", { class: "confirm", on: { cancel: answer(false) } }, words);
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Whether pressing the component tells the app anything. */
export function callsBack(given) {
  const behaviors = given.behaviors || [];
  if (behaviors.some((each) => each && each.type === "callback")) return true;
  return given.value !== undefined && given.value !== null ? true : !(given.url || given.multi_url || behaviors.length);
}
