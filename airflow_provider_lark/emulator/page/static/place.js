// Where the reader is: what stands after # in the address.

/** #/chat/ID?end=100, #/table/APP/TABLE?offset=100, #/calls?only=failed, #/faults; any other text is a place as well. */
export function readPlace(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decoded);
  return { name, rest, query: new URLSearchParams(query || "") };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    // a % that begins nothing stands for itself
    return part;
  }
}

/** The whole number under *name* in the address; undefined where there is none. */
export function numberAt(place, name) {
  const given = place.query.get(name) || "";
  return /^\d{1,9}$/.test(given) ? Number(given) : undefined;
}
