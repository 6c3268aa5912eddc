from __future__ import annotations

from inspector.trace.steps import Step
from inspector.tui.widgets.cells import width_of
from inspector.tui.widgets.generation.measures import LEVELS, MEASURES
from inspector.tui.widgets.generation.strip_lines import Lines
from inspector.tui.widgets.generation.strip_text import StripText
from inspector.tui.widgets.generation.strip_tokens import along_beam, describe, whole
from tests.tui.widgets.generation.records import TEXT, TOKENS, beam_steps, steps


def shown(made: list[Step], row: int = 0) -> StripText:
    text = StripText()
    text.show(made, row)
    text.read()
    return text


def test_tokens_read_as_text() -> None:
    text = shown(steps(forced=()))
    assert [token.text for token in text.tokens] == TOKENS
    assert whole("".join(token.text for token in text.tokens)) == TEXT


def test_bytes_are_shown_and_the_token_that_completes_them_says_what_they_are() -> None:
    parts = [" <0xF0><0x9F>", "<0x98>", "<0x80>", "<0xE4><0xBD>", "x"]
    tokens = shown(steps(TOKENS[:1])).tokens
    assert not tokens[0].is_open
    text = shown([made for part in parts for made in steps_of(part)])
    assert [token.shown for token in text.tokens] == [" <0xF0><0x9F>", "<0x98>", "<0x80>→😀", "<0xE4><0xBD>", "x"]
    assert [token.is_open for token in text.tokens] == [True, True, False, True, False]
    assert "Completes the character 😀." in describe(2, text.tokens[2])
    assert "goes on in the next token" in describe(3, text.tokens[3])
    assert whole("a<0xF0><0x9F><0x98><0x80>b<0xE4>") == "a😀b<0xE4>"


def steps_of(text: str) -> list[Step]:
    from tests.tui.widgets.generation.records import IDS, TEXTS

    if text not in IDS:
        IDS[text] = token = max(TEXTS) + 1
        TEXTS[token] = text
    return steps([text], forced=())


def test_what_could_move_the_cursor_is_made_visible() -> None:
    (token,) = shown(steps_of("\x1b[31m")).tokens
    assert token.shown == "␛[31m"
    (token,) = shown(steps_of("")).tokens
    assert token.shown.startswith("‹")


def test_forced_tokens_are_marked_behind_their_blank() -> None:
    text = shown(steps(TOKENS[:12], forced=(0, 9)))
    assert text.tokens[0].shown == "»The"
    assert text.tokens[9].shown == " »rosetta"
    assert "forced" in describe(9, text.tokens[9])


def test_a_row_that_ended_takes_no_text() -> None:
    text = shown(steps(rows=2), 1)
    assert [token.has_ended for token in text.tokens[8:12]] == [False, False, True, True]
    assert text.tokens[12].shown == "·"
    assert "only takes padding" in describe(12, text.tokens[12])
    assert shown(steps(), 1).tokens[0].row == 0, "there is no second row"


def test_steps_that_are_new_are_read_alone() -> None:
    made = steps()
    growing = made[:20]
    text = shown(growing)
    first = text.tokens[0]
    growing.append(made[20])
    assert text.unread == 0, "nobody said so"
    text.show(growing, 0)
    assert text.unread == 1
    text.read()
    assert text.tokens[0] is first
    assert text.lines.starts == shown(made[:21]).lines.starts
    text.show(steps(seed=4)[:25], 0)
    assert text.unread == 25, "another branch"


def test_a_slice_of_the_time_reads_a_part() -> None:
    text = StripText()
    text.show(steps(), 0)
    text.read(0.0)
    assert len(text.tokens) == 1
    text.read()
    assert text.unread == 0


def test_lines_hold_every_token_once_and_fit() -> None:
    tokens = shown(steps()).tokens
    for width in (1, 9, 30, 200):
        lines = Lines(tokens, width)
        lines.extend()
        pieces = [piece for line in lines.lines for piece in line]
        assert [piece.number for piece in pieces] == list(range(len(tokens)))
        assert all(piece.start + width_of(piece.text) <= width for piece in pieces)
        assert lines.starts == [line[0].number for line in lines.lines]


def test_words_stay_whole_and_line_breaks_break() -> None:
    tokens = shown(steps()).tokens
    lines = Lines(tokens, 30)
    lines.extend()
    assert "Kyōto" in "".join(line.text for line in next(pieces for pieces in lines.lines if "Ky" in str(pieces)))
    broken = next(line for line in lines.lines if line[-1].text.endswith("␊␊"))
    assert tokens[broken[-1].number + 1].text == "It"


def test_what_leads_to_a_beam() -> None:
    made = beam_steps()
    path = along_beam(made, 1)
    assert [row for row, _ in path] == [0, 0, 0, 0]
    text = shown(made, 1)
    assert "".join(token.text for token in text.tokens) == " the cup of 咖啡"
    assert text.tokens[3].rank > 0
    assert "".join(token.text for token in shown(made, 9).tokens) == " the foam of☕", "the best of them"
    assert along_beam(steps(), 0) == []


def test_levels() -> None:
    sure = MEASURES["probability"]
    assert [sure.level(value) for value in (1.0, 0.9, 0.6, 0.2, 0.05, 0.0)] == [0, 0, 1, 2, 3, 4]
    assert [MEASURES["rank"].level(value) for value in (1, 2, 10, 50, 150_000)] == [0, 1, 2, 3, 4]
    assert [MEASURES["entropy"].level(value) for value in (0, 0.7, 1.5, 4, 11)] == [0, 1, 2, 3, 4]
    for measure in MEASURES.values():
        assert len(measure.words) == len(measure.bars) == len(measure.limits) + 1 == LEVELS
