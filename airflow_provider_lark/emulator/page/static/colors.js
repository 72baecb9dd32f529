// Names of colours, as cards give them, for styles.

const NAMED = /^(?:blue|carmine|green|indigo|lime|grey|orange|purple|red|sunflower|turquoise|violet|wathet|yellow)(-\d{2,4})?$/;
const RGBA = /^rgba?\([\d\s.,%]+\)$/;

/** The colour of a text or border; undefined for the default, and for what is no colour. */
export function color(name, ctx) {
  const own = ctx && ctx.colors && Object.hasOwn(ctx.colors, name) ? ctx.colors[name] : null;
  if (own && RGBA.test(own.light_mode || "") && RGBA.test(own.dark_mode || "")) {
    return `light-dark(${own.light_mode}, ${own.dark_mode})`;
  }
  const text = String(name || "");
  if (RGBA.test(text)) return text;
  if (text === "white" || text === "bg-white") return `var(--${text})`;
  const match = NAMED.exec(text);
  return match ? `var(--${text}${match[1] ? "" : "-600"})` : undefined;
}

/** The colour of a background: grey alone is the light one there. */
export function background(name, ctx) {
  if (name === "grey" && !(ctx.colors && Object.hasOwn(ctx.colors, "grey"))) return "var(--grey-100)";
  return color(name, ctx);
}
