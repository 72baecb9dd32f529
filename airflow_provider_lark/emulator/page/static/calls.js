// What happened: the calls of clients, the newest first, and the faults that are scripted.

import { chip, el } from "./dom.js";
import { numberAt } from "./place.js";
import { byPattern } from "./times.js";

const PAGE = 100;

/** Draws the journal into *main*. */
export function callsView(main, place) {
  const only = place.query.get("only") === "failed" ? "failed" : "all";
  const skip = numberAt(place, "skip") || 0;
  const frame = { head: el("header", { class: "view-head" }), list: el("div", { class: "scroll" }), sums: el("details", { class: "sums" }), pager: el("footer", { class: "pager" }) };
  let placed = false;
  return {
    asks: () => ({ calls: `view/calls?skip=${skip}&limit=${PAGE}&only=${only}`, counters: "counters" }),
    draw(name, result) {
      if (!placed) main.replaceChildren(frame.head, frame.sums, frame.list, frame.pager);
      placed = true;
      if (name === "counters") drawSums(frame.sums, result);
      else drawCalls(frame, result, only);
    },
  };
}

function drawCalls(frame, { total, skip, entries }, only) {
  const tab = (name, words) => el("a", { class: "tab", href: `#/calls?only=${name}`, "aria-current": name === only ? "page" : null }, words);
  frame.head.replaceChildren(el("h1", {}, "Calls"), el("p", {}, tab("all", "all"), tab("failed", "rejected, interrupted or hit by a scripted fault")));
  const rows = entries.map(callRow);
  const heads = ["time", "call", "status", "code", "records", "app", "fault"].map((each) => el("th", {}, each));
  const grid = el("table", { class: "log" }, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows));
  frame.list.replaceChildren(entries.length ? grid : el("p", { class: "empty" }, only === "all" ? "No calls yet." : "No call failed."));
  const to = (at, sign, words) => {
    const off = at < 0 || at >= total || at === skip;
    return off ? el("span", { class: "turn off" }, sign) : el("a", { class: "turn", href: `#/calls?only=${only}&skip=${at}`, title: words, "aria-label": words }, sign);
  };
  const where = total ? `${(skip + 1).toLocaleString("en")} to ${Math.min(skip + PAGE, total).toLocaleString("en")} of ${total.toLocaleString("en")}` : "none";
  frame.pager.replaceChildren(to(skip - PAGE, "‹", "Newer"), el("span", {}, where), to(skip + PAGE, "›", "Older"));
}

function callRow(call) {
  const failed = call.code !== 0 || call.status === 0 || call.status >= 400;
  const status = call.status === 0 ? "cut" : String(call.status);
  return el(
    "tr",
    { class: failed ? "failed" : null },
    el("td", { class: "digits", title: new Date(call.at_ms).toISOString() }, byPattern(call.at_ms, "HH:mm:ss"), `.${String(call.at_ms % 1000).padStart(3, "0")}`),
    el("td", { title: call.path }, el("b", { class: `verb ${call.method.toLowerCase()}` }, call.method), " ", call.template),
    el("td", { class: "digits" }, status),
    el("td", { class: "digits", title: call.log_id }, call.code ? chip(String(call.code), "red") : "0"),
    el("td", { class: "digits" }, call.n_records ? String(call.n_records) : ""),
    el("td", {}, call.app_id),
    el("td", {}, call.fault && chip(call.fault, "orange")),
  );
}

function drawSums(sums, counters) {
  const all = Object.entries(counters).sort(([, one], [, other]) => other - one);
  const total = all.reduce((sum, [, count]) => sum + count, 0);
  const rows = all.map(([name, count]) => el("tr", {}, el("td", { class: "digits" }, count.toLocaleString("en")), el("td", {}, name)));
  sums.replaceChildren(el("summary", {}, `${total.toLocaleString("en")} calls of ${all.length} kinds`), el("table", { class: "log" }, el("tbody", {}, rows)));
}

/** Draws the script of faults into *main*. */
export function faultsView(main) {
  return {
    asks: () => ({ faults: "faults" }),
    draw(_, faults) {
      const heads = ["matches", "action", "code", "struck", "what else"].map((each) => el("th", {}, each));
      const grid = el("table", { class: "log" }, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, faults.map(faultRow)));
      const none = el("p", { class: "empty" }, "No faults are scripted.");
      main.replaceChildren(el("header", { class: "view-head" }, el("h1", {}, "Faults"), el("p", {}, "scripted faults, and how often each occurred")), el("div", { class: "scroll" }, faults.length ? grid : none));
    },
  };
}

const SHOWN = new Set(["match", "action", "code", "status", "times", "hits", "fault_id"]);
const USUAL = { headers: "{}", field: '""', digits: "0", option: '""', count: "20", told: "false", reset_seconds: "1", delay_seconds: "0.0", skip: "0" };

function faultRow(fault) {
  const rest = Object.entries(fault).filter(([name, value]) => !SHOWN.has(name) && value !== null && JSON.stringify(value) !== USUAL[name] && value !== 0);
  const used = fault.times !== null && fault.hits >= fault.times;
  return el(
    "tr",
    { class: used ? "used" : null },
    el("td", {}, el("code", {}, fault.match || "(everything)")),
    el("td", {}, chip(fault.action, "orange")),
    el("td", { class: "digits" }, fault.code ?? fault.status ?? ""),
    el("td", { class: "digits" }, `${fault.hits} of ${fault.times ?? "∞"}`),
    el("td", {}, rest.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ")),
  );
}
