// Where the keyboard is, while what it is at is drawn anew.

/** Draw, and leave the keyboard at what stands now where it was; otherwise at the heading, so that it is read out. */
export function steady(draw) {
  const was = document.activeElement;
  const mark = markOf(was);
  const cursor = was.id === "search" ? was.selectionStart : null;
  draw();
  if (!mark || was.isConnected) return;
  const twin = [...document.querySelectorAll(was.tagName)].find((each) => markOf(each) === mark);
  const now = twin || document.querySelector("h1");
  if (!now) return;
  now.focus({ preventScroll: true });
  if (twin && cursor !== null) twin.setSelectionRange(cursor, cursor);
}

/** What an element is told by: its id, or where it stands and leads, or its words; null where nothing has the keyboard. */
function markOf(element) {
  if (!element || element === document.body) return null;
  if (element.id) return element.id;
  const place = element.closest("[data-id], nav, table");
  const where = place ? place.dataset.id || place.className : "";
  return `${where} ${element.getAttribute("href") || element.getAttribute("aria-label") || element.textContent}`;
}
