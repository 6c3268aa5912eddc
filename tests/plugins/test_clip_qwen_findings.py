"""Each quirk of the original is found where it would bite, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import inspector
from inspector import InputError, Trace
from inspector_plugins.clip_qwen.findings import findings
from inspector_plugins.clip_qwen.model import ClipQwenForConditionalGeneration
from tests.fakes import picture, tiny, tiny_inputs
from tests.plugins import golden
from tests.plugins.test_clip_qwen_model import IMAGE, pictures

Model = ClipQwenForConditionalGeneration


@pytest.fixture(scope="module")
def model() -> Model:
    return golden.model(faithful=False)


def text(length: int, batch: int = 1) -> Tensor:
    return torch.randint(1, 400, (batch, length), generator=torch.Generator().manual_seed(8))


def with_pictures(*columns: int, length: int = 12) -> Tensor:
    """A row for each column, with a placeholder there."""
    ids = text(length, len(columns))
    ids[range(len(columns)), list(columns)] = IMAGE
    return ids


@torch.no_grad()
def run(model: Model, *calls: dict[str, Any]) -> Trace:
    """Forwards one after another; one that is `cached` goes on from the cache of the one before."""
    cache = None
    try:
        with inspector.capture(model) as trace:
            for call in calls:
                given = {name: value for name, value in call.items() if name != "cached"}
                past = cache if call.get("cached") else None
                cache = model(**given, past_key_values=past, use_cache=True).past_key_values
    except ValueError:
        assert trace.failure is not None
    return trace


def ids_of(trace: Trace) -> dict[str, str]:
    return {finding.id: finding.severity for finding in findings(trace)}


ONE = torch.tensor([[7]])
SPLIT = text(12, 2)
SPLIT[1, [2, 5]] = IMAGE

CASES: dict[str, tuple[list[dict[str, Any]], dict[str, str]]] = {
    "text": ([{"input_ids": text(12)}], {}),
    "a picture without a mask": ([{"input_ids": with_pictures(3), "pixel_values": pictures(1)}], {}),
    "a picture with a mask": (
        [
            {
                "input_ids": with_pictures(3),
                "pixel_values": pictures(1),
                "attention_mask": torch.ones(1, 12, dtype=torch.long),
            }
        ],
        {"mask-not-widened": "note"},
    ),
    "a batch of pictures with a mask": (
        [
            {
                "input_ids": with_pictures(3, 5),
                "pixel_values": pictures(2),
                "attention_mask": torch.ones(2, 12, dtype=torch.long),
            }
        ],
        {"mask-not-widened": "error", "sdpa-decoding-with-mask": "error"},
    ),
    "a batch with the merged mask": (
        [
            {
                "input_ids": with_pictures(3, 5),
                "pixel_values": pictures(2),
                "attention_mask": torch.ones(2, 27, dtype=torch.long),
            }
        ],
        {"sdpa-decoding-with-mask": "error"},
    ),
    "a batch of text with a mask": (
        [{"input_ids": text(9, 2), "attention_mask": torch.ones(2, 9, dtype=torch.long)}],
        {"sdpa-decoding-with-mask": "error"},
    ),
    "two placeholders in a row": (
        [{"input_ids": torch.tensor([[IMAGE, 5, IMAGE]]), "pixel_values": pictures(2)}],
        {"placeholders": "error"},
    ),
    "no placeholder": ([{"input_ids": text(9), "pixel_values": pictures(1)}], {"placeholders": "error"}),
    "two in one row and none in the other": (
        [{"input_ids": SPLIT, "pixel_values": pictures(2)}],
        {"placeholders": "error"},
    ),
    "a placeholder without a picture": ([{"input_ids": with_pictures(3)}], {"placeholder-without-picture": "warning"}),
    "decoding": (
        [{"input_ids": text(12)}, {"input_ids": ONE, "cached": True}],
        {"past-length-from-head-axis": "note", "last-token-dropped": "warning"},
    ),
    "several tokens in a cached call": (
        [{"input_ids": text(12)}, {"input_ids": text(4), "cached": True}],
        {"cached-tokens-not-causal": "error", "past-length-from-head-axis": "note"},
    ),
    "a long prompt": ([{"input_ids": text(80)}], {"ntk-alpha-of-the-whole": "note"}),
    "decoding behind a long prompt": (
        [{"input_ids": text(80)}, {"input_ids": ONE, "cached": True}],
        {
            "ntk-alpha-of-the-whole": "note",
            "ntk-alpha-kept-on-the-module": "warning",
            "past-length-from-head-axis": "note",
            "last-token-dropped": "warning",
        },
    ),
    "decoding across seq_length": (
        [{"input_ids": text(64)}, {"input_ids": ONE, "cached": True}],
        {
            "ntk-alpha-stays-1": "warning",
            "ntk-alpha-kept-on-the-module": "warning",
            "past-length-from-head-axis": "note",
            "last-token-dropped": "warning",
        },
    ),
    "positions of one's own": (
        [{"input_ids": text(12), "position_ids": torch.arange(100, 112)[None]}],
        {"position-ids-ignored": "note"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_found_where_it_bites(model: Model, name: str) -> None:
    calls, expected = CASES[name]
    assert ids_of(run(model, *calls)) == expected


def test_what_is_recorded_of_the_original_is_what_is_said(model: Model) -> None:
    """The words of the errors that the original raises."""
    told = golden.facts("reference_failures.json")
    said = {
        "generate_batch2_text": ("a batch of text with a mask", "sdpa-decoding-with-mask"),
        "no_image_token": ("no placeholder", "placeholders"),
    }
    for recorded, (case, finding_id) in said.items():
        found = {finding.id: finding for finding in findings(run(model, *CASES[case][0]))}
        assert told[recorded]["raised"] in found[finding_id].message


def test_training_mode(model: Model) -> None:
    model.train()
    try:
        assert ids_of(run(model, {"input_ids": text(12)})) == {"training-mode": "note"}
        assert ids_of(run(model, {"input_ids": text(80)}))["training-mode"] == "warning"
    finally:
        model.eval()


def test_eight_bits() -> None:
    quantised = golden.model(faithful=False, quantised=True)
    assert ids_of(run(quantised, {"input_ids": text(12)})) == {"quantisation-cuts-off": "note"}
    mask = torch.ones(2, 12, dtype=torch.long)
    mask[0, :3] = 0
    found = ids_of(run(quantised, {"input_ids": text(12, 2), "attention_mask": mask}))
    assert found == {"quantisation-cuts-off": "note", "padding-in-the-scale": "note"}


def test_pictures_are_made_ready_in_two_ways(parts: dict[str, Path]) -> None:
    for faithful, words in (
        (False, "Pictures were made ready as in training"),
        (True, "As when the original is"),
    ):
        trace = inspector.load(**parts, faithful=faithful).trace("hi", images=picture(90, 60))
        found = {finding.id: finding for finding in findings(trace)}["pictures-differ-from-training"]
        assert found.message.startswith(words)
        assert found.evidence == {"sizes": ["90×60"]}


def test_a_finding_has_the_fields_of_doctor(model: Model) -> None:
    found = findings(run(model, *CASES["a long prompt"][0]))[0].to_json()
    assert list(found) == ["id", "severity", "message", "path", "evidence", "advice"]
    assert found["path"] == "language_model.transformer.rotary_emb"
    assert found["evidence"] == {"tokens": 80, "seq_length": 64}


def test_other_models_have_no_original() -> None:
    other = tiny("llama")
    with torch.no_grad(), inspector.capture(other) as trace:
        other(**tiny_inputs("llama"))
    with pytest.raises(InputError, match="the trace is of a model of the type 'llama'"):
        findings(trace)
