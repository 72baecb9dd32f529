// The page: its head, and the place that the address names.

import { read, returned } from "./api.js";
import { detail, summary } from "./detail.js";
import { button, el } from "./dom.js";
import { steady } from "./focus.js";
import { States, overview } from "./overview.js";
import { follow, followTheme, go, here, takeOver, task, to } from "./place.js";
import { problem, waiting } from "./tables.js";
import { moment, switchLanguage, t, tag } from "./words.js";

const EVERY_MS = 30000;
const main = document.getElementById("main");
let states = null;
let view = { text: "", sort: null, down: false };
let updated = null;
let isComposing = false;

function drawHead() {
  document.documentElement.lang = tag();
  document.title = [here().mapping, t("title")].filter(Boolean).join(" · ");
  document.getElementById("head").replaceChildren(
    el("a", { class: "brand", href: "#/" }, t("title")),
    el("span", { class: "when" }, updated && t("updated", { at: moment(updated, false) })),
    button(t("refresh"), () => load(), { class: "plain", id: "refresh" }),
    button(t("other"), () => (switchLanguage(), steady(draw)), { class: "plain", id: "language" }));
}

function draw() {
  drawHead();
  if (!states) return main.replaceChildren(waiting());
  const place = here();
  const mapping = states.about.mappings.find((each) => each.name === place.mapping);
  if (place.mapping && !mapping) return show([problem({ kind: "", message: t("unknown_mapping", { m: place.mapping }) })]);
  if (mapping) return show(detail(mapping, states.known.get(mapping.name), place, () => load(mapping)));
  return show(overview(states, view, redraw));
}

/** Draw the states that have come: on a mapping's page its summary alone, so that nothing that was chosen gets lost. */
function drawStates() {
  const place = here();
  if (!place.mapping) return redraw(view);
  const mapping = states.about.mappings.find((each) => each.name === place.mapping);
  const above = document.getElementById("summary");
  return above && mapping && steady(() => above.replaceChildren(...summary(mapping, states.known.get(mapping.name), place)));
}

function show(parts) {
  main.replaceChildren(...parts.flat(Infinity).filter((part) => part instanceof Node));
}

/** Draw the overview anew, unless somebody is amid typing Chinese. */
function redraw(wanted) {
  view = wanted;
  if (!isComposing) steady(draw);
}

/** Ask for everything anew, or for what one mapping needs. */
async function load(mapping) {
  try {
    if (mapping && states) {
      await states.ask(mapping.conn_id);
      steady(draw);
    } else {
      const fresh = new States(await read("mappings"));
      // what was known is shown until the answer is there
      if (states) for (const [name, state] of states.known) fresh.known.set(name, state);
      states = fresh;
      if (here().mapping || !states.known.size) steady(draw);
      await states.load(drawStates);
    }
    updated = Date.now();
    steady(drawHead);
  } catch (refused) {
    if (!refused.kind) throw refused;
    steady(() => (drawHead(), show([problem(refused, () => load())])));
  }
}

/** Keep the overview fresh while somebody looks at it; a mapping's page is left as it was drawn, with what is chosen. */
function keepFresh() {
  if (document.visibilityState === "visible" && states && !here().mapping && !document.querySelector("dialog")) load();
}

/** On the tab of a task: go to the mapping that it has synced, as its report says. */
async function goToTask(of) {
  const report = await returned(of);
  if (report && typeof report.mapping === "string") go(to(report.mapping), true);
}

async function start() {
  followTheme();
  drawHead();
  main.replaceChildren(waiting());
  takeOver();
  if (task() && !here().mapping) await goToTask(task());
  follow(() => steady(draw));
  load();
}

for (const [event, begins] of [["compositionstart", true], ["compositionend", false]]) {
  document.addEventListener(event, () => (isComposing = begins));
}
start();
setInterval(keepFresh, EVERY_MS);
