// The approval centre: what waits for whom under 待办, with the buttons that tell the system that asked; and what was decided.

import { avatar, chip, el, link } from "./dom.js";
import { locale } from "./settings.js";
import { shortly } from "./times.js";

const STATUSES = {
  PENDING: ["Waiting", "审批中", "orange"],
  APPROVED: ["Approved", "已同意", "green"],
  REJECTED: ["Rejected", "已拒绝", "red"],
  CANCELED: ["Withdrawn", "已撤回", "neutral"],
  TERMINATED: ["Ended", "已终止", "neutral"],
  DONE: ["Not needed any more", "无需处理", "neutral"],
  TRANSFERRED: ["Transferred", "已转交", "blue"],
};
const ACTIONS = { APPROVE: ["Approve", "同意"], REJECT: ["Reject", "拒绝"] };
const WORDS = {
  todo: ["To do", "待办"],
  done: ["Done", "已办"],
  none: ["Nothing waits.", "没有待办。"],
  from: ["asked by", "发起人"],
  reason: ["Reason", "审批意见"],
  needed: ["Reason (required)", "审批意见（必填）"],
  told: ["Sent to the system that asked; waiting for its update.", "已通知业务系统，等待其更新。"],
};

/** A text of several languages in the reader's, else in the default one. */
function said(text) {
  const wanted = locale() === "zh_cn" ? "zh-CN" : "en-US";
  return (text || {})[wanted] || Object.values(text || {})[0] || "";
}

const own = (pair) => pair[locale() === "zh_cn" ? 1 : 0];
const status = (name) => chip(own(STATUSES[name] || [name, name, "neutral"]), (STATUSES[name] || [])[2] || "neutral");

/** Draws the centre into *main*. */
export function approvalsView(main, place, refresh) {
  const reasons = new Map();
  let shown = [];
  function draw() {
    const todo = shown.filter((each) => each.tasks.some((task) => task.waits));
    const done = shown.filter((each) => !todo.includes(each));
    const head = el("header", { class: "view-head" }, el("h1", {}, locale() === "zh_cn" ? "审批" : "Approval centre 审批"), el("p", {}, `${own(WORDS.todo)} ${todo.length} · ${own(WORDS.done)} ${done.length}`));
    const list = (name, items) => [el("h2", {}, own(WORDS[name])), ...items.map((each) => approval(each, reasons, refresh))];
    const body = el("div", { class: "approvals" }, todo.length ? list("todo", todo) : el("p", { class: "hint" }, own(WORDS.none)), done.length ? list("done", done) : null);
    main.replaceChildren(head, el("div", { class: "scroll" }, body));
  }
  return {
    asks: () => ({ approvals: "view/approvals" }),
    draw(_, result) {
      shown = result;
      const typing = document.activeElement;
      const at = typing && typing.dataset && typing.dataset.task;
      draw();
      if (at) for (const each of main.querySelectorAll("input[data-task]")) if (each.dataset.task === at) each.focus();
    },
    forget: draw,
  };
}

function approval(given, reasons, refresh) {
  const asker = said(given.asker);
  const facts = given.form.map((each) => el("div", { class: "approval-fact" }, el("span", {}, said(each.name)), el("b", {}, said(each.value))));
  return el(
    "section",
    { class: "approval" },
    el("header", {}, el("b", {}, link(given.link, {}, said(given.title))), status(given.status)),
    el("p", { class: "hint" }, `${said(given.kind)} · ${own(WORDS.from)} ${asker} · ${shortly(given.at_ms)}`),
    facts,
    given.tasks.map((each) => task(given, each, reasons, refresh)),
  );
}

function task(given, each, reasons, refresh) {
  const buttons = each.waits && given.has_callback ? each.actions : [];
  const asks = buttons.some((one) => one.asks_reason);
  const key = `${given.instance_id} ${each.task_id}`;
  const input = asks && el("input", { "data-task": key, value: reasons.get(key) || "", placeholder: own(WORDS.reason), "aria-label": `${own(WORDS.reason)}: ${each.person}`, on: { input: (event) => reasons.set(key, event.target.value) } });
  return el(
    "div",
    { class: "approval-task" },
    avatar(each.person, "medium"),
    el("span", { class: "approval-person" }, each.person),
    status(each.status),
    input,
    buttons.map((one) => button(given, each, one, key, reasons, refresh)),
    el("span", { class: "approval-told", role: "status" }, outcome(each)),
  );
}

function outcome(each) {
  if (!each.pressed || !each.waits) return "";
  return each.pressed.shown || own(WORDS.told);
}

function button(given, each, one, key, reasons, refresh) {
  const name = ACTIONS[one.type] ? own(ACTIONS[one.type]) : said(one.name) || one.type;
  const look = one.type === "APPROVE" ? "primary_filled" : "danger";
  async function press(event) {
    const pressed = event.target;
    const told = pressed.parentNode.querySelector(".approval-told");
    const reason = reasons.get(key) || "";
    if (one.needs_reason && !reason.trim()) {
      told.textContent = own(WORDS.needed);
      pressed.parentNode.querySelector("input").focus();
      return;
    }
    pressed.disabled = true;
    told.textContent = "…";
    told.textContent = await send({ instance_id: given.instance_id, task_id: each.task_id, action_type: one.type, reason });
    pressed.disabled = false;
    refresh();
  }
  return el("button", { class: `button ${look} medium`, on: { click: press } }, name);
}

async function send(given) {
  try {
    const answer = await fetch("approvals/press", { method: "POST", body: JSON.stringify(given), headers: { "Content-Type": "application/json" } });
    const told = await answer.json();
    return answer.ok ? told.result.shown || own(WORDS.told) : told.error;
  } catch {
    return "the emulator does not answer";
  }
}
