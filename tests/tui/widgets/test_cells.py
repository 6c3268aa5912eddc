from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.tui.widgets.cells import fit, fit_end, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [b]text[/b]", "plain [b]text[/b]"),
        ("\x1b[31m\t\n\x7f", "␛[31m␉␊␡"),
        ("世界🌍", "世界🌍"),
        ("👩\u200d👧", "👩\\u200d👧"),
        ("\u0301", "◌\u0301"),
        ("e\u0301", "e\u0301"),
        ("\U0001f3fd", "\\U0001f3fd"),
        ("\ufe0f", "\\ufe0f"),
        ("\ud83d", "\\ud83d"),
        ("�", "�"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_gets_a_stand_in(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_spaces_are_visible_where_they_matter() -> None:
    assert visible(" a b", spaces=True) == "·a·b"
    assert visible("a\u3000b", spaces=True) == "a\\u3000b"


@given(st.text())
def test_nothing_that_is_shown_moves_the_cursor(text: str) -> None:
    shown = visible(text, spaces=True)
    assert not any(character in shown for character in "\n\r\t\x1b\x00\x07\u200b\u202e")
    shown.encode()


@given(st.text(), st.integers(0, 30), st.booleans())
def test_a_field_has_exactly_its_width(text: str, width: int, right: bool) -> None:
    shown = visible(text)
    assert cell_len(fit(shown, width, right=right)) == width
    assert cell_len(fit_end(shown, width)) == width


def test_a_cut_shows() -> None:
    assert fit("language_model", 8) == "languag…"
    assert fit_end("model.layers.0.mlp", 13) == "…layers.0.mlp"
    assert fit("世界世界", 4) == "世 …"
    assert fit_end("世界世界", 4) == "…界 "
