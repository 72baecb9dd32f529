// What the reader chose: the language of cards, light or dark. Kept by the browser, for this address.

const LOCALES = { en_us: "EN", zh_cn: "中" };
const THEMES = { auto: "◐", light: "☀", dark: "☾" };

const chosen = {
  locale: read("locale", LOCALES) || (navigator.language.toLowerCase().startsWith("zh") ? "zh_cn" : "en_us"),
  theme: read("theme", THEMES) || "auto",
};

function read(name, known) {
  try {
    const kept = localStorage.getItem(`lark-emulator-${name}`);
    return kept in known ? kept : null;
  } catch {
    return null;
  }
}

function keep(name, value) {
  chosen[name] = value;
  try {
    localStorage.setItem(`lark-emulator-${name}`, value);
  } catch {
    // a browser that keeps nothing forgets it with the page
  }
}

function next(known, now) {
  const all = Object.keys(known);
  return all[(all.indexOf(now) + 1) % all.length];
}

/** The language in which texts of several are shown. */
export function locale() {
  return chosen.locale;
}

/** Put the switches into *place*; *redraw* is called after a change of language. */
export function addSwitches(place, el, redraw) {
  const theme = el("button", { class: "tool", on: { click: () => turn("theme", THEMES) } });
  const language = el("button", { class: "tool", on: { click: () => turn("locale", LOCALES) } });
  function turn(name, known) {
    keep(name, next(known, chosen[name]));
    show();
    if (name === "locale") redraw();
  }
  function show() {
    document.documentElement.dataset.theme = chosen.theme;
    theme.textContent = THEMES[chosen.theme];
    theme.title = `Colours: ${chosen.theme}`;
    theme.setAttribute("aria-label", theme.title);
    language.textContent = LOCALES[chosen.locale];
    language.title = "Language of cards with several languages";
    language.setAttribute("aria-label", language.title);
  }
  show();
  place.append(language, theme);
}
