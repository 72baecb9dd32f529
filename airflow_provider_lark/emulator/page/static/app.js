// The page: where the reader is, what is asked of the emulator again and again, and who draws it.

import { el, sync } from "./dom.js";
import { addSwitches } from "./settings.js";
import { approvalsView } from "./approvals.js";
import { callsView, faultsView } from "./calls.js";
import { chatView } from "./chat.js";
import { gridView } from "./grid.js";
import { readPlace } from "./place.js";
import { atAGlance } from "./times.js";

const PAUSE_MS = 1500;
const main = document.getElementById("main");
const places = document.getElementById("places");
const notice = document.getElementById("notice");

let place = readPlace("");
let view = null;
let missing = false;
let told = new Map();
let overview = { bases: [], chats: [] };
let turn = 0;

const VIEWS = { approvals: approvalsView, chat: chatView, table: gridView, calls: callsView, faults: faultsView };

function go() {
  place = readPlace(location.hash);
  begin();
  mark();
  refresh();
}

/** Draw the place anew, from nothing. */
function begin() {
  const make = Object.hasOwn(VIEWS, place.name) ? VIEWS[place.name] : null;
  view = make ? make(main, place, refresh) : null;
  told = new Map([["overview", told.get("overview")]]);
  missing = false;
  main.replaceChildren();
}

/** What the emulator answered with, or that it did not: something to tell, and no mistake of the page. */
class Refused extends Error {}

/** There is nothing in the place that was asked for: another emulator under the same address, or a link that is wrong. */
class Missing extends Refused {}

async function ask(path) {
  let text, answer;
  try {
    answer = await fetch(path, { cache: "no-store" });
    text = await answer.text();
  } catch {
    throw new Refused("The emulator does not answer. Trying again …");
  }
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refused("This server is not the emulator. Trying again …");
  }
  if (!answer.ok) throw new (answer.status === 400 ? Missing : Refused)(body.error);
  return [text, body.result];
}

/** Ask for *path*; *draw* is called when the answer is another one than before. */
async function look(name, path, draw) {
  const [text, result] = await ask(path);
  if (told.get(name) === text) return;
  told.set(name, text);
  draw(result);
}

async function refresh() {
  const mine = ++turn;
  const current = view;
  try {
    await look("overview", "view/overview", drawPlaces);
    if (current && current === view) await show(current);
    nameTab();
    say("");
  } catch (error) {
    if (!(error instanceof Refused)) console.error(error);
    say(error instanceof Refused ? error.message : `The page failed: ${error.message}`);
  }
  if (mine === turn) setTimeout(() => mine === turn && whenVisible(refresh), PAUSE_MS);
}

async function show(current) {
  if (!isThere(place)) {
    tellMissing();
    return;
  }
  try {
    for (const [name, path] of Object.entries(current.asks())) {
      await look(name, path, (result) => {
        if (current !== view) return;
        if (missing) begin();
        view.draw(name, result);
      });
    }
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    if (current === view) tellMissing();
  }
}

/** Whether the place is among those of the last overview; one that is not is not asked for. */
function isThere({ name, rest }) {
  const { chats, bases } = overview;
  if (name === "chat") return chats.some((each) => each.chat_id === rest[0]);
  if (name !== "table") return true;
  return bases.some((base) => base.app_token === rest[0] && base.tables.some((each) => each.table_id === rest[1]));
}

/** What was here is not shown any longer: it would pass for what is there. */
function tellMissing() {
  if (missing) return;
  missing = true;
  told = new Map([["overview", told.get("overview")]]);
  const words = [el("h1", {}, "Not here"), el("p", {}, `This ${place.name} does not exist in the emulator. The emulator may have been restarted.`), el("p", {}, el("a", { href: "#/" }, "Overview"))];
  main.replaceChildren(el("div", { class: "empty" }, words));
}

function nameTab() {
  const title = main.querySelector("h1");
  document.title = title ? `${title.textContent} · Lark emulator` : "Lark emulator";
}

function whenVisible(run) {
  if (!document.hidden) run();
  else document.addEventListener("visibilitychange", run, { once: true });
}

function say(words) {
  notice.hidden = !words;
  notice.textContent = words;
}

const kept = new Map();

/** One line of the list at the side; drawn anew only when it says something else. */
function entry(href, key, make) {
  const known = kept.get(href);
  if (known && known.key === key) return known.node;
  const node = el("a", { href, class: "place" }, make());
  kept.set(href, { key, node });
  return node;
}

function drawPlaces(given) {
  overview = given;
  const { bases, chats, calls, faults, approvals } = given;
  const nodes = [
    heading("Chats", chats.length),
    ...chats.map((each) => entry(`#/chat/${each.chat_id}`, JSON.stringify(each), () => chatLine(each))),
    ...bases.flatMap((base) => [
      heading(base.name, null, "Base", base.app_token),
      ...base.tables.map((each) => entry(`#/table/${base.app_token}/${each.table_id}`, JSON.stringify(each), () => line(each.name, each.records.toLocaleString("en")))),
    ]),
    approvals !== null && heading("Approval centre"),
    approvals !== null && entry("#/approvals", String(approvals), () => line("审批 → 待办", approvals || "")),
    heading("What happened"),
    entry("#/calls", String(calls), () => line("Calls", calls.toLocaleString("en"))),
    entry("#/faults", String(faults), () => line("Faults", faults || "")),
  ];
  sync(places, nodes.filter(Boolean));
  mark();
  if (!view) welcome(given);
}

function heading(name, count, kind = "", id = "") {
  const key = JSON.stringify([id, kind, name, count]);
  const shown = [kind && el("small", {}, `${kind} `), name, count !== null && count !== undefined && el("small", {}, ` ${count}`)];
  if (!kept.has(key)) kept.set(key, { node: el("h2", { title: kind || null }, shown) });
  return kept.get(key).node;
}

function line(name, count) {
  return [el("span", { class: "place-name" }, name), el("span", { class: "count" }, count)];
}

function chatLine(chat) {
  const last = chat.last && el("span", { class: "place-last" }, chat.mode === "group" && chat.last_by ? `${chat.last_by}: ${chat.last}` : chat.last);
  const words = el("span", { class: "place-words" }, el("span", { class: "place-name" }, chat.name, chat.is_dissolved && " (dissolved)"), last);
  return [words, el("span", { class: "count" }, chat.messages > 0 && atAGlance(chat.at_ms))];
}

function mark() {
  const here = location.hash.split("?")[0];
  for (const each of places.querySelectorAll("a.place")) {
    if (each.getAttribute("href") === here) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
}

function welcome({ url, bases, chats }) {
  const first = chats.find((each) => each.messages) || null;
  const table = bases.flatMap((base) => base.tables.map((each) => [base.app_token, each.table_id]))[0];
  if (first || table) {
    location.replace(first ? `#/chat/${first.chat_id}` : `#/table/${table.join("/")}`);
    return;
  }
  const words = [
    el("h1", {}, "Nothing here yet"),
    el("p", {}, "This is an emulated Lark. Bases, chats and messages appear as soon as a client creates them at ", el("code", {}, url), "."),
  ];
  main.replaceChildren(el("div", { class: "empty" }, words));
}

addSwitches(document.getElementById("tools"), el, () => {
  const at = new Map(told);
  for (const name of at.keys()) if (name !== "overview") told.delete(name);
  if (view && view.forget) view.forget();
  refresh();
});
document.getElementById("skip").addEventListener("click", () => main.focus());
window.addEventListener("hashchange", go);
go();
