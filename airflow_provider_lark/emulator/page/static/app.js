// The page: where the reader is, what is asked of the emulator again and again, and who draws it.

import { el, sync } from "./dom.js";
import { addSwitches } from "./settings.js";
import { callsView, faultsView } from "./calls.js";
import { chatView } from "./chat.js";
import { gridView } from "./grid.js";
import { shortly } from "./times.js";

const PAUSE_MS = 1500;
const main = document.getElementById("main");
const places = document.getElementById("places");
const notice = document.getElementById("notice");

let view = null;
let told = new Map();
let turn = 0;

const VIEWS = { chat: chatView, table: gridView, calls: callsView, faults: faultsView };

/** What the address after # names: #/chat/ID, #/table/APP/TABLE?offset=100, #/calls?only=failed, #/faults. */
function readPlace() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  return { name, rest, query: new URLSearchParams(query || "") };
}

function go() {
  const place = readPlace();
  const make = Object.hasOwn(VIEWS, place.name) ? VIEWS[place.name] : null;
  view = make ? make(main, place) : null;
  told = new Map([["overview", told.get("overview")]]);
  main.replaceChildren();
  mark();
  refresh();
}

/** What the emulator answered with, or that it did not: something to tell, and no mistake of the page. */
class Refused extends Error {}

async function ask(path) {
  let text, ok;
  try {
    const answer = await fetch(path, { cache: "no-store" });
    [text, ok] = [await answer.text(), answer.ok];
  } catch {
    throw new Refused("The emulator does not answer. Trying again …");
  }
  const body = JSON.parse(text);
  if (!ok) throw new Refused(body.error);
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
    if (current && current === view) {
      for (const [name, path] of Object.entries(current.asks())) await look(name, path, (result) => current === view && current.draw(name, result));
    }
    say("");
  } catch (error) {
    if (!(error instanceof Refused)) console.error(error);
    say(error instanceof Refused ? error.message : `The page failed: ${error.message}`);
  }
  if (mine === turn) setTimeout(() => mine === turn && whenVisible(refresh), PAUSE_MS);
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

function drawPlaces(overview) {
  const { bases, chats, calls, faults } = overview;
  const nodes = [
    heading("Chats", chats.length),
    ...chats.map((each) => entry(`#/chat/${each.chat_id}`, JSON.stringify(each), () => chatLine(each))),
    ...bases.flatMap((base) => [
      heading(base.name, null, "Base"),
      ...base.tables.map((each) => entry(`#/table/${base.app_token}/${each.table_id}`, JSON.stringify(each), () => line(each.name, each.records.toLocaleString("en")))),
    ]),
    heading("What happened"),
    entry("#/calls", String(calls), () => line("Calls", calls.toLocaleString("en"))),
    entry("#/faults", String(faults), () => line("Faults", faults || "")),
  ];
  sync(places, nodes);
  mark();
  if (!view) welcome(overview);
}

function heading(name, count, kind) {
  const key = `${kind}${name}${count}`;
  if (!kept.has(key)) kept.set(key, { node: el("h2", { title: kind || null }, kind && el("small", {}, `${kind} `), name, count !== null && count !== undefined && el("small", {}, ` ${count}`)) });
  return kept.get(key).node;
}

function line(name, count) {
  return [el("span", { class: "place-name" }, name), el("span", { class: "count" }, count)];
}

function chatLine(chat) {
  const last = chat.last && el("span", { class: "place-last" }, chat.mode === "group" && chat.last_by ? `${chat.last_by}: ${chat.last}` : chat.last);
  const words = el("span", { class: "place-words" }, el("span", { class: "place-name" }, chat.name, chat.is_dissolved && " (dissolved)"), last);
  return [words, el("span", { class: "count" }, chat.messages > 0 && shortly(chat.at_ms).slice(-5))];
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
    el("p", {}, "This is an emulated Lark. Bases, chats and messages appear as soon as a client makes them at ", el("code", {}, url), "."),
  ];
  main.replaceChildren(el("div", { class: "empty" }, words));
}

addSwitches(document.getElementById("tools"), el, () => {
  const at = new Map(told);
  for (const name of at.keys()) if (name !== "overview") told.delete(name);
  if (view && view.forget) view.forget();
  refresh();
});
window.addEventListener("hashchange", go);
go();
