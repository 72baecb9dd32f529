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

/** What a task has returned, by Airflow's own API and rights; null where it has not, or nobody may see it. */
export async function returned(task) {
  const [dag, run, id] = [task.dag, task.run, task.id].map(encodeURIComponent);
  const path = `../api/v2/dags/${dag}/dagRuns/${run}/taskInstances/${id}/xcomEntries/return_value?map_index=${task.at}&deserialize=false&stringify=false`;
  try {
    const answer = await fetch(path, { credentials: "same-origin", signal: AbortSignal.timeout(GIVE_UP_MS) });
    return answer.ok ? (await answer.json()).value : null;
  } catch {
    return null;
  }
}

/** Change something. */
export function change(path, body) {
  const headers = { "Content-Type": "application/json" };
  return send(path, { method: "POST", headers, body: JSON.stringify(body) });
}
