// Shows times: relative ones that stay current, local ones, and clocks of other time zones.
const language = document.documentElement.lang || undefined;
// Formats are made when they are first needed: the first one of a page takes the browser as long as everything else here.
const once = (create) => {
  let format = null;
  return () => (format ??= create());
};
const relative = once(() => new Intl.RelativeTimeFormat(language, { numeric: "auto" }));
const full = once(() => new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" }));
const day = once(() => new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" }));
const date = once(() => new Intl.DateTimeFormat(language, { dateStyle: "medium" }));
const minutes = once(() => new Intl.NumberFormat(language, { style: "unit", unit: "minute", unitDisplay: "short" }));
const clock = once(() => new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }));
const weekday = once(() => new Intl.DateTimeFormat(language, { weekday: "short" }));
const dayAndMonth = once(() => new Intl.DateTimeFormat(language, { day: "numeric", month: "short" }));
const monthAndYear = once(() => new Intl.DateTimeFormat(language, { month: "short", year: "numeric" }));
const weekdayAndClock = once(() => new Intl.DateTimeFormat(language, { weekday: "short", hour: "numeric", minute: "2-digit" }));
// Styles of narrow columns, whose title has the whole time also without this script.
const SHORT = ["clock", "short", "next"];
// Milliseconds before its start in which something is marked as about to begin.
const SOON = 3600000;
const UNITS = [
  ["year", 31557600],
  ["month", 2629800],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export function ago(moment, now) {
  const seconds = (moment - now) / 1000;
  if (Math.abs(seconds) < 45) return relative().format(0, "second");
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || UNITS.at(-1);
  return relative().format(Math.round(seconds / size) || -1, unit);
}

// A stamp of a few letters, such as "8 min", "13:40", "Mon" or "20 Nov"; the title has the full date.
export function stamp(moment, now) {
  const seconds = (now - moment) / 1000;
  if (Math.abs(seconds) < 45) return relative().format(0, "second");
  if (seconds > 0 && seconds < 3570) return minutes().format(Math.max(1, Math.round(seconds / 60)));
  const days = Math.round((startOf(now) - startOf(moment)) / 86400000);
  if (days === 0) return clock().format(moment);
  if (days > 0 && days < 7) return weekday().format(moment);
  return (Math.abs(days) < 330 ? dayAndMonth : monthAndYear)().format(moment);
}

const startOf = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());

// A stamp below the name of its day: "now", "8 min" or "13:40".
function clockText(moment, now) {
  const seconds = (now - moment) / 1000;
  return seconds > -45 && seconds < 3570 ? stamp(moment, now) : clock().format(moment);
}

// What is to come, beside the tile of its day: "Thu 14:00", in its last hour "in 20 minutes", and "now" once it has begun.
// The row is marked in that hour.
function coming(element, moment, now) {
  const left = moment - now;
  element.closest("li")?.classList.toggle("is-soon", left < SOON);
  if (left >= SOON) return weekdayAndClock().format(moment);
  return left < 45000 ? relative().format(0, "second") : ago(moment, now);
}

// The tile of a day shows its number and its month.
function showTile(tile, moment) {
  for (const { type, value } of dayAndMonth().formatToParts(moment)) {
    if (type === "day") setText(tile.querySelector("b"), value);
    if (type === "month") setText(tile.querySelector("span"), value);
  }
}

// The name of a day: as a heading "Today" or "Thursday, November 19", within a sentence always the latter, since "today"
// does not fit behind the preposition or article that many languages need there.
function dayName(element, now) {
  // A date without time has no zone: read it as a day of the viewer's calendar.
  const [year, month, number] = element.dateTime.split("-").map(Number);
  const moment = new Date(year, month - 1, number);
  if (element.dataset.style === "full-day") return day().format(moment);
  const days = Math.round((moment - startOf(now)) / 86400000);
  const name = days >= -1 && days <= 0 ? relative().format(days, "day") : day().format(moment);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function show(element, now) {
  if (element.hasAttribute("data-clock")) {
    const zone = { timeZone: element.dataset.zone, hour: "2-digit", minute: "2-digit", weekday: "short" };
    setText(element, new Intl.DateTimeFormat(language, zone).format(now));
    return;
  }
  if (!element.dateTime) return;
  const style = element.dataset.style || "ago";
  if (style === "day" || style === "full-day") {
    setText(element, dayName(element, now));
    return;
  }
  // A day is no moment: the server named it as it is meant, such as in a calendar.
  if ((!element.dataset.style || style === "tile") && /^\d+-\d\d-\d\d$/.test(element.dateTime)) return;
  const moment = new Date(element.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  if (style === "tile") {
    showTile(element, moment);
    return;
  }
  if (style === "until") {
    // A time in the future: show the local time and how long until then.
    setText(element, `${full().format(moment)} (${ago(moment, now)})`);
    return;
  }
  if (!element.title || SHORT.includes(style)) element.title = full().format(moment);
  const texts = {
    date: () => date().format(moment),
    full: () => full().format(moment),
    short: () => stamp(moment, now),
    clock: () => clockText(moment, now),
    next: () => coming(element, moment, now),
  };
  setText(element, (texts[style] || (() => ago(moment, now)))());
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function showTimes(root) {
  const now = new Date();
  for (const element of root.querySelectorAll("time")) {
    try {
      show(element, now);
    } catch {
      // The browser does not know this time zone: keep the server's text.
    }
  }
}

export function startAges() {
  showTimes(document);
  window.setInterval(() => {
    if (!document.hidden) showTimes(document);
  }, 10000);
  document.addEventListener("visibilitychange", () => showTimes(document));
}
