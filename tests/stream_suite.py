"""Tests of the event log, run against the embedded Redis and a real one."""

import json
import random

import pytest

from hubs.events import log
from hubs.events.log import MOST_LOGGED, MOST_REPLAYED, EventLog
from hubs.events.message import ReplayUnavailable

#: Events that the log of the fixture ``stream`` keeps.
LENGTH = 5


def missed(stream: EventLog, channels: list[str], cursor: str) -> list[int]:
    return [json.loads(event.data)["n"] for event in stream.since(channels, cursor)]


class StreamSuite:
    """Tests of an empty log with room for `LENGTH` events per channel, which the fixture ``stream`` gives."""

    def test_ids_rise_over_all_channels(self, stream: EventLog) -> None:
        ids = [stream.publish(f"hub:{n % 3}:en", "widget", {"n": n}) for n in range(20)]
        numbers = [log.number_of(event_id or "") for event_id in ids]
        assert numbers == sorted(set(numbers))

    def test_a_reader_gets_exactly_what_was_missed_in_order(self, stream: EventLog) -> None:
        stream.publish("hub:1:en", "widget", {"n": 0})
        cursor = stream.cursor()
        assert missed(stream, ["hub:1:en"], cursor) == []
        for n in range(1, 4):
            stream.publish(f"hub:{1 + n % 2}:en", "widget", {"n": n})
        assert missed(stream, ["hub:1:en", "hub:2:en"], cursor) == [1, 2, 3]
        assert missed(stream, ["hub:2:en"], cursor) == [1, 3]
        assert missed(stream, ["hub:9:en"], cursor) == []

    def test_a_cursor_from_before_anything_was_published_works(self, stream: EventLog) -> None:
        cursor = stream.cursor()
        stream.publish("user:1", "notice", {"n": 1})
        assert missed(stream, ["user:1"], cursor) == [1]

    def test_a_trimmed_log_is_too_old(self, stream: EventLog) -> None:
        cursor = stream.cursor()
        for n in range(6):
            stream.publish("hub:1:en", "widget", {"n": n})
        with pytest.raises(ReplayUnavailable, match="too-old"):
            stream.since(["hub:1:en"], cursor)
        assert missed(stream, ["hub:2:en"], cursor) == []

    def test_a_cursor_older_than_the_log_lives_is_too_old(self, stream: EventLog) -> None:
        epoch, _, number = stream.cursor().rpartition("-")
        with pytest.raises(ReplayUnavailable, match="too-old"):
            stream.since(["hub:1:en"], f"{epoch}-{int(number) - 61_000_000}")

    @pytest.mark.parametrize("cursor", ["", "nonsense", "-", "abc-", "abc-x", "abc-²", "a-" + "9" * 30])
    def test_an_invalid_cursor_is_unknown(self, stream: EventLog, cursor: str) -> None:
        stream.cursor()
        with pytest.raises(ReplayUnavailable, match="unknown"):
            stream.since(["hub:1:en"], cursor)

    def test_a_cursor_of_another_epoch_or_of_the_future_is_refused(self, stream: EventLog) -> None:
        epoch, _, number = stream.cursor().rpartition("-")
        with pytest.raises(ReplayUnavailable, match="epoch"):
            stream.since(["hub:1:en"], f"ffffffff-{number}")
        with pytest.raises(ReplayUnavailable, match="unknown"):
            stream.since(["hub:1:en"], f"{epoch}-{int(number) + 10**9}")

    def test_odd_characters_survive(self, stream: EventLog) -> None:
        cursor = stream.cursor()
        text = 'line\nbreak \u2028 "quotes" ünïcode {"id":"x"}'
        stream.publish("hub:1:en", "widget", {"html": text})
        event = stream.since(["hub:1:en"], cursor)[0]
        assert json.loads(event.data) == {"html": text}
        assert "\n" not in event.data

    def test_a_log_that_is_too_large_is_trimmed(self, stream: EventLog) -> None:
        cursors = [stream.cursor()]
        for n in range(4):
            cursors.append(stream.publish("hub:1:en", "widget", {"n": n, "html": "x" * (MOST_LOGGED // 3)}) or "")
        assert stream.client.llen("hubs:log:hub:1:en") == 2
        for cursor in cursors[:2]:
            with pytest.raises(ReplayUnavailable, match="too-old"):
                stream.since(["hub:1:en"], cursor)
        assert missed(stream, ["hub:1:en"], cursors[2]) == [2, 3]
        assert missed(stream, ["hub:1:en"], cursors[4]) == []

    def test_an_event_larger_than_the_log_leaves_it_empty(self, stream: EventLog) -> None:
        cursor = stream.publish("hub:1:en", "widget", {"n": 0})
        after = stream.publish("hub:1:en", "widget", {"n": 1, "html": "x" * MOST_LOGGED})
        with pytest.raises(ReplayUnavailable, match="too-old"):
            stream.since(["hub:1:en"], cursor or "")
        stream.publish("hub:1:en", "widget", {"n": 2})
        assert missed(stream, ["hub:1:en"], after or "") == [2]

    def test_a_log_of_unknown_size_is_measured(self, stream: EventLog) -> None:
        for n in range(2):
            stream.publish("hub:1:en", "widget", {"n": n, "html": "x" * (MOST_LOGGED // 3)})
        stream.client.delete("hubs:size:hub:1:en")
        for n in range(2):
            stream.publish("hub:1:en", "widget", {"n": n, "html": "x" * (MOST_LOGGED // 3)})
        assert stream.client.llen("hubs:log:hub:1:en") == 2

    def test_a_size_without_its_log_is_ignored(self, stream: EventLog) -> None:
        stream.client.set("hubs:size:hub:1:en", MOST_LOGGED)
        cursor = stream.cursor()
        stream.publish("hub:1:en", "widget", {"n": 1})
        assert missed(stream, ["hub:1:en"], cursor) == [1]

    def test_too_large_a_replay_is_refused(self, stream: EventLog) -> None:
        channels = [f"hub:{n}:en" for n in range(8)]
        cursor = stream.cursor()
        ids = [stream.publish(name, "widget", {"n": 0, "html": "x" * (MOST_REPLAYED // 4)}) or "" for name in channels]
        with pytest.raises(ReplayUnavailable, match="too-much"):
            stream.since(channels, cursor)
        assert missed(stream, channels, ids[4]) == [0, 0, 0]
        assert missed(stream, channels[:3], cursor) == [0, 0, 0]

    @pytest.mark.parametrize("seed", range(5))
    def test_a_reader_gets_exactly_what_was_missed_or_an_error(self, stream: EventLog, seed: int) -> None:
        chance = random.Random(seed)
        channels = [f"hub:{n}:en" for n in range(3)]
        published: list[tuple[str, str, int]] = [(stream.cursor(), "", -1)]
        for n in range(30):
            size = chance.choice([10, 10, 10_000, MOST_LOGGED // 3, MOST_LOGGED])
            channel = chance.choice(channels)
            published.append((stream.publish(channel, "widget", {"n": n, "html": "x" * size}) or "", channel, n))
        replays = 0
        for place, (cursor, _, _) in enumerate(published):
            heard = chance.sample(channels, chance.randint(1, 3))
            try:
                got = missed(stream, heard, cursor)
            except ReplayUnavailable:
                continue
            replays += 1
            assert got == [n for _, channel, n in published[place + 1 :] if channel in heard]
        assert replays
