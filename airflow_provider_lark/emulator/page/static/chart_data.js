// The numbers of a VChart spec, as series over categories.

const KINDS = { line: "line", area: "line", bar: "bar", pie: "pie" };

/** What is to be drawn; null for a kind that is not. */
export function readSpec(spec) {
  const shown = { title: titleOf(spec), horizontal: spec.direction === "horizontal", inner: 0 };
  if (spec.type === "pie") {
    const points = valuesOf(spec, 0).map((each) => ({ x: each[spec.categoryField], y: Number(each[spec.valueField]) }));
    return { ...shown, kind: "pie", inner: ratio(spec), series: [{ name: "", points: numbersOf(points) }] };
  }
  const parts = spec.type === "common" ? spec.series || [] : [spec];
  if (!parts.length || parts.some((each) => !(each.type in KINDS) || each.type === "pie")) return null;
  const series = parts.flatMap((each, at) => seriesOf(each, valuesOf(spec, each.dataIndex ?? each.dataId ?? at), shown.horizontal));
  const categories = [...new Set(series.flatMap((each) => each.points.map((point) => String(point.x))))];
  return { ...shown, kind: parts.map((each) => each.type).join(" and "), series, categories };
}

/** What stands above a chart. */
export function titleOf(spec) {
  const title = (spec.title && (spec.title.text || spec.title)) || "";
  return typeof title === "string" ? title : "";
}

function ratio(spec) {
  const inner = Number(spec.innerRadius) || 0;
  return inner > 0 ? Math.min(inner / (Number(spec.outerRadius) || 1), 0.95) : 0;
}

/** The values of a spec's data, of several the one by id or number. */
export function valuesOf(spec, which) {
  const all = [spec.data].flat().filter(Boolean);
  const found = all.find((each) => each.id !== undefined && each.id === which) || all[which] || all[0];
  return ((found && found.values) || []).filter((each) => each && typeof each === "object");
}

function numbersOf(points) {
  return points.filter((point) => Number.isFinite(point.y) && point.x !== undefined);
}

function seriesOf(part, values, horizontal) {
  const [across, along] = horizontal ? [part.yField, part.xField] : [part.xField, part.yField];
  const fields = [across].flat();
  const stacked = part.type !== "line" && part.seriesField && !fields.includes(part.seriesField) && part.stack !== false;
  const named = new Map();
  for (const value of values) {
    const name = part.seriesField ? String(value[part.seriesField]) : "";
    if (!named.has(name)) named.set(name, []);
    named.get(name).push({ x: value[fields[0]], y: Number(value[[along].flat()[0]]) });
  }
  return [...named].map(([name, points]) => ({
    name, draws: KINDS[part.type], filled: part.type === "area", stacked: Boolean(stacked), points: numbersOf(points),
  }));
}
