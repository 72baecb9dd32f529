// Pictures that stand together or are chosen, and sounds. Nothing is played here.

import { el } from "./dom.js";
import { callsBack } from "./card_press.js";
import { background, color } from "./colors.js";
import { contentOf } from "./card_text.js";
import { lengthOf } from "./times.js";

/** How many pictures each way of putting them together shows, in which columns. */
const COMBINED = { double: [2, 2], triple: [3, 3], bisect: [6, 2], trisect: [9, 3] };

function combination(given, ctx) {
  const mode = Object.hasOwn(COMBINED, given.combination_mode) ? given.combination_mode : "trisect";
  const [most, columns] = COMBINED[mode];
  const keys = (given.img_list || []).slice(0, most).map((each) => each.img_key);
  const style = { "--columns": columns, "--round": /^\d{1,3}(px|%)$/.test(given.corner_radius || "") ? given.corner_radius : null };
  const classes = `pictures ${mode} ${given.combination_transparent ? "see-through" : ""}`;
  return el("div", { class: classes, style }, keys.map((key) => ctx.image(key, "")));
}

const ROWS = { stretch: 1, bisect: 2, trisect: 3 };

function selectImage(given, ctx) {
  const shape = given.multi_select ? "square" : "round";
  const options = (given.options || []).map((each) => {
    const off = given.disabled || each.disabled;
    const tips = (given.disabled && given.disabled_tips) || (each.disabled && each.disabled_tips) || each.hover_tips;
    const title = [tips && contentOf(tips, ctx), each.value && `sends back ${JSON.stringify(each.value)}`].filter(Boolean).join("\n");
    // only in a form a choice waits for the button that sends it
    const mark = ctx.form && el("span", { class: `choice ${shape}`, "aria-hidden": "true" });
    const node = el("div", { class: off ? "choosable disabled" : "choosable", title: title || null, "data-value": each.value }, ctx.image(each.img_key, ""), mark);
    if (ctx.live && !off) node.addEventListener("click", () => choose(node, each.value));
    return node;
  });
  const { form } = ctx;
  const chosen = () => options.filter((each) => each.classList.contains("chosen")).map((each) => each.dataset.value);
  const clear = () => { for (const each of options) each.classList.remove("chosen"); };
  function choose(node, value) {
    if (!form) {
      if (callsBack(given)) ctx.live.press(given, { option: value }, node);
      return;
    }
    const was = node.classList.contains("chosen");
    if (!given.multi_select) clear();
    node.classList.toggle("chosen", !was);
  }
  if (form && ctx.live && given.name) form.fields.push({ name: given.name, read: () => (given.multi_select ? chosen() : chosen()[0] || ""), reset: clear });
  const style = { "--columns": ROWS[given.layout] || 2, "--ratio": { "1:1": "1", "4:3": "4 / 3" }[given.aspect_ratio] || "16 / 9" };
  return el("div", { class: "pictures choices", style, title: given.name || null }, options);
}

const SIGNS = { normal: "▶", flat: "▶", speak: "🔊︎" };

function audio(given, ctx) {
  const style = Object.hasOwn(SIGNS, given.style) ? given.style : "normal";
  const file = ctx.file(given.file_key);
  const total = lengthOf(file.duration_ms);
  const node = el("div", { class: `audio ${style}`, title: titleOf(given, file, ctx) || null }, el("span", { class: "play" }, SIGNS[style]), track(given, total));
  const border = given.border || {};
  const own = {
    "--fill": color(given.fill_color, ctx),
    background: background(given.background_style, ctx),
    padding: /^[\d px-]+$/.test(given.padding || "") ? given.padding : null,
    width: given.width === "fill" ? "100%" : /^\d{3,4}px$/.test(given.width || "") ? given.width : null,
    border: given.border ? `1px solid ${color(border.color, ctx) || "transparent"}` : null,
    "border-radius": /^\d{1,2}px$/.test(border.corner_radius || "") ? border.corner_radius : null,
  };
  for (const [name, value] of Object.entries(own)) if (value) node.style.setProperty(name, value);
  if (given.disabled) node.classList.add("disabled");
  return node;
}

/** The progress bar, and the time at the side where the card wants it. */
function track(given, total) {
  const bar = given.show_progress_bar !== false && el("span", { class: "bar" });
  if (given.show_time === false) return [bar];
  const time = (words) => el("span", { class: "time" }, words);
  if (given.time_position === "both_sides") return [time("00:00"), bar, time(total)];
  const one = time(given.time_display === "both" ? `00:00 / ${total}` : total);
  return given.time_position === "start" ? [one, bar] : [bar, one];
}

function titleOf(given, file, ctx) {
  return given.disabled && given.disabled_tips ? contentOf(given.disabled_tips, ctx) : file.name || given.file_key;
}

/** Elements by their tags. */
export const media = { img_combination: combination, select_img: selectImage, audio };
