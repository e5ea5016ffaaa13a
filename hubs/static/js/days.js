// Lists lines below the days of the viewer's time zone; the server, which sends the same list to everybody, uses UTC.
function dayOf(line) {
  const at = new Date(line.dataset.at);
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

// Moves the lines (newest first) to the lists of their days.
export function arrangeDays(list) {
  const lines = [...list.querySelectorAll("ol.acts > .act")];
  const headings = [...list.querySelectorAll(":scope > .day")];
  if (!lines.length || !headings.length) return;
  const days = new Map();
  for (const line of lines) {
    const day = dayOf(line);
    days.set(day, [...(days.get(day) || []), line]);
  }
  if (isArranged(headings, days)) return;
  const old = [...list.querySelectorAll(":scope > ol.acts")];
  const parts = [...days].flatMap(([day, entries]) => section(headings[0], old[0], day, entries));
  headings[0].before(...parts);
  for (const element of [...headings, ...old]) element.remove();
}

function isArranged(headings, days) {
  const shown = headings.map((heading) => [
    heading.querySelector("time").dateTime,
    heading.nextElementSibling?.querySelectorAll(":scope > .act").length,
  ]);
  return JSON.stringify(shown) === JSON.stringify([...days].map(([day, entries]) => [day, entries.length]));
}

function section(heading, list, day, lines) {
  const title = heading.cloneNode(true);
  const time = title.querySelector("time");
  time.dateTime = day;
  time.textContent = day;
  const entries = list.cloneNode(false);
  entries.append(...lines);
  return [title, entries];
}
