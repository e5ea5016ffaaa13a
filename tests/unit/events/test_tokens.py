"""Tokens are short enough for the address of a stream, however many channels they name."""

import itsdangerous.url_safe
import pytest

from hubs.events.tokens import SHORT, Tokens


def test_long_lists_of_channels_are_compressed() -> None:
    tokens = Tokens(b"only-for-tests-only-for-tests", 60)
    channels = [f"hub:{number}:signed-in:en" for number in range(300)]
    token = tokens.mint(channels)
    assert len(token) < len(" ".join(channels)) / 3
    assert tokens.read(token).channels == tuple(channels)


def test_the_token_of_a_page_takes_no_time_for_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(itsdangerous.url_safe, "zlib", None)
    tokens, channels = Tokens(b"only-for-tests-only-for-tests", 60), ("hub:12345:public:pt_BR", "user:12345")
    assert len(" ".join(channels)) < SHORT
    token = tokens.mint(channels, session="session:" + "a" * 64)
    assert tokens.read(token).channels == channels
