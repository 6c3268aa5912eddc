from __future__ import annotations

from inspector.analysis.checks import counted, every, some


def test_counts_agree_with_what_they_count() -> None:
    assert [counted(count, "token") for count in (0, 1, 1234)] == ["0 tokens", "1 token", "1,234 tokens"]
    assert counted(2, "query", "queries") == "2 queries"


def test_every_one_of_some() -> None:
    assert every(1, "message", "stands", "stand") == "The message stands"
    assert every(3, "patch", "turns", "turn", "patches") == "All 3 patches turn"


def test_the_first_of_many() -> None:
    assert some(range(2)) == "0, 1"
    assert some(range(1010), 2) == "0, 1 and 1,008 more"
