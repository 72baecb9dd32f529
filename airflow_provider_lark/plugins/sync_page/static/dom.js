// Elements are made here and nowhere else. What others wrote becomes text nodes, and never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element; what is null, undefined, false or "" among properties and children is left out. */
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
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter(isShown).map((each) => (each instanceof Node ? each : String(each))));
  return node;
}

function isShown(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}

/** A button. */
export function button(text, run, props) {
  return el("button", { type: "button", ...props, on: { click: run } }, text);
}

/** A question before something is changed: the answer of the person, true or false. Titles and texts are plain text. */
export function ask(title, lines, yes, no, isDangerous) {
  return new Promise((answer) => {
    const dialog = el("dialog", { "aria-label": title },
      el("h2", {}, title),
      lines.map((line) => el("p", {}, line)),
      el("div", { class: "row end" },
        button(no, () => dialog.close("no"), { class: "plain" }),
        button(yes, () => dialog.close("yes"), { class: isDangerous ? "danger" : "primary", "data-yes": true })));
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
