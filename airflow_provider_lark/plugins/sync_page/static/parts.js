// The parts of a mapping that wait for people: rows that failed, conflicts, held deletes, what is left alone; and a row's
// history. Each gets a context: mapping, tab and what (of the address), and refresh, which draws all of it anew.

import { change, read } from "./api.js";
import { ask, button, el } from "./dom.js";
import { go, to } from "./place.js";
import { notice, table } from "./tables.js";
import { ago, keyWords, moment, number, problemWords, runWord, span, t } from "./words.js";

// MySQL takes no longer key, and a proxy no much longer address
const KEY_MAX = 1000;
const KEYS_MAX = 100;

/** Ask the person, do it, say what was done, and show how it is now, also where it was refused. */
async function act(context, question, path, body, done) {
  if (!(await ask(question.title, question.lines, t("yes"), t("cancel"), question.isDangerous))) return;
  try {
    const answer = await change(path, { mapping: context.mapping.name, ...body });
    // of two who press at the same time the second finds nothing left
    if (answer.done > 0) notice(t(done, { n: number(answer.done) }));
    else notice(t("did_nothing"), true);
  } catch (refused) {
    if (!refused.kind) throw refused;
    notice(problemWords(refused), true);
  }
  context.refresh();
}

function search(context, hint, label, name) {
  const field = el("input", { type: "search", name, maxlength: name === "text" ? 500 : KEY_MAX, placeholder: hint, "aria-label": hint, value: context.what[name] || "" });
  const find = (event) => {
    event.preventDefault();
    go(to(context.mapping.name, context.tab, { [name]: field.value.trim() }));
  };
  return el("form", { class: "row", on: { submit: find } }, field, el("button", { type: "submit", class: "plain" }, label));
}

function links(context, ...steps) {
  const shown = steps.filter(([, where]) => where);
  return shown.length > 0 && el("nav", { class: "pager" }, shown.map(([words, where]) => el("a", { class: "button", href: to(context.mapping.name, context.tab, where) }, t(words))));
}

export async function failed(context) {
  const { mapping, what } = context;
  const found = await read("failed", { mapping: mapping.name, text: what.text, before: what.before, after: what.after });
  const rows = what.after !== undefined ? found.rows.slice().reverse() : found.rows;
  const chosen = new Set();
  const bar = el("div", { class: "row" });
  const text = what.text || "";
  const drawBar = () => bar.replaceChildren(...failedButtons(context, found, text, [...chosen]));
  const boxes = rows.map((row) => el("input", { type: "checkbox", "aria-label": keyWords(row.key), on: { change: (event) => {
    chosen[event.target.checked ? "add" : "delete"](row.key);
    drawBar();
  } } }));
  const all = el("input", { type: "checkbox", "aria-label": t("select_shown"), title: t("select_shown"), on: { change: (event) => {
    for (const box of boxes) box.checked = event.target.checked;
    chosen.clear();
    if (event.target.checked) for (const row of rows) chosen.add(row.key);
    drawBar();
  } } });
  drawBar();
  const [first, last] = [rows[0], rows.at(-1)];
  const isBack = what.after !== undefined;
  const hasNewer = isBack ? found.more : what.before !== undefined;
  const hasOlder = isBack ? what.after !== "0" : found.more;
  return [
    el("div", { class: "row between" }, search(context, t("find_text"), t("find"), "text"), bar),
    table(
      [[all, "tick"], [t("key"), "key"], [t("change"), ""], [t("attempts"), "n"], [t("failed_at"), "still"], [t("problem"), "error"]],
      rows.map((row, at) => [boxes[at], keyLink(mapping, row.key), row.operation, number(row.attempts), ago(row.age_seconds), row.error]),
      text ? t("no_match") : t("no_failed")),
    rows.length > 0 && links(context,
      ["newest", hasNewer && { text }], ["newer", hasNewer && { text, after: first.id }],
      ["older", hasOlder && { text, before: last.id }], ["oldest_page", hasOlder && { text, after: "0" }]),
  ];
}

function failedButtons(context, found, text, keys) {
  const { mapping } = context;
  const off = !mapping.edits;
  const count = found.seen.count;
  const lines = [t("ask_retry_text", { m: mapping.name })];
  const few = { title: t("ask_retry", { n: number(keys.length) }), lines };
  const many = { title: t("ask_retry", { n: number(count) }), lines: text ? [t("with_text", { t: text }), ...lines] : lines };
  const leave = { title: t("ask_leave", { n: number(keys.length) }), lines: [t("ask_leave_text", { m: mapping.name })] };
  return [
    el("span", { class: "count-words" }, t(text ? "match" : "failed_rows", { n: number(count) })),
    keys.length > 0 && button(t("leave_some", { n: number(keys.length) }), () => act(context, leave, "blacklist/add", { keys }, "did_leave"), { class: "plain", disabled: off }),
    keys.length > 0 && button(t("retry_some", { n: number(keys.length) }), () => act(context, few, "retry", { keys }, "did_retry"), { class: "primary", disabled: off }),
    count > 0 && button(t("retry_all", { n: number(count) }), () => act(context, many, "retry-all", { text, seen: found.seen }, "did_retry"), { class: keys.length ? "plain" : "primary", disabled: off, id: "retry-all" }),
  ].filter(Boolean);
}

/** A key that leads to its history; one that is too long for an address leads nowhere. */
function keyLink(mapping, key) {
  const place = key.length <= KEY_MAX ? { href: to(mapping.name, "history", { key }) } : { title: t("long_key") };
  return el("a", { class: "row-key", ...place }, keyWords(key));
}

export async function conflicts(context) {
  const { mapping, what } = context;
  const found = await read("conflicts", { mapping: mapping.name, after: what.after });
  const many = found.conflicts;
  if (!many.length) return el("p", { class: "empty" }, t("no_conflicts"));
  const win = (take, some) => {
    const question = { title: t(`ask_${take}`, { n: number(some.length) }), lines: [t("ask_win_text", { m: mapping.name })], isDangerous: true };
    return act(context, question, "conflicts/resolve", { take, conflicts: some.map(({ id, seen, decided }) => ({ id, seen, decided })) }, "did_win");
  };
  const pair = (some) => ["lark", "sql"].map((side) => button(t(`adopt_${side}`), () => win(side, some), { class: "plain", disabled: !mapping.edits, "data-take": side }));
  return [
    el("div", { class: "row between" }, el("span", { class: "count-words" }, t("open_conflicts", { n: number(found.count) })),
      many.length > 1 && el("div", { class: "row" }, el("span", {}, t("adopt_all", { n: number(many.length) })), pair(many))),
    !many[0].values && el("p", { class: "hint lock" }, t("values_hidden", { c: mapping.conn_id })),
    many.map((each) => conflictCard(mapping, each, pair([each]))),
    links(context, ["back_to_start", what.after && {}], ["more", found.more && { after: many.at(-1).id }]),
  ];
}

function conflictCard(mapping, conflict, buttons) {
  const { decided, gone } = conflict;
  const cell = (side, column) => (gone === side ? el("em", {}, t("deleted")) : column[side] === null ? el("em", {}, t("empty")) : column[side]);
  const columns = [[t("column"), ""], ...(conflict.values ? [[t("agreed"), "value"], [t("lark"), "value lark"], ["SQL", "value sql"]] : [])];
  const rows = conflict.columns.map((column) => [el("b", {}, column.name), ...(conflict.values ? [column.base === null ? el("em", {}, t("empty")) : column.base, cell("lark", column), cell("sql", column)] : [])]);
  return el("article", { class: "card conflict", "data-id": conflict.id },
    el("div", { class: "row between" },
      el("h3", {}, keyLink(mapping, conflict.key), el("small", {}, ` #${conflict.id}`), gone && el("span", { class: "badge waits" }, t(`gone_${gone}`))),
      el("div", { class: "row" }, buttons)),
    decided && el("p", { class: "decided" }, t(`wins_${decided.choice}`, { by: decided.by })),
    table(columns, rows, ""),
    conflict.left_out > 0 && el("small", {}, t("left_out", { n: number(conflict.left_out) })));
}

export async function held(context) {
  const { mapping, what } = context;
  const after = (side) => (what.kept_in === side ? what.after : null);
  const sides = await Promise.all(["lark", "sql"].map((side) => read("held", { mapping: mapping.name, kept_in: side, after: after(side) })));
  const shown = sides.map((found, at) => found.count > 0 && heldCard(context, ["lark", "sql"][at], found)).filter(Boolean);
  return shown.length ? shown : el("p", { class: "empty" }, t("no_held"));
}

function heldCard(context, side, found) {
  const { mapping } = context;
  const n = number(found.count);
  const press = (choice) => {
    const question = { title: t(`ask_${choice}_${side}`, { n }), lines: [t("ask_held_text", { m: mapping.name })], isDangerous: choice === "release" };
    return act(context, question, "held/decide", { kept_in: side, choice, seen: found.seen, decided: found.decided }, "did_held");
  };
  const one = (choice, style) => button(t(`${choice}_${side}`, { n }), () => press(choice), { class: style, disabled: !mapping.edits, "data-choice": choice });
  return el("article", { class: "card" },
    el("div", { class: "row between" }, el("h3", {}, t(`held_${side}`), el("small", {}, ` ${n}`)), el("div", { class: "row" }, one("keep", "plain"), one("release", "danger"))),
    found.decided && el("p", { class: "decided" }, t(`will_${found.decided.choice}`, { by: found.decided.by })),
    el("ul", { class: "keys" }, found.rows.map((row) => el("li", {}, keyLink(mapping, row.key)))),
    links(context, ["back_to_start", context.what.kept_in === side && {}], ["more", found.more && { kept_in: side, after: found.rows.at(-1)?.id }]));
}

export async function blacklist(context) {
  const { mapping, what } = context;
  const found = await read("blacklist", { mapping: mapping.name, before: what.before });
  const remove = (row) => act(context, { title: t("remove"), lines: [keyWords(row.key)] }, "blacklist/remove", { keys: [row.key] }, "did_unleave");
  const rows = found.rows.map((row) => [
    keyLink(mapping, row.key), row.reason, t(row.table_name === null ? "every_table" : "this_table"),
    row.left_seconds === null ? t("for_good") : span(row.left_seconds),
    row.table_name !== null && button(t("remove"), () => remove(row), { class: "plain", disabled: !mapping.edits }),
  ]);
  const columns = [[t("key"), "key"], [t("reason"), "error"], [t("holds_for"), ""], [t("ends_in"), "n"], ["", "end"]];
  return [mapping.edits && adding(context), table(columns, rows, t("no_blacklist")),
    links(context, ["newest", what.before && {}], ["older", found.more && { before: found.rows.at(-1)?.id }])];
}

function adding(context) {
  const keys = el("textarea", { rows: 2, placeholder: t("keys_hint"), "aria-label": t("keys_hint") });
  const reason = el("input", { type: "text", placeholder: t("reason"), "aria-label": t("reason"), maxlength: 400 });
  const hours = el("input", { type: "number", min: 1, max: 87600, placeholder: t("hours_hint"), "aria-label": t("hours_hint") });
  const add = (event) => {
    event.preventDefault();
    const given = keys.value.split("\n").map((each) => each.trim()).filter(Boolean);
    if (!given.length) return keys.focus();
    if (given.length > KEYS_MAX) return notice(t("too_many_keys", { n: number(KEYS_MAX) }), true);
    const question = { title: t("ask_leave", { n: number(given.length) }), lines: [t("ask_leave_text", { m: context.mapping.name })] };
    return act(context, question, "blacklist/add", { keys: given, reason: reason.value, hours: hours.value ? Number(hours.value) : null }, "did_leave");
  };
  return el("form", { class: "row card adding", on: { submit: add } }, keys, reason, hours, el("button", { type: "submit", class: "primary" }, t("add")));
}

export async function history(context) {
  const { mapping, what } = context;
  const form = search(context, t("history_hint"), t("show"), "key");
  if (!what.key) return [form, el("p", { class: "empty" }, t("ask_history"))];
  const found = await read("history", { mapping: mapping.name, key: what.key });
  const state = [
    found.record_id && el("span", { class: "badge" }, found.record_id),
    found.waiting.map((words) => el("span", { class: "badge waits" }, words)),
    found.is_listed && el("a", { class: "badge waits", href: to(mapping.name, "blacklist") }, t("blacklist")),
    found.conflict !== null && el("a", { class: "badge waits", href: to(mapping.name, "conflicts") }, `${t("conflicts")} #${found.conflict}`),
  ];
  const since = found.gap ? t(`since_${found.gap.reason}`, { at: moment(found.gap.until_ms) }) : t("since_first");
  return [form, el("div", { class: "row title" }, el("h3", { class: "row-key" }, keyWords(found.key)), state),
    !found.values && el("p", { class: "hint lock" }, t("values_hidden", { c: mapping.conn_id })),
    found.events.length ? el("ol", { class: "timeline" }, found.events.map(event)) : el("p", { class: "empty" }, t("no_history")),
    found.more && el("p", {}, t("older_events")), el("small", {}, since)];
}

function event(each) {
  const style = / in (Lark|SQL)$/.test(each.what) ? "applied" : each.what;
  const known = (value) => (value === null || value === undefined ? el("em", {}, "–") : value);
  const columns = [[t("column"), ""], [t("agreed"), "value"], [t("lark"), "value"], ["SQL", "value"], [t("written"), "value"]];
  const rows = each.columns.filter((column) => "base" in column).map((column) => [el("b", {}, column.name), ...["base", "lark", "sql", "after"].map((side) => known(column[side]))]);
  return el("li", { class: style },
    el("time", {}, moment(each.at_ms)), el("span", { class: `mark ${style}` }, runWord(each.what)), el("span", { class: "why" }, each.why),
    rows.length > 0 && table(columns, rows, ""), el("small", {}, each.run_id));
}
