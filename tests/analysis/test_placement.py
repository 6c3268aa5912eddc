"""Where tokens stand in real runs: prefill and decoding, batches, several conversations, and what goes wrong there."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import inspector
from inspector import Trace
from inspector.analysis.forwards import forwards
from inspector.analysis.placement import Placement, placements
from tests.fakes import IMAGE, VIDEO, picture, tiny, tiny_inputs
from tests.prompts import SECONDS, TRUNCATES, random_model

NAME = "qwen2_5_vl"


@pytest.fixture
def model() -> Any:
    return random_model(NAME)


def text(count: int = 4) -> dict[str, torch.Tensor]:
    return {"input_ids": torch.arange(1, count + 1)[None], "attention_mask": torch.ones(1, count, dtype=torch.long)}


def video_and_picture() -> dict[str, torch.Tensor]:
    ids = torch.tensor([[1, *[VIDEO] * 12, 2, 3, *[IMAGE] * 4, 4]])
    return {
        "input_ids": ids,
        "mm_token_type_ids": (ids == IMAGE).long() + 2 * (ids == VIDEO).long(),
        "pixel_values": torch.randn(16, 1176),
        "image_grid_thw": torch.tensor([[1, 4, 4]]),
        "pixel_values_videos": torch.randn(48, 1176),
        "video_grid_thw": torch.tensor([[3, 4, 4]]),
        "second_per_grid_ts": torch.tensor(SECONDS[:1]),
    }


def rows(trace: Trace) -> list[Placement]:
    return [row for forward in placements(trace) for row in forward]


def wrong(trace: Trace) -> list[int]:
    return [row.wrong for row in rows(trace)]


def run(model: Any, *inputs: dict[str, Any]) -> Trace:
    """Forwards one after the other; one without a mask or grids goes on from the cache of the one before."""
    with inspector.capture(model) as trace, torch.no_grad():
        cache = None
        for given in inputs:
            goes_on = given.pop("goes_on", False)
            cache = model(**given, use_cache=True, past_key_values=cache if goes_on else None).past_key_values
    return trace


def one_more(**more: Any) -> dict[str, Any]:
    return {"input_ids": torch.tensor([[72]]), "goes_on": True, **more}


EVERY = [text, video_and_picture, lambda: tiny_inputs(NAME)]
SEARCHED = [inputs for inputs in EVERY if inputs is not video_and_picture or not TRUNCATES]
"""What beams can be searched over: transformers 5.17 cannot where there are pictures and videos at once."""


@pytest.mark.parametrize(("inputs", "beams"), [*((every, 1) for every in EVERY), *((every, 2) for every in SEARCHED)])
def test_generation_stands_where_it_should(model: Any, inputs: Any, beams: int) -> None:
    with inspector.capture(model) as trace:
        model.generate(**inputs(), max_new_tokens=3, num_beams=beams, do_sample=False)
    found = rows(trace)
    assert len(found) == 3 * beams
    assert wrong(trace) == [0] * len(found)
    assert all(row.actual is not None and row.spans for row in found)
    last = found[-1]
    assert last.actual is not None
    assert last.actual[:, 0].tolist() == [last.begin + last.delta] * 3


@pytest.mark.parametrize("name", ["qwen2", "gemma3", "llava", "gpt2", "qwen2_vl", "qwen2_5_vl"])
def test_a_batch_padded_on_the_left(name: str) -> None:
    model, inputs = tiny(name), tiny_inputs(name, batch=True)
    with inspector.capture(model) as trace:
        model.generate(**inputs, max_new_tokens=2, do_sample=False)
    assert wrong(trace) == [0] * 4
    assert [row.offset for row in rows(trace)] == [0] * 4
    assert len(rows(trace)[0].tokens) == int(inputs["attention_mask"][0].sum())


def test_a_forward_that_counts_the_padding_is_ahead_by_it() -> None:
    """Without `generate`, text models number tokens by their place; attention sees only differences of positions."""
    trace = run(tiny("qwen2"), tiny_inputs("qwen2", batch=True))
    short, whole = rows(trace)
    assert (short.offset, whole.offset) == (whole.forward.tokens - len(short.tokens), 0)
    assert wrong(trace) == [0, 0]


def test_a_delta_from_another_conversation_is_seen(model: Any) -> None:
    trace = run(model, tiny_inputs(NAME), text(), one_more())
    assert wrong(trace) == [0, 0, 1]
    last = rows(trace)[-1]
    assert last.actual is not None
    stale = rows(trace)[0].delta
    assert (last.expected(0), last.actual[:, 0].tolist()) == ((4, 4, 4), [4 + stale] * 3)
    assert last.forward.before is not None
    assert (last.forward.before.step, last.forward.before.inside, last.delta) == (0, True, 0)


def test_decoding_without_the_padding_mask_is_seen(model: Any) -> None:
    trace = run(model, tiny_inputs(NAME, batch=True), {**one_more(), "input_ids": torch.tensor([[72], [73]])})
    assert wrong(trace) == [0, 0, 1, 0]


def test_types_left_out_are_seen(model: Any) -> None:
    inputs = tiny_inputs(NAME)
    del inputs["mm_token_type_ids"]
    assert wrong(run(model, inputs))[0] > 0


def test_a_turn_with_a_new_picture_goes_on_from_the_cache(model: Any) -> None:
    """The model itself cannot place the new picture when it is called so; the difference is seen."""
    first = tiny_inputs(NAME, pictures=[picture(56, 56)])
    second = tiny_inputs(NAME, pictures=[picture(84, 56)])
    del second["attention_mask"]
    trace = run(model, first, {**second, "goes_on": True})
    later = rows(trace)[1]
    assert [span.grid.tokens for span in later.spans if span.grid] == [6]
    assert later.wrong > 0


def test_stepping_back_goes_on_from_what_the_cache_holds(model: Any) -> None:
    with inspector.capture(model) as trace, torch.no_grad():
        cache = model(**tiny_inputs(NAME), use_cache=True).past_key_values
        length = cache.get_seq_length()
        for _ in range(3):
            model(input_ids=torch.tensor([[72]]), past_key_values=cache)
        cache.crop(-2)
        model(input_ids=torch.tensor([[73]]), past_key_values=cache)
    assert wrong(trace) == [0] * 5
    assert [row.begin for row in rows(trace)][1:] == [length, length + 1, length + 2, length + 1]


def test_a_trace_that_begins_in_the_middle(model: Any) -> None:
    with torch.no_grad():
        cache = model(**text(), use_cache=True).past_key_values
        with inspector.capture(model) as trace:
            model(input_ids=torch.tensor([[72]]), past_key_values=cache)
    (row,) = rows(trace)
    assert (row.spans, row.wrong, row.begin) == ([], 0, 4)
    assert row.expected(0) is None


def test_seconds_come_with_the_forward_or_with_the_video(model: Any) -> None:
    trace = run(model, video_and_picture())
    assert forwards(trace)[0].seconds == pytest.approx(SECONDS[:1])
    assert wrong(trace) == [0]


def test_a_saved_trace_shows_the_same(model: Any, tmp_path: Any) -> None:
    trace = run(model, tiny_inputs(NAME), text(), one_more())
    opened = Trace.open(trace.save(tmp_path / "trace"))
    assert wrong(opened) == wrong(trace)
    assert [forward.before for forward in forwards(opened)] == [forward.before for forward in forwards(trace)]
