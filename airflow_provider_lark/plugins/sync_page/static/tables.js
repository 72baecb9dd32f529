// Tables, tiles, states and problems: what all parts of the page are made of.

import { button, el } from "./dom.js";
import { login } from "./place.js";
import { number, problemWords, t } from "./words.js";

/** A table. *columns*: title and a class; *rows*: cells; *empty*: what stands there without rows. */
export function table(columns, rows, empty) {
  if (!rows.length) return el("p", { class: "empty" }, empty);
  const head = columns.map(([title, style]) => el("th", { class: style, scope: "col" }, title));
  const body = rows.map((cells) => el("tr", {}, cells.map((cell, at) => el("td", { class: columns[at][1] }, cell))));
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body)));
}

/** A number with a name, in a colour where it needs somebody. */
export function tile(title, value, tone, more) {
  const shown = typeof value === "number" ? number(value) : value;
  return el("div", { class: `tile ${tone && value ? tone : ""}` }, el("b", {}, shown), el("span", {}, title), more);
}

/** Which state a mapping is in, by what the server told of it. */
export function stateOf(state) {
  if (!state) return "loading";
  if (state.error) return "error";
  if (state.last_run && state.last_run.status === "failed") return "bad";
  if (state.needs_a_person) return "waits";
  return state.last_run ? "ok" : "never";
}

/** A coloured word for a state. */
export function badge(state) {
  const name = stateOf(state);
  return el("span", { class: `badge ${name}` }, name === "loading" ? "…" : t(name));
}

/** What went wrong, in the place where the answer would stand. */
export function problem(refused, again) {
  const [first, ...more] = problemWords(refused);
  return el("div", { class: "problem", role: "alert" }, el("b", {}, first), more.map((line) => el("p", {}, line)),
    el("div", { class: "row" },
      refused.kind === "no_login" && el("a", { class: "button", href: login(), target: "_top" }, t("log_in")),
      again && button(t("try_again"), again, { class: "plain" })));
}

/** Bars where an answer is awaited. */
export function waiting() {
  return el("div", { class: "waiting", "aria-busy": "true" }, el("i"), el("i"), el("i"));
}

let fading = 0;

/** Say for a while what was done. */
export function notice(words, isBad) {
  const place = document.getElementById("notice");
  place.className = isBad ? "shown bad" : "shown";
  place.replaceChildren(...[words].flat().map((line) => el("p", {}, line)));
  clearTimeout(fading);
  fading = setTimeout(() => (place.className = ""), isBad ? 12000 : 6000);
}
