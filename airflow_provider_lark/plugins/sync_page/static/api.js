// What the page asks of the api-server, always beside its own address, so that it works below any prefix.

const GIVE_UP_MS = 30000;

/** What went wrong: a kind that the page has words for, and what the server says. */
export class Refused extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

async function send(path, options) {
  let answer;
  try {
    answer = await fetch("api/" + path, { credentials: "same-origin", signal: AbortSignal.timeout(GIVE_UP_MS), ...options });
  } catch (error) {
    throw new Refused(error.name === "TimeoutError" ? "slow" : "unreachable", "");
  }
  let told = null;
  try {
    told = await answer.json();
  } catch {
    // a proxy's page, or no answer of ours
  }
  if (answer.ok && told) return told;
  throw new Refused((told && told.kind) || "broken", (told && told.message) || `HTTP ${answer.status}`);
}

/** Read something; what is null or undefined among *parameters* is left out. */
export function read(path, parameters) {
  const given = Object.entries(parameters || {}).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return send(query ? `${path}?${query}` : path);
}

/** Change something. */
export function change(path, body) {
  const headers = { "Content-Type": "application/json" };
  return send(path, { method: "POST", headers, body: JSON.stringify(body) });
}
