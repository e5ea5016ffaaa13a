"""Search on SQLite."""

from hubs.search.query import closeness, halves, read
from tests.search_suite import FindingSuite


class TestOnSQLite(FindingSuite):
    """The suite on the embedded default."""


def test_a_search_is_parsed_into_a_few_words_of_letters_and_digits() -> None:
    assert read("Tide-tables: F42 & tide").words == ("tide", "tables", "f42")
    assert read(" ".join(f"word{number}" for number in range(50))).words == tuple(f"word{n}" for n in range(8))
    assert not read("… — !?")


def test_closeness_is_that_of_the_least_close_word() -> None:
    assert closeness(read("otters"), "The Otters") == 1.0
    assert 0.4 < closeness(read("oters"), "otters") < 1.0
    assert closeness(read("otters badgers"), "otters") < 0.2
    assert closeness(read(""), "otters") == 0.0


def test_one_half_of_a_word_stays_intact_if_one_letter_is_wrong() -> None:
    assert halves("ottars") == ("ott", "ars")
    assert halves("lighthouse") == ("ligh", "ouse")
    assert halves("ot") == ()
    for at in range(10):
        wrong = "lighthouse"[:at] + "q" + "lighthouse"[at + 1 :]
        assert any(half in "lighthouse" for half in halves(wrong)), wrong
