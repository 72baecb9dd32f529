// What charts share: colours of series, and the room that words take.

const NAMES = ["blue-500", "turquoise-400", "yellow-400", "violet-400", "wathet-400", "orange-400", "green-400", "indigo-400", "carmine-400", "lime-400"];

/** Colours of series, in their order. */
export const COLORS = NAMES.map((name) => `var(--${name})`);

const WIDE = /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uff60]/;

/** About how many pixels a text of 12 takes. */
export function widthOf(text) {
  return [...String(text)].reduce((sum, char) => sum + (WIDE.test(char) ? 12 : 6.7), 0);
}

/** As much of a text as fits into *width*. */
export function cut(text, width) {
  const chars = [...String(text).slice(0, 300)];
  if (widthOf(text) <= width) return String(text);
  while (chars.length > 1 && widthOf(chars.join("")) > width - 10) chars.pop();
  return `${chars.join("")}…`;
}

/** A number as an axis shows it: 12K, 1.5M. */
export function short(number) {
  const size = Math.abs(number);
  const [unit, sign] = size >= 1e9 ? [1e9, "B"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "K"] : [1, ""];
  return `${Number((number / unit).toPrecision(6))}${sign}`;
}

/** Ends and steps of an axis that holds *least* to *most*, in round numbers. */
export function ticks(least, most) {
  const low = Math.min(0, least);
  const high = Math.max(0, most);
  const rough = (high - low || 1) / 4;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * unit).find((each) => each >= rough);
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}
