// One mapping: how it is, its runs, and what waits for people.

import { read } from "./api.js";
import { charts } from "./charts.js";
import { el } from "./dom.js";
import { arrow } from "./overview.js";
import { blacklist, conflicts, failed, held, history } from "./parts.js";
import { to } from "./place.js";
import { badge, problem, table, tile, waiting } from "./tables.js";
import { ago, number, runWord, share, span, t } from "./words.js";

const TABS = { overview: runs, failed, conflicts, held, blacklist, history };
const COUNTS = { failed: "failed", conflicts: "conflicts", held: "held" };
const OTHERS = ["rewritten", "near_misses", "conflicts", "skipped", "held", "failed", "different"];

/** The page of a mapping. *place*: which part of it; *refresh*: ask for its state again. */
export function detail(mapping, state, place, refresh) {
  const tab = tabOf(place);
  const body = el("section", { class: "part", "aria-label": t(tab) });
  const context = { mapping, what: place.what, tab, refresh };
  fill(body, () => TABS[tab](context));
  return [el("div", { id: "summary" }, summary(mapping, state, place)), body];
}

function tabOf(place) {
  return Object.hasOwn(TABS, place.tab) ? place.tab : "overview";
}

/** What stands above the parts of a mapping: by itself, it changes without taking from a person what they have chosen. */
export function summary(mapping, state, place) {
  const tab = tabOf(place);
  return [
    el("nav", { class: "crumbs" }, el("a", { href: to(null) }, `‹ ${t("all")}`)),
    el("div", { class: "title" }, el("h1", { tabindex: -1 }, mapping.name), badge(state),
      el("span", { class: "what" }, `${mapping.table} ${arrow(mapping.direction)} ${mapping.bitable} · ${mapping.conn_id || t("no_conn")}`)),
    tiles(state),
    !mapping.edits && el("p", { class: "hint lock" }, mapping.conn_id ? t("may_not_edit", { c: mapping.conn_id }) : t("no_conn")),
    el("nav", { class: "tabs", "aria-label": mapping.name }, Object.keys(TABS).map((name) => {
      const count = state && !state.error && COUNTS[name] ? state[COUNTS[name]] : 0;
      return el("a", { href: to(mapping.name, name), "aria-current": name === tab ? "page" : null }, t(name), count > 0 && el("i", {}, number(count)));
    })),
  ].flat(Infinity).filter(Boolean);
}

async function fill(body, load) {
  body.replaceChildren(waiting());
  body.setAttribute("aria-busy", "true");
  try {
    body.replaceChildren(...[await load()].flat(Infinity).filter(Boolean));
  } catch (refused) {
    if (!refused.kind) throw refused;
    body.replaceChildren(problem(refused, () => fill(body, load)));
  } finally {
    body.removeAttribute("aria-busy");
  }
}

function tiles(state) {
  if (!state) return el("section", { class: "tiles" }, waiting());
  if (state.error) return problem(state.error);
  const run = state.last_run;
  return el("section", { class: "tiles" },
    tile(t("pending"), state.pending),
    tile(t("oldest"), span(state.oldest_seconds)),
    tile(t("success"), share(state.last_hour.success_rate)),
    tile(t("delay"), span(state.last_hour.delay_seconds)),
    tile(t("last_run"), run ? runWord(run.status) : t("none"), run && run.status === "failed" ? "bad" : "", run && el("small", {}, `${runWord(run.operation)}, ${ago(run.ended_seconds)}`)),
    state.loops > 0 && tile(t("loops", { n: "" }).trim(), state.loops, "warn"));
}

async function runs(context) {
  const { mapping, what } = context;
  const found = await read("runs", { mapping: mapping.name, before: what.before });
  if (!found.runs.length) return el("p", { class: "empty" }, t("no_runs"));
  const last = found.runs.at(-1);
  return [
    charts(found.runs),
    el("h2", {}, t("runs")),
    table(
      [[t("ended"), "still"], [t("run"), ""], [t("status"), ""], [t("to_lark"), "n"], [t("to_sql"), "n"], [t("other_counts"), ""], [t("pending"), "n"], [t("took"), "n"], [t("calls"), "n"], [t("problem"), "error"]],
      found.runs.map(row), t("no_runs")),
    pager(mapping.name, "overview", what.before && {}, found.more && { before: last.id }),
  ];
}

function row(run) {
  const others = OTHERS.filter((name) => run.counts[name]).map((name) => `${runWord(name.replace("_", " "))} ${number(run.counts[name])}`);
  return [
    el("span", { title: run.run_id }, ago(run.ended_seconds)),
    runWord(run.operation),
    el("span", { class: `mark ${run.status}` }, run.runs > 1 ? `${runWord(run.status)} × ${number(run.runs)}` : runWord(run.status)),
    writes(run.counts, "lark"), writes(run.counts, "sql"), others.join(", "),
    number(run.pending), span(run.seconds), number(run.api_calls), run.error || "",
  ];
}

function writes(counts, side) {
  const parts = [["+", "created"], ["~", "updated"], ["−", "deleted"]].filter(([, name]) => counts[`${side}_${name}`]);
  return parts.map(([sign, name]) => el("span", { class: `writes ${name}` }, `${sign}${number(counts[`${side}_${name}`])}`));
}

function pager(name, tab, start, next) {
  if (!start && !next) return null;
  return el("nav", { class: "pager" }, start && el("a", { class: "button", href: to(name, tab, start) }, t("newest")),
    next && el("a", { class: "button", href: to(name, tab, next) }, t("older")));
}
