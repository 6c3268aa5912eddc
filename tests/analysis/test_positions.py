"""Positions worked out independently equal those of transformers' own `get_rope_index`, over many kinds of prompt."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import pytest
import torch

from inspector.analysis.layout import Layout, layout_of
from inspector.analysis.positions import Grid, Grids, Span, Walk, differing
from tests.prompts import SECONDS, Part, inputs, kinds_of, random_model, sizes_of

NAMES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


@cache
def model(name: str) -> Any:
    """The real class without weights: positions need none."""
    return random_model(name, device="meta").model


def layout(name: str) -> Layout:
    return layout_of(model(name).config.to_dict())


def theirs(name: str, rows: list[list[Part]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Positions, deltas and mask as the model's own function makes them, the batch padded on the left."""
    given = inputs(name, rows, pixels=False)
    return *model(name).get_rope_index(**given), given["attention_mask"]


def ours(name: str, rows: list[list[Part]]) -> list[tuple[Walk, list[Span]]]:
    seconds = SECONDS if name == "qwen2_5_vl" else ()
    supply = {kind: Grids(layout(name).grids(sizes_of(rows, kind), kind, seconds)) for kind in ("image", "video")}
    walks = [(Walk(), row) for row in rows]
    return [(walk, walk.extend(kinds_of(name, row), supply)) for walk, row in walks]


IMAGE, TALL, VIDEO_3 = ("image", (1, 4, 6)), ("image", (1, 18, 2)), ("video", (3, 4, 8))
CASES: dict[str, list[list[Part]]] = {
    "text": [[5]],
    "one picture": [[3, IMAGE, 4]],
    "three pictures of odd sizes": [[1, IMAGE, 2, TALL, 1, ("image", (1, 2, 14)), 5]],
    "video": [[2, VIDEO_3, 3]],
    "long video, whose time reaches beyond the text behind it": [[1, ("video", (9, 2, 2)), 3]],
    "picture and video": [[2, IMAGE, 1, VIDEO_3, 2, IMAGE, 1]],
    "left padding": [[2, IMAGE, 3], [9], [1, VIDEO_3, 1, TALL, 20]],
    "ends with a picture": [[2, IMAGE]],
}


def check(name: str, rows: list[list[Part]]) -> None:
    positions, deltas, mask = theirs(name, rows)
    for number, (walk, spans) in enumerate(ours(name, rows)):
        actual = positions[:, number, mask[number].bool()]
        assert not differing(actual, spans).any()
        assert walk.delta == deltas[number].item()
        for token, expected in enumerate(actual.T.tolist()):
            span = next(span for span in spans if span.start <= token < span.stop)
            assert span.at(token) == tuple(expected)
        assert all(span.last == span.positions().max() for span in spans)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_positions_and_deltas_equal_the_models_own(name: str, case: str) -> None:
    check(name, CASES[case])


@pytest.mark.parametrize("seed", range(12))
def test_any_mixture(seed: int) -> None:
    chance = random.Random(seed)
    rows: list[list[Part]] = []
    videos = 0
    for _ in range(chance.randint(1, 3)):
        row: list[Part] = [chance.randint(1, 9)]
        for _ in range(chance.randint(0, 3)):
            kind = "video" if videos < len(SECONDS) and chance.random() < 0.4 else "image"
            videos += kind == "video"
            frames = chance.randint(2, 7) if kind == "video" else 1
            row += [(kind, (frames, 2 * chance.randint(1, 9), 2 * chance.randint(1, 9))), chance.randint(1, 9)]
        rows.append(row)
    for name in NAMES:
        check(name, rows)


def test_decoding_steps_stand_at_their_index_plus_the_delta() -> None:
    walk = Walk()
    grids = {"image": Grids([Grid(0, 1, 8, 10)])}
    walk.extend(["text"] * 4 + ["image"] * 80 + ["text"] * 2, grids)
    assert walk.delta == (4 + 10 + 2) - 86
    for step in range(3):
        (span,) = walk.extend(["text"], {})
        assert span.at(86 + step) == (16 + step,) * 3


def test_a_second_turn_with_a_picture_goes_on_where_the_first_ended() -> None:
    """The same sequence in one piece stands the same."""
    whole, turns = Walk(), Walk()
    first, second = ["text"] * 3 + ["image"] * 4 + ["text"] * 2, ["text"] * 2 + ["image"] * 6 + ["text"]
    sizes = [Grid(0, 1, 2, 2), Grid(1, 1, 2, 3)]
    spans = whole.extend(first + ["text"] * 2 + second, {"image": Grids(sizes)})
    supply = {"image": Grids(sizes)}
    pieces = [*turns.extend(first, supply), *turns.extend(["text"], {}), *turns.extend(["text"], {})]
    pieces += turns.extend(second, supply)
    assert torch.equal(torch.cat([s.positions() for s in spans], 1), torch.cat([s.positions() for s in pieces], 1))
    assert whole.delta == turns.delta


@pytest.mark.parametrize("missing", [-1, 1])
def test_one_wrong_count_does_not_shift_the_pictures_behind_it(missing: int) -> None:
    walk = Walk()
    supply = {"image": Grids([Grid(0, 1, 2, 3), Grid(1, 1, 4, 4)])}
    spans = walk.extend(["text", *["image"] * (6 + missing), "text", *["image"] * 16], supply)
    assert [(span.kind, span.count, span.expected) for span in spans] == [
        ("text", 1, 1),
        ("image", 6 + missing, 6),
        ("text", 1, 1),
        ("image", 16, 16),
    ]
    assert [span.grid.number for span in spans if span.grid] == [0, 1]


def test_placeholders_without_a_picture_count_on() -> None:
    (span,) = Walk().extend(["image"] * 3, {"image": Grids([])})
    assert (span.grid, span.at(2)) == (None, (2, 2, 2))


def test_differences_are_found_token_by_token() -> None:
    spans = Walk().extend(["text"] * 3 + ["image"] * 4, {"image": Grids([Grid(0, 1, 2, 2)])})
    actual = torch.arange(7).expand(3, -1)
    assert differing(actual, spans).tolist() == [False] * 4 + [True] * 3
    assert not differing(torch.arange(3)[None], spans[:1]).any()
