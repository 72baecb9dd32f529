// All mappings, with the state of each; a database that does not answer leaves the others be.

import { read } from "./api.js";
import { sparkline } from "./charts.js";
import { el } from "./dom.js";
import { to } from "./place.js";
import { badge, stateOf, tile, waiting } from "./tables.js";
import { ago, number, problemWords, runWord, share, span, t } from "./words.js";

const ORDER = { error: 0, bad: 1, waits: 2, never: 3, loading: 4, ok: 5 };
const COLUMNS = [
  ["mapping", "", null],
  ["pending", "n", (state) => state.pending],
  ["oldest", "n", (state) => state.oldest_seconds || 0],
  ["success", "n", (state) => -(state.last_hour.success_rate ?? 2)],
  ["delay", "n", (state) => state.last_hour.delay_seconds || 0],
  ["last_run", "", (state) => (state.last_run ? state.last_run.ended_seconds : Infinity)],
  ["failed", "n", (state) => state.failed],
  ["conflicts", "n", (state) => state.conflicts],
  ["held", "n", (state) => state.held],
];

/** The states of all mappings, by name, as far as they are known. */
export class States {
  constructor(about) {
    this.about = about;
    this.known = new Map();
  }

  /** Ask each database, all at once, and tell of each answer. */
  async load(told) {
    const connIds = new Set(this.about.mappings.map((each) => each.conn_id));
    await Promise.all([...connIds].map(async (connId) => {
      await this.ask(connId);
      told();
    }));
  }

  async ask(connId) {
    const mine = this.about.mappings.filter((each) => each.conn_id === connId);
    let states;
    try {
      states = connId ? (await read("states", { conn_id: connId })).states : mine.map((each) => ({ mapping: each.name, error: { kind: "other", message: t("no_conn") } }));
    } catch (refused) {
      states = mine.map((each) => ({ mapping: each.name, error: { kind: refused.kind, message: refused.message } }));
    }
    for (const state of states) this.known.set(state.mapping, state);
  }
}

/** The page of all mappings. *view*: what is looked for, and the column that it is sorted by. */
export function overview(states, view, redraw) {
  const { mappings, problems } = states.about;
  const known = mappings.map((each) => states.known.get(each.name)).filter((state) => state && !state.error);
  const sum = (count) => known.reduce((total, state) => total + count(state), 0);
  const wanting = mappings.filter((each) => ["bad", "waits", "error"].includes(stateOf(states.known.get(each.name)))).length;
  const place = el("div", {}, mappings.length ? list(states, view, redraw) : el("p", { class: "empty" }, t("no_mappings")));
  const search = (event) => {
    // the field itself stays: a new one would end the composition of Chinese characters
    view.text = event.target.value;
    if (mappings.length) place.replaceChildren(list(states, view, redraw));
  };
  return [
    el("h1", { class: "unseen", tabindex: -1 }, t("all")),
    el("section", { class: "tiles" },
      tile(t("mappings"), mappings.length),
      tile(t("need_you"), wanting, "warn"),
      tile(t("pending"), sum((state) => state.pending)),
      tile(t("failed"), sum((state) => state.failed), "bad"),
      tile(t("conflicts"), sum((state) => state.conflicts), "warn"),
      tile(t("held"), sum((state) => state.held), "warn")),
    problems.map((line) => el("div", { class: "problem", role: "alert" }, line)),
    el("input", { type: "search", id: "search", placeholder: t("search"), "aria-label": t("search"), value: view.text, on: { input: search } }),
    place,
  ];
}

function list(states, view, redraw) {
  const heads = COLUMNS.map(([name, style]) => {
    const sorted = view.sort === name ? (view.down ? "descending" : "ascending") : null;
    const again = () => redraw({ ...view, sort: name, down: view.sort === name ? !view.down : name !== "mapping" });
    return el("th", { class: style, scope: "col", "aria-sort": sorted }, el("button", { type: "button", class: "sort", on: { click: again } }, t(name)));
  });
  const rows = sorted(states, view).map((each) => line(each, states.known.get(each.name)));
  return el("div", { class: "scroll card flush" },
    el("table", { class: "mappings" }, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)));
}

function sorted(states, view) {
  const text = view.text.trim().toLowerCase();
  const wanted = states.about.mappings.filter((each) => !text || [each.name, each.table, each.bitable, each.conn_id || ""].some((word) => word.toLowerCase().includes(text)));
  const column = COLUMNS.find(([name]) => name === view.sort);
  const worth = (each) => {
    const state = states.known.get(each.name);
    if (!column) return ORDER[stateOf(state)];
    return state && !state.error && column[2] ? column[2](state) : -Infinity;
  };
  const turn = view.down ? -1 : 1;
  return wanted.sort((a, b) => (view.sort === "mapping" ? 0 : turn * ((worth(a) > worth(b)) - (worth(a) < worth(b)))) || (view.sort === "mapping" ? turn : 1) * a.name.localeCompare(b.name));
}

function line(mapping, state) {
  const place = el("a", { class: "name", href: to(mapping.name) }, mapping.name);
  const what = el("small", {}, `${mapping.table} ${arrow(mapping.direction)} ${mapping.bitable}`);
  const first = el("td", {}, el("div", { class: "who" }, badge(state), el("div", {}, place, what)));
  if (!state) return el("tr", {}, first, el("td", { colspan: COLUMNS.length - 1 }, waiting()));
  if (state.error) return el("tr", {}, first, el("td", { colspan: COLUMNS.length - 1, class: "wrong" }, problemWords(state.error).map((words) => el("p", {}, words))));
  const count = (value, tab, tone) => el("td", { class: "n" }, value ? el("a", { class: `count ${tone}`, href: to(mapping.name, tab) }, number(value)) : el("span", { class: "zero" }, "0"));
  const run = state.last_run;
  return el("tr", {}, first,
    el("td", { class: "n" }, el("div", { class: "backlog" }, sparkline(state.trend || []), el("span", { class: state.pending ? "" : "zero" }, number(state.pending)))),
    el("td", { class: "n" }, span(state.oldest_seconds)),
    el("td", { class: "n" }, share(state.last_hour.success_rate)),
    el("td", { class: "n" }, span(state.last_hour.delay_seconds)),
    el("td", { class: "last", title: run && run.error }, run ? [el("span", { class: `mark ${run.status}` }, runWord(run.status)), el("small", {}, `${runWord(run.operation)}, ${ago(run.ended_seconds)}`)] : el("span", { class: "zero" }, t("none"))),
    count(state.failed, "failed", "bad"), count(state.conflicts, "conflicts", "warn"), count(state.held, "held", "warn"));
}

/** Which way a mapping goes, from SQL to Bitable. */
export function arrow(direction) {
  return { to_lark: "→", to_sql: "←" }[direction] || "⇄";
}
