"""Moments become local in the browser, and those to come count down, without asking the server."""

import re

from tests.browser.conftest import Open

SHOW = """async () => {
  const moment = new Date(Date.now() + 50 * 3600 * 1000);
  moment.setUTCHours(20, 30, 0, 0);
  const element = document.createElement("time");
  element.dateTime = moment.toISOString();
  element.dataset.style = "until";
  document.body.append(element);
  const { showTimes } = await import("/static/js/ages.js");
  showTimes(document);
  return element.textContent;
}"""


def test_a_meeting_is_shown_in_the_readers_time_zone_and_counts_down(open_page: Open) -> None:
    text = open_page("/", timezone_id="Asia/Kolkata", locale="en-GB").evaluate(SHOW)
    assert "02:00" in text or "2:00" in text
    assert "in 2 days" in text or "in 3 days" in text


DAYS = """async () => {
  const { showTimes } = await import("/static/js/ages.js");
  const now = new Date();
  const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0"));
  document.body.innerHTML = ["day", "full-day"].map((style) => `<time data-style="${style}"></time>`).join("");
  const texts = [];
  for (const day of [today.join("-"), "2026-01-18"]) {
    for (const element of document.querySelectorAll("time")) element.dateTime = day;
    showTimes(document);
    texts.push(...[...document.querySelectorAll("time")].map((element) => element.textContent));
  }
  return texts;
}"""


def test_a_day_is_a_heading_or_part_of_a_sentence(open_page: Open) -> None:
    heading, within, *past = open_page("/", locale="es").evaluate(DAYS)
    assert heading == "Hoy"
    assert within == within.lower() != "hoy"
    assert past == ["Domingo, 18 de enero", "domingo, 18 de enero"]


def test_a_day_keeps_the_text_of_the_server(open_page: Open) -> None:
    show = SHOW.replace("moment.toISOString()", '"2026-11-23"').replace("dataset.style", "textContent")
    assert open_page("/").evaluate(show) == "until"


TILES = """async (hours) => {
  const { showTimes } = await import("/static/js/ages.js");
  const moment = new Date(Date.now() + hours * 3600000).toISOString();
  document.body.innerHTML = `<ul><li>
    <time class="tile" data-style="tile" datetime="${moment}"><b></b> <span></span></time>
    <time data-style="next" datetime="${moment}"></time></li></ul>`;
  showTimes(document);
  const [tile, time] = document.querySelectorAll("time");
  const local = new Date(moment);
  return [tile.textContent === `${local.getDate()} ${local.toLocaleString("en", { month: "short" })}`,
    time.textContent, time.title !== "", document.querySelector("li").className];
}"""


def test_a_meeting_has_the_tile_of_its_local_day_and_is_marked_before_it_begins(open_page: Open) -> None:
    page = open_page("/", timezone_id="Pacific/Kiritimati", locale="en")
    assert page.evaluate(TILES, 0.51) == [True, "in 31 minutes", True, "is-soon"]
    assert page.evaluate(TILES, -0.5) == [True, "now", True, "is-soon"]
    is_local, text, has_title, mark = page.evaluate(TILES, 50)
    assert (is_local, has_title, mark) == (True, True, "")
    assert re.fullmatch(r"\w{3},? \d{1,2}:\d\d( [AP]M)?", text), text
