// Times as people read them.

const parts = new Map();

function formatter(zone) {
  if (!parts.has(zone)) parts.set(zone, new Intl.DateTimeFormat("en-GB", { timeZone: zone || undefined, ...DIGITS }));
  return parts.get(zone);
}

const DIGITS = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

function fields(ms, zone) {
  const date = new Date(Number(ms));
  if (Number.isNaN(date.getTime())) return null;
  const found = {};
  for (const { type, value } of formatter(zone).formatToParts(date)) found[type] = value;
  found.year = found.year.padStart(4, "0");
  return found;
}

/** A moment by a pattern of YYYY MM DD HH mm ss, in *zone* or the reader's own. */
export function byPattern(ms, pattern, zone) {
  const found = fields(ms, zone);
  if (!found) return String(ms);
  const { year, month, day, hour, minute, second } = found;
  const values = { YYYY: year, yyyy: year, MM: month, DD: day, dd: day, HH: hour, mm: minute, ss: second };
  return pattern.replace(/YYYY|yyyy|MM|DD|dd|HH|mm|ss/g, (name) => values[name]);
}

/** The time of day, with the day before it where that is another one than today. */
export function shortly(ms) {
  const today = byPattern(Date.now(), "YYYY-MM-DD");
  return byPattern(ms, byPattern(ms, "YYYY-MM-DD") === today ? "HH:mm" : "YYYY-MM-DD HH:mm");
}

/** The time of day if it is of today, else the day: what the list of chats has room for. */
export function atAGlance(ms) {
  const [now, then] = [Date.now(), ms].map((each) => byPattern(each, "YYYY-MM-DD"));
  if (now === then) return byPattern(ms, "HH:mm");
  return now.slice(0, 4) === then.slice(0, 4) ? then.slice(5) : then;
}

/** A length of time: 01:05, or dashes where it is not known. */
export function lengthOf(ms) {
  if (!Number.isFinite(ms)) return "--:--";
  const seconds = Math.round(ms / 1000);
  return [Math.floor(seconds / 60), seconds % 60].map((each) => String(each).padStart(2, "0")).join(":");
}

/** A moment as RFC 3339 writes it, in the reader's zone: what a date without a format is shown as. */
export function rfc3339(ms) {
  const shown = byPattern(ms, "YYYY-MM-DDTHH:mm:ss");
  const east = timeZone(ms).replace("GMT", "").replace(/^([+-])(\d):/, "$10$2:");
  return shown === String(ms) ? shown : shown + east;
}

/** A moment as <local_datetime> of a card's Markdown shows it (Lark, "Rich text (Markdown)"). */
export function localDatetime(ms, format, locale) {
  const language = locale === "zh_cn" ? "zh-CN" : "en-US";
  const named = (options) => new Intl.DateTimeFormat(language, options).format(new Date(Number(ms)));
  switch (format) {
    case "date_short":
      return named({ month: "short", day: "numeric" });
    case "date":
      return named({ year: "numeric", month: "short", day: "numeric" });
    case "week":
      return named({ weekday: "long" });
    case "week_short":
      return named({ weekday: "short" });
    case "time":
      return byPattern(ms, "HH:mm");
    case "time_sec":
      return byPattern(ms, "HH:mm:ss");
    case "timezone":
      return timeZone(ms);
    default:
      return byPattern(ms, "YYYY-MM-DD");
  }
}

function timeZone(ms) {
  const east = -new Date(Number(ms)).getTimezoneOffset();
  const minutes = String(Math.abs(east) % 60).padStart(2, "0");
  return `GMT${east < 0 ? "-" : "+"}${Math.floor(Math.abs(east) / 60)}:${minutes}`;
}
