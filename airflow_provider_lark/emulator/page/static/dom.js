// Elements are made here and nowhere else. What others wrote becomes text nodes, and never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element; what is null, undefined or false among properties and children is left out. */
export function el(name, props, ...children) {
  return fill(document.createElement(name), props, children);
}

/** An element of a drawing. */
export function svg(name, props, ...children) {
  return fill(document.createElementNS(SVG, name), props, children);
}

function fill(node, props, children) {
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
    else if (key === "style") setStyle(node, value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter(isShown).map(asNode));
  return node;
}

function isShown(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}

function asNode(child) {
  return child instanceof Node ? child : String(child);
}

function setStyle(node, style) {
  for (const [name, value] of Object.entries(style)) {
    if (value !== null && value !== undefined) node.style.setProperty(name, value);
  }
}

/** The address, if it is one that may be opened; undefined otherwise. */
export function webUrl(url) {
  return /^https?:\/\/[^\s]+$/i.test(String(url || "").trim()) ? String(url).trim() : undefined;
}

/** A link that opens beside the page; plain text where the address is no web address. */
export function link(url, props, ...children) {
  const target = webUrl(url);
  if (!target) return el("span", { title: url ? "opens nothing: " + url : null, ...props }, ...children);
  return el("a", { href: target, target: "_blank", rel: "noopener noreferrer", title: target, ...props }, ...children);
}

/** Let *parent* hold just *nodes*; those that it holds already stay untouched, with their scroll and what is unfolded. */
export function sync(parent, nodes) {
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// what a reader takes for one letter: a flag or a family is several characters
const letter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** A circle with the first letter of a name, in a colour of its own. */
export function avatar(name, size = "") {
  const letters = Array.from(letter.segment(String(name || "?").trim().slice(0, 40)), (each) => each.segment);
  const hues = ["blue", "turquoise", "violet", "orange", "indigo", "green", "wathet", "carmine", "purple"];
  const sum = letters.reduce((total, letter) => total + letter.codePointAt(0), 0);
  const hue = hues[sum % hues.length];
  const style = { background: `var(--${hue}-100)`, color: `var(--${hue}-700)` };
  return el("span", { class: `avatar ${size}`, style, "aria-hidden": "true" }, (letters[0] || "?").toUpperCase());
}

/** A person: picture and name. */
export function person(name, { showAvatar = true, showName = true, size = "small" } = {}) {
  return el("span", { class: "person", title: name }, showAvatar && avatar(name, size), showName && el("span", {}, name));
}

/** A coloured word. */
export function chip(text, hue = "blue", props = {}) {
  const known = hue === "neutral" ? "grey" : hue;
  const [back, front] = known === "grey" ? ["grey-200", "grey-650"] : [`${known}-100`, `${known}-600`];
  const style = { background: `var(--${back}, var(--blue-100))`, color: `var(--${front}, var(--blue-600))` };
  return el("span", { class: "chip", style, ...props }, text);
}

/** What *make* makes; a hint in its place where what others sent has a shape that nobody foresaw. */
export function guarded(what, make) {
  try {
    return make();
  } catch (error) {
    return el("span", { class: "hint", title: String(error) }, `(${what}: cannot be drawn)`);
  }
}
