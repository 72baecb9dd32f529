// Where the page is: #/ is the overview, #/m/<mapping>/<tab>?<what> is a mapping. In Airflow's frame the address of the
// whole window has it too, so that a reload and a copied address lead back.

const START = "#/";

function outer() {
  try {
    // another origin throws
    return window.parent !== window && window.parent.location.href ? window.parent : null;
  } catch {
    return null;
  }
}

/** The place that the address names. */
export function here() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [kind, name, tab] = path.split("/").map(decode);
  const what = Object.fromEntries(new URLSearchParams(query || ""));
  return kind === "m" && name ? { mapping: name, tab: tab || "overview", what } : { mapping: null, tab: "", what };
}

function decode(text) {
  try {
    return decodeURIComponent(text || "");
  } catch {
    return "";
  }
}

/** The address of a place. */
export function to(mapping, tab, what) {
  if (!mapping) return START;
  const given = Object.entries(what || {}).filter(([, value]) => value);
  const query = new URLSearchParams(given).toString();
  return `#/m/${encodeURIComponent(mapping)}/${tab || "overview"}${query ? "?" + query : ""}`;
}

/** The task of which this is the tab; null elsewhere. */
export function task() {
  const given = new URLSearchParams(location.search);
  const [dag, run, id] = ["dag_id", "run_id", "task_id"].map((name) => given.get(name));
  return dag && run && id ? { dag, run, id, at: /^\d+$/.test(given.get("map_index")) ? given.get("map_index") : "-1" } : null;
}

/** Where Airflow lets people log in, and from where they come back here. */
export function login() {
  return `../api/v2/auth/login?next=${encodeURIComponent((outer() || window).location.href)}`;
}

/** Go to a place; *isSame*: without a step in the history of the browser. */
export function go(address, isSame) {
  if (isSame) {
    history.replaceState(null, "", location.pathname + location.search + address);
    publish();
  } else location.hash = address;
}

/** Take over the place that the address of the whole window names, as it does after a reload. */
export function takeOver() {
  const frame = outer();
  if (!location.hash && frame && frame.location.hash.startsWith(START)) go(frame.location.hash, true);
}

/** Call *draw* now and whenever the place changes. */
export function follow(draw) {
  window.addEventListener("hashchange", () => {
    publish();
    draw();
  });
  publish();
  draw();
}

function publish() {
  const frame = outer();
  if (!frame || frame.location.hash === (location.hash || START)) return;
  // with the whole address: Airflow's page has a base, against which a bare hash would be resolved
  const { pathname, search } = frame.location;
  frame.history.replaceState(frame.history.state, "", pathname + search + (location.hash || START));
}

/** Follow Airflow's choice of light or dark; by itself the page has the browser's. */
export function followTheme() {
  const frame = outer();
  if (!frame) return;
  const root = frame.document.documentElement;
  const take = () => {
    const theme = ["dark", "light"].find((each) => root.classList.contains(each) || root.dataset.theme === each);
    document.documentElement.style.colorScheme = theme || "";
  };
  take();
  new MutationObserver(take).observe(root, { attributes: true, attributeFilter: ["class", "data-theme"] });
}
