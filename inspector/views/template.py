"""From messages to text to ids: the chat template rendered, placeholders written out, every token with its id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any

from inspector.analysis.checks import Check, counted, every, some
from inspector.analysis.forwards import placeholders
from inspector.analysis.placement import placements
from inspector.analysis.wording import visible
from inspector.parts import Cell, Column, Part, Table, Text, View
from inspector.trace import Token, Trace
from inspector.views.asking import whole
from inspector.views.positions import checked
from inspector.views.rows import Rows
from inspector.views.tokens import position_text

SPECIAL = frozenset({"special", "image", "video", "pad"})


def show(trace: Trace, *, row: str = "", source: str = "") -> Sequence[Part]:
    rows = max(len(trace.tokens), len(trace.texts), len(_conversations(trace)))
    if not rows:
        return [Text("Messages", "This trace holds no tokens and no text: the model was not given input_ids.")]
    number = whole(row or "0", "row", rows, "rows")
    told = _conversations(trace)[number] if number < len(_conversations(trace)) else {}
    text = trace.texts[number] if number < len(trace.texts) else ""
    tokens = trace.tokens[number] if number < len(trace.tokens) else ()
    template = trace.facts.get("chat_template")
    return [
        checked([*_template_checks(told, bool(template)), *_placeholder_checks(trace, told, tokens, number)]),
        *_messages(told),
        *_rendered(told, text),
        *_expansion(told, text, tokens),
        *([Text("Chat template", template, "jinja")] if source and isinstance(template, str) else []),
        pieces(tokens),
        table(tokens, trace, number),
    ]


def _conversations(trace: Trace) -> Sequence[Mapping[str, Any]]:
    return trace.facts.get("conversations") or ()


def _template_checks(told: Mapping[str, Any], template: bool) -> Iterator[Check]:
    """The chat template wrote something of every message."""
    if not told:
        return
    if told.get("messages") is None:
        why = "It was left out (--raw)." if template else "The model has none; the prompt stands as it was given."
        yield Check("chat template", None, why)
    elif not str(told.get("rendered")).strip():
        yield Check("chat template", False, "It wrote nothing of these messages.")
    else:
        yield from _said(told)


def _placeholder_checks(trace: Trace, told: Mapping[str, Any], tokens: Sequence[Token], row: int) -> Iterator[Check]:
    """Placeholders were written out, to as many tokens as the pictures have."""
    wanted = _wanted(trace, row)
    for kind, count in (told.get("placeholders") or {}).items():
        spread = sum(token.kind == kind for token in tokens)
        if not count and not spread:
            continue
        text = f"{counted(count, 'placeholder')} in the text became {counted(spread, f'{kind} token')} of the ids."
        expected = wanted.get(kind)
        if expected is not None and spread != expected:
            more = " They were not written out." if spread == count else ""
            yield Check(f"{kind} placeholders", False, f"{text} The grids ask for {expected:,}.{more}")
        else:
            yield Check(f"{kind} placeholders", bool(count) == bool(spread), text)


def _wanted(trace: Trace, row: int) -> dict[str, int]:
    """How many tokens the grids of the first forward ask for in a row, by kind."""
    placed = next((rows for rows in placements(trace) if row < len(rows)), None)
    found: dict[str, int] = {}
    for span in placed[row].spans if placed else ():
        if span.grid is not None:
            found[span.kind] = found.get(span.kind, 0) + span.expected
    return found


def _said(told: Mapping[str, Any]) -> Iterator[Check]:
    """Whether what the messages say stands in the text."""
    said = [part for message in told["messages"] for part in _texts(message)]
    lost = [part for part in said if part.strip() and part.strip() not in told["rendered"]]
    if lost:
        yield Check(
            "chat template", False, f"Of the messages it left out {some((repr(part[:40]) for part in lost), 3)}."
        )
    else:
        yield Check("chat template", True, f"{every(len(told['messages']), 'message', 'stands', 'stand')} in the text.")


def _texts(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content") or ""
    if isinstance(content, str):
        return [content]
    return [str(part["text"]) for part in content if isinstance(part, Mapping) and "text" in part]


def _messages(told: Mapping[str, Any]) -> Iterator[Table]:
    """The messages that the template was given: a row for each part."""
    messages = told.get("messages")
    if not messages:
        return
    rows: list[tuple[Cell, ...]] = []
    for number, message in enumerate(messages):
        content = message.get("content") or ""
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            text = str(part.get("text", "")) if part.get("type") in ("text", None) else None
            rows.append(
                (number, message.get("role"), part.get("type") or "text", None if text is None else visible(text))
            )
    yield Table("Messages", (Column("message", "right"), Column("role"), Column("part"), Column("text")), rows)


def _rendered(told: Mapping[str, Any], text: str) -> Iterator[Text]:
    """What the template wrote, and that with its placeholders written out, runs of them shortened."""
    rendered = told.get("rendered")
    if rendered is not None:
        yield Text("Text, as the chat template wrote it" if told.get("messages") else "Text, as it was given", rendered)
    words = [word for word in (told.get("words") or {}).values() if word]
    if text and text != rendered:
        yield Text("Text, placeholders written out", _shortened(text, words))


def _shortened(text: str, words: Sequence[str]) -> str:
    """A text with runs of a placeholder as the placeholder and how often it stands there."""
    for word in words:
        pieces = re.split(f"((?:{re.escape(word)}){{2,}})", text)
        runs = (f"{word} × {len(piece) // len(word):,} " for piece in pieces[1::2])
        text = "".join(piece for pair in zip_longest(pieces[::2], runs, fillvalue="") for piece in pair)
    return text


def _expansion(told: Mapping[str, Any], text: str, tokens: Sequence[Token]) -> Iterator[Table]:
    """Each run of placeholders: where it stands, and how many tokens it is."""
    runs: list[tuple[Cell, ...]] = []
    counts = {"image": 0, "video": 0}
    for kind, group in groupby(tokens, key=lambda token: token.kind):
        own = list(group)
        if kind in counts:
            counts[kind] += 1
            runs.append((kind, counts[kind], own[0].index, own[-1].index, len(own), own[0].id, visible(own[0].text)))
    if runs:
        columns = (
            *(Column("kind"), Column("run", "right"), Column("first token", "right"), Column("last token", "right")),
            *(Column("tokens", "right", "count"), Column("id", "right"), Column("text")),
        )
        yield Table("Placeholders written out", columns, runs)


def pieces(tokens: Sequence[Token]) -> Table:
    """How many tokens there are of each kind, and which special ones."""
    rows: list[tuple[Cell, ...]] = []
    for kind in ("text", "special", "image", "video", "pad"):
        own = [token for token in tokens if token.kind == kind]
        if own:
            named = (
                dict.fromkeys(f"{visible(token.text) or '·'} {token.id}" for token in own) if kind in SPECIAL else {}
            )
            rows.append((kind, len(own), some(named, 8) or None))
    return Table("Kinds", (Column("kind"), Column("tokens", "right", "count"), Column("which")), rows)


def table(tokens: Sequence[Token], trace: Trace, row: int) -> Table:
    """Every token: id, text, kind, whether it is special, position."""
    known = placeholders(trace)
    columns = (
        *(Column("token", "right"), Column("id", "right"), Column("text"), Column("kind"), Column("special")),
        Column("position"),
    )

    def cells(token: Token) -> tuple[Cell, ...]:
        special = "yes" if token.kind in SPECIAL or token.id in known else None
        return token.index, token.id, visible(token.text, spaces=True), token.kind, special, position_text(token)

    note = "" if tokens else "This row has no tokens: the model was not given input_ids."
    return Table("Tokens", columns, Rows(tokens, cells), note)


VIEW = View(
    "template",
    "Messages, the text that the chat template makes of them, and the ids that the tokenizer makes of that",
    show,
    {"row": "The row of the batch, from 0", "source": "Show the source of the chat template too"},
    flags=frozenset({"source"}),
)
