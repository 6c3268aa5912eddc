"""Whether an answer is a sentence of the language that the models learn, whatever it says."""

from __future__ import annotations

import re
from functools import cache

from .phrasings import ANSWERS, BLIND, CHAT
from .questions import NUMBERS, PLACES, article
from .scenes import CELLS, COLORS, SHAPES


def grammatical(answer: str) -> bool:
    """Whether some wording, filled with any words that fit, gives this answer."""
    return bool(_sentences().fullmatch(answer))


@cache
def _sentences() -> re.Pattern[str]:
    plain = [re.escape(text) for texts in (BLIND, *(answers for _, answers in CHAT)) for text in texts]
    filled = [_pattern(template) for templates in ANSWERS.values() for template in templates]
    return re.compile("|".join([*plain, *filled]))


def _pattern(template: str) -> str:
    template = template.replace("{are} {number}", "{is_number}")
    return "".join(
        _fields()[part[1:-1]] if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", template)
    )


@cache
def _fields() -> dict[str, str]:
    """For each field a pattern of what may stand there."""
    kinds = [f"{color} {shape}" for color in COLORS for shape in SHAPES]
    words = {
        "color": list(COLORS),
        "shape": list(SHAPES),
        "a_color": [article(color) for color in COLORS],
        "a_shape": [article(shape) for shape in SHAPES],
        "thing": [article(kind) for kind in kinds],
        "the": [f"the {kind}" for kind in (*kinds, *SHAPES)],
        "kind": [article(kind) for kind in (*kinds, *SHAPES)],
        "bare": [*kinds, *SHAPES],
        "cell": list(CELLS),
        "place": list(PLACES.values()),
        "from": [f"the {cell}" for cell in CELLS],
        "to": [f"the {cell}" for cell in CELLS],
        "number": list(NUMBERS),
        "is_number": [f"{'is' if number == 'one' else 'are'} {number}" for number in NUMBERS],
    }
    fields = {name: _one_of(texts) for name, texts in words.items()}
    fields |= {_capital(name): _one_of([_capital(text) for text in texts]) for name, texts in words.items()}
    thing, first = fields["thing"], fields["Thing"]
    fields["list"], fields["List"] = (f"{begin}(?:(?:, {thing})* and {thing})?" for begin in (thing, first))
    return fields


def _one_of(texts: list[str]) -> str:
    return f"(?:{'|'.join(sorted(map(re.escape, texts), key=len, reverse=True))})"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
