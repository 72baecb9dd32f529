// Numbers and moments as a field's format shows them: Lark keeps 0.5, and shows 50%.

import { byPattern } from "./times.js";

const SIGNS = { CNY: "¥", USD: "$", EUR: "€", GBP: "£", JPY: "¥", KRW: "₩", INR: "₹", RUB: "₽", THB: "฿", TRY: "₺", VND: "₫", PHP: "₱", BRL: "R$", HKD: "HK$", TWD: "NT$", AUD: "A$", CAD: "CA$", SGD: "S$" };
const FORMAT = /^([¥$]?)(0|1,000)?(?:\.(0{1,4}))?(%?)$/;

const made = new Map();

/** One for each kind of options: making one takes longer than a hundred uses. */
function numberFormat(options) {
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl.NumberFormat("en", options));
  return made.get(key);
}

/** A number by a format such as 0.00, 1,000, 0% or $0.00; as it is, where the format is none of these. */
export function numberText(value, formatter, currency) {
  const found = FORMAT.exec(formatter || "");
  if (typeof value !== "number" || !formatter || !found) return String(value);
  const [, sign, whole, decimals, percent] = found;
  const digits = (decimals || "").length;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: whole === "1,000" || currency !== undefined };
  const shown = numberFormat(options).format(percent ? value * 100 : value);
  const unit = currency === undefined ? sign : SIGNS[currency] || `${currency} `;
  return shown.startsWith("-") ? `-${unit}${shown.slice(1)}${percent}` : `${unit}${shown}${percent}`;
}

/** Whether *shown* leaves out digits of the number. */
export function isRounded(value, shown) {
  const read = Number(shown.replace(/[^\d.-]/g, "")) / (shown.endsWith("%") ? 100 : 1);
  return Math.abs(read - value) > Math.abs(value) * 1e-12;
}

/** A moment by a field's format such as yyyy/MM/dd HH:mm, in the zone of its base. */
export function momentText(ms, formatter, zone) {
  return byPattern(ms, formatter || "yyyy/MM/dd HH:mm", zone);
}
