"""Which readers hear which channels."""

import random

from hubs.backend.eventserver.channels import ChannelReaders
from hubs.backend.eventserver.client import SSEClient


def _expect(channels: ChannelReaders, expected: dict[str, dict[int, SSEClient]]) -> None:
    assert sorted(channels.names()) == sorted(name for name, readers in expected.items() if readers)
    for name, readers in expected.items():
        assert set(channels.readers(name)) == set(readers.values()), name
        assert channels.count(name) == len(readers), name


def test_whoever_comes_and_goes_each_channel_has_its_readers() -> None:
    chance, channels, names = random.Random(1), ChannelReaders(), ["a", "b", "c"]
    expected: dict[str, dict[int, SSEClient]] = {name: {} for name in names}
    present: list[SSEClient] = []
    for _ in range(2000):
        if present and chance.random() < 0.5:
            reader = present.pop(chance.randrange(len(present)))
            channels.unsubscribe(reader)
            for name in reader.channels:
                if expected[name].get(reader.fd) is reader:
                    del expected[name][reader.fd]
        else:  # few descriptors, so that some are used again before their last reader has gone
            reader = SSEClient(chance.randrange(4), chance.sample(names, chance.randint(1, 3)), 0)
            channels.subscribe(reader)
            present.append(reader)
            for name in reader.channels:
                expected[name][reader.fd] = reader
        _expect(channels, expected)


def test_a_channel_is_announced_when_its_first_reader_comes() -> None:
    channels, first, second = ChannelReaders(), SSEClient(1, ["a"], 0), SSEClient(2, ["a", "b"], 0)
    for reader in (first, second):
        channels.subscribe(reader)
    assert channels.take_new() == ["a", "b"]
    channels.unsubscribe(first)
    channels.subscribe(first)
    assert channels.take_new() == []
    for reader in (first, second):
        channels.unsubscribe(reader)
    channels.subscribe(first)
    assert channels.take_new() == ["a"]
