// Markdown of cards: the blocks. Inside them, and in texts that know no blocks, see inline.js.

import { el } from "./dom.js";
import { inline } from "./inline.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const RULE = /^\s*(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,}|<hr\s*\/?>)\s*$/i;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const DELIMITER = /^ {0,3}\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?\s*\|?\s*$/;
const PAGE_ROWS = 5;
// quotes and lists in each other; what stands deeper is a paragraph
const DEEPEST = 10;

/** The nodes of a text in Markdown. */
export function markdown(source, ctx) {
  return blocks(String(source).replace(/\r\n?/g, "\n").split("\n"), ctx);
}

function blocks(lines, ctx, depth = 0) {
  const made = [];
  let at = 0;
  while (at < lines.length) {
    const [node, next] = block(lines, at, ctx, depth);
    if (node) made.push(node);
    at = next;
  }
  return made;
}

function block(lines, at, ctx, depth) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  const fence = FENCE.exec(line);
  if (fence) return code(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) return [el(`h${heading[1].length}`, { class: "md-heading" }, inline(heading[2].trimEnd().replace(/\s#+$/, ""), ctx)), at + 1];
  if (RULE.test(line)) return [el("hr"), at + 1];
  if (depth < DEEPEST && QUOTE.test(line)) return quote(lines, at, ctx, depth);
  if (depth < DEEPEST && ITEM.test(line)) return list(lines, at, ctx, depth);
  if (line.includes("|") && DELIMITER.test(lines[at + 1] || "")) return table(lines, at, ctx);
  return paragraph(lines, at, ctx);
}

function code(lines, at, [, fence, language]) {
  const closing = new RegExp(`^ {0,3}${fence[0] === "~" ? "~" : "`"}{${fence.length},}\\s*$`);
  let end = at + 1;
  while (end < lines.length && !closing.test(lines[end])) end += 1;
  return [codeBlock(lines.slice(at + 1, end).join("\n"), language), end + 1];
}

/** A text as code, with its language named. */
export function codeBlock(text, language) {
  const known = (language || "plain_text").replace(/_/g, " ");
  const name = /^(sql|json|yaml|html|css|xml|http)$/i.test(known) ? known.toUpperCase() : known;
  return el("figure", { class: "code" }, el("figcaption", {}, name), el("pre", {}, el("code", {}, text)));
}

function quote(lines, at, ctx, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [el("blockquote", {}, blocks(inner, ctx, depth + 1)), end];
}

function list(lines, at, ctx, depth) {
  const [, indent, marker] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(marker);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const found = ITEM.exec(lines[end]);
    if (!found || found[1].length !== indent.length || /\d/.test(found[2]) !== ordered) break;
    const inner = [found[3]];
    end += 1;
    while (end < lines.length && lines[end].trim() && belongs(lines[end], indent.length)) inner.push(lines[end++]);
    items.push(el("li", {}, blocks(dedent(inner), ctx, depth + 1)));
    // a blank line between two items does not end the list
    if (end + 1 < lines.length && !lines[end].trim() && ITEM.test(lines[end + 1])) end += 1;
  }
  return [el(ordered ? "ol" : "ul", ordered ? { start: parseInt(marker, 10) } : {}, items), end];
}

function belongs(line, indent) {
  return /^\s*/.exec(line)[0].length > indent;
}

function dedent([first, ...rest]) {
  const indents = rest.map((line) => /^\s*/.exec(line)[0].length);
  const least = Math.min(...indents);
  return [first, ...rest.map((line) => line.slice(least))];
}

function table(lines, at, ctx) {
  const aligns = cells(lines[at + 1]).map(alignment);
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end += 1;
  const row = (line, tag) =>
    el("tr", {}, cells(line).map((text, n) => el(tag, { class: aligns[n] || "left" }, inline(text, ctx))));
  const rows = lines.slice(at + 2, end).map((line) => row(line, "td"));
  const body = el("tbody", {}, rows);
  const more = rows.length > PAGE_ROWS && `${rows.length} rows; Lark shows ${PAGE_ROWS} at once`;
  const grid = el("table", { class: "md-table" }, el("thead", {}, row(lines[at], "th")), body);
  return [el("div", { class: "table-scroll" }, grid, more && el("div", { class: "hint" }, more)), end];
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((text) => text.trim().replace(/\\\|/g, "|"));
}

function alignment(rule) {
  if (rule.endsWith(":")) return rule.startsWith(":") ? "center" : "right";
  return "left";
}

function paragraph(lines, at, ctx) {
  let end = at + 1;
  while (end < lines.length && !starts(lines, end)) end += 1;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n");
  return [el("p", {}, inline(text, ctx)), end];
}

function starts(lines, at) {
  const line = lines[at];
  const known = [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line));
  return !line.trim() || known || (line.includes("|") && DELIMITER.test(lines[at + 1] || ""));
}
