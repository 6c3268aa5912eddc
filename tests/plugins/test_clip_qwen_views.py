"""What the views of CLIP + Qwen show, held against the recording and against the model itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import inspector
from inspector import Heatmap, InputError, Part, Table, Text, Trace, View
from inspector.__main__ import main
from inspector_plugins.clip_qwen import inspector_views
from inspector_plugins.clip_qwen.reading import forwards
from inspector_plugins.clip_qwen.rotary import effective_base
from inspector_plugins.clip_qwen.views.rotary import unused_positions
from tests.fakes import picture, save_tiny
from tests.plugins import golden
from tests.plugins.test_clip_qwen_model import padded, pictures, rows

VIEWS: dict[str, View] = {view.name: view for view in inspector_views()}


@pytest.fixture(scope="module")
def long() -> Trace:
    """A left-padded batch that crosses seq_length while decoding, in 8 bits: a prefill and three steps."""
    model = golden.model(faithful=False, quantised=True)
    inputs = {**padded(rows((52, 1), (40, 1))), "pixel_values": pictures(2)}
    with inspector.capture(model, values="*") as trace:
        model.generate(**inputs, max_new_tokens=4, do_sample=False, pad_token_id=0)
    return trace


def table(parts: Sequence[Part], title: str) -> list[dict[str, Any]]:
    """The rows of a part by the names of its columns."""
    part = next(part for part in parts if part.title.startswith(title))
    assert isinstance(part, Table)
    names = [column.name for column in part.columns]
    return [dict(zip(names, row, strict=True)) for row in part.rows]


def test_merge(long: Trace) -> None:
    parts = VIEWS["merge"](long, row="1")
    first, second = table(parts, "Rows")
    assert first == {
        "row": 0,
        "ids": 52,
        "placeholders cut": 1,
        "features": 16,
        "padding in front": 0,
        "merged length": 67,
    }
    assert second["merged length"] == 67
    ids = long.value(0, "input.input_ids")
    column = int((ids[1] == 500).nonzero()[0])
    assert table(parts, "Pictures")[1] == {
        "picture": 1,
        "row": 1,
        "placeholder at": column,
        "features": 16,
        "from": column,
        "to": column + 15,
    }
    positions = table(parts, "Positions of row 1")
    assert [row["origin"] for row in positions[:12]] == ["padding"] * 12
    assert positions[column - 1]["id"] == int(ids[1, column - 1])
    assert positions[column + 6] == {
        "index": column + 6,
        "origin": "picture",
        "column of the ids": column,
        "id": None,
        "text": "",
        "picture": 1,
        "patch row": 1,
        "patch column": 2,
        "position": column + 6 - 12,
    }
    assert positions[-1]["position"] == 67 - 12 - 1


def test_merge_without_a_picture(long: Trace) -> None:
    (part,) = VIEWS["merge"](long, step="1")
    assert isinstance(part, Text)
    assert part.text.startswith("No picture was given")
    assert isinstance(VIEWS["projector"](long, step="1")[0], Text)


def test_projector(long: Trace) -> None:
    stages = {row["stage"]: row for row in table(VIEWS["projector"](long), "From picture")}
    assert stages["patches"]["what"] == "16 patches behind one class token"
    assert stages["class token dropped"]["what"].startswith("17 states become 16")
    assert stages["projector, layer 2"]["shape"] == "f32[2,16,64]"
    norms = long.value(long.call("multi_modal_projector").index).norm(dim=-1).mean().item()
    assert stages["projector, layer 2"]["mean norm"] == pytest.approx(norms)


def test_ntk_and_logn(long: Trace) -> None:
    parts = VIEWS["ntk"](long)
    steps = table(parts, "Steps")
    assert [(step["tokens"], step["keys"], step["NTK alpha"]) for step in steps] == [
        (67, 67, "1, 3"),
        (1, 68, "1, 3"),
        (1, 69, "1, 3"),
        (1, 70, "1, 3"),
    ]
    shown = table(parts, "Row 0")
    assert [row["NTK alpha"] for row in shown] == [1] * 64 + [3] * 3
    assert shown[-1]["effective base"] == pytest.approx(effective_base(10000, 3, 16))
    assert shown[-1]["log-n factor"] == pytest.approx(long.value(_rotary(long), "output.logn")[0, -1].item())
    cos = next(part for part in parts if isinstance(part, Heatmap) and part.title.startswith("cos"))
    assert torch.equal(torch.tensor(cos.values), long.value(_rotary(long), "output.cos")[0])
    assert [row["NTK alpha"] for row in table(VIEWS["ntk"](long, row="1"), "Row 1")] == [1] * 67


def test_the_cache_in_both_layouts_and_in_bytes(long: Trace) -> None:
    parts = VIEWS["kv-cache"](long, layer="2", row="1", head="3")
    layers = {row["part"]: row for row in table(parts, "Cache after step 3")}
    assert (layers["keys"]["layers"], layers["keys"]["held"]) == ("0 … 2", "u8[2,4,70,16]")
    assert layers["keys"]["as [batch, seq, heads, dim]"] == "[2,70,4,16]"
    assert layers["keys"]["bytes"] == 2 * 4 * 70 * 16
    scales = table(parts, "Scale and zero of layer 2, row 1, head 3")
    assert len(scales) == 70
    assert len({row["key scale"] for row in scales[:67]}) == 1  # those of the prefill share one
    root = forwards(long)[-1].root
    expected = long.value(root, "output.past_key_values.layers[2].key_zero")[1, 3, -1, 0].item()
    assert scales[-1]["key zero"] == pytest.approx(expected)
    keys = next(part for part in parts if isinstance(part, Heatmap) and part.title.startswith("keys"))
    assert torch.tensor(keys.values).shape == (70, 16)


@pytest.mark.parametrize("name", golden.case_names())
def test_unused_position_ids(name: str) -> None:
    """Those that the original computes, wrong while decoding, and uses for nothing."""
    case, expected = golden.facts("cases.json")[name], golden.tensors(f"cases/case_{name}.safetensors")
    model, cache = golden.model(quantised=case["cache_quantization"]), None
    with inspector.capture(model) as trace, torch.no_grad():
        for step, told in enumerate(case["steps"]):
            cache = model(
                input_ids=expected[f"step{step}.input_ids"],
                pixel_values=expected.get("pixel_values") if told["images_passed"] and not step else None,
                past_key_values=cache,
                use_cache=case.get("use_cache", True),
            ).past_key_values
    for step, forward in enumerate(forwards(trace)):
        assert unused_positions(forward) == expected[f"step{step}.position_ids_computed"][0].tolist()


def test_quirks(long: Trace) -> None:
    (part,) = VIEWS["quirks"](long)
    assert isinstance(part, Table)
    severities = [row[0] for row in part.rows]
    assert severities == sorted(severities, key=("error", "warning", "note").index)
    assert "--faithful gives the original's numbers" in part.note


def test_options_out_of_range(long: Trace) -> None:
    for name, option, value in (("merge", "row", "2"), ("ntk", "step", "9"), ("kv-cache", "head", "x")):
        with pytest.raises(InputError, match=rf"{value}"):
            VIEWS[name](long, **{option: value})


def test_a_saved_trace_shows_the_same(long: Trace, tmp_path: Path) -> None:
    opened = Trace.open(long.save(tmp_path / "trace"))
    for view in VIEWS.values():
        for mine, theirs in zip(view(opened), view(long), strict=True):
            assert (type(mine), mine.title) == (type(theirs), theirs.title)
            if isinstance(mine, Table) and isinstance(theirs, Table):
                assert list(mine.rows) == list(theirs.rows)


def test_a_llava_of_clip_and_qwen2(parts: dict[str, Path], tmp_path: Path) -> None:
    session = inspector.load(save_tiny("qwen2", tmp_path / "qwen2"), vision=parts["vision"])
    values = [glob for view in VIEWS.values() for glob in view.values]
    trace = session.trace("hi", images=picture(90, 60), values=values)
    merge = VIEWS["merge"](trace)
    placeholders = [token.index for token in trace.tokens[0] if token.kind == "image"]
    (only,) = table(merge, "Pictures")
    assert (only["from"], only["to"], only["features"]) == (placeholders[0], placeholders[-1], 16)
    assert table(merge, "Rows")[0]["merged length"] == len(trace.tokens[0])
    assert "the sequence keeps its length" in merge[0].text  # type: ignore[union-attr]
    assert table(VIEWS["projector"](trace), "From picture")[3]["what"].startswith("17 states become 16")
    assert table(VIEWS["ntk"](trace), "Steps")[0]["NTK alpha"] == "none"
    assert table(VIEWS["kv-cache"](trace), "Cache")[0]["held"].endswith(",8]")
    assert "no original" in VIEWS["quirks"](trace)[0].text  # type: ignore[union-attr]


def test_from_the_command_line(parts: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture(90, 60).save(tmp_path / "picture.png")
    directories = ["--vision", str(parts["vision"]), "--adapter", str(parts["adapter"])]
    question = ["--prompt", "hi", "--image", str(tmp_path / "picture.png"), "--format", "json"]
    for view in VIEWS.values():
        assert main(["view", view.name, str(parts["reference"]), *directories, *question]) == 0
        data = json.loads(capsys.readouterr().out)
        assert data["view"] == view.name
        assert data["parts"]


def _rotary(trace: Trace) -> Any:
    return next(trace.find("*rotary_emb"))
