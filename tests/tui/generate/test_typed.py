"""What is typed into the dialogs becomes options, processors and numbers, or says why not."""

from __future__ import annotations

import pytest

from inspector.generation.options import meant
from inspector.tui.generate import typed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("top_h=0.4", {"top_h": 0.4}),
        ('stop_strings=["a b", "="] min_length=3', {"stop_strings": ["a b", "="], "min_length": 3}),
        ("eos_token_id=none renormalize_logits=true", {"eos_token_id": None, "renormalize_logits": True}),
        ("cache_implementation = static", {"cache_implementation": "static"}),
    ],
)
def test_options(text: str, expected: dict[str, object]) -> None:
    assert typed.options(text) == expected


@pytest.mark.parametrize(
    ("text", "said"), [("5", "has no name"), ("a=", "has no value"), ("a=[1", "is no JSON"), ("x a=1", "has no name")]
)
def test_what_is_no_option_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        typed.options(text)


def test_processors() -> None:
    text = "favour token=66 by=2.5, plain, words list=[1, 2]"
    expected = [("favour", {"token": 66, "by": 2.5}), ("plain", {}), ("words", {"list": [1, 2]})]
    assert list(typed.processors(text)) == expected
    assert list(typed.processors("  ")) == []


def test_numbers() -> None:
    assert typed.number("top_k", " 5 ") == 5
    assert typed.number("top_p", "") is None
    for text in ("much", "true", "[1]"):
        with pytest.raises(ValueError, match="a number was expected"):
            typed.number("top_p", text)


@pytest.mark.parametrize(
    ("name", "text", "expected"), [("temperature", "2", 2.0), ("top_p", ".7", 0.7), ("top_k", "5", 5)]
)
def test_a_number_is_of_the_kind_that_its_option_wants(name: str, text: str, expected: float) -> None:
    for given in ({name: typed.number(name, text)}, typed.options(f"{name}={text}")):
        found = meant(given)[name]
        assert found == expected
        assert type(found) is type(expected)
