"""`inspector generate`: its options, its three formats, what it keeps, and how it fails."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import GenerationConfig

import inspector
from inspector import NamedLogitsProcessor, hookimpl
from inspector.cli import running
from inspector.cli.generation_options import NOT_HERE, documented
from inspector.generation.options import ELSEWHERE
from inspector.plugins import Plugins
from inspector.trace import Trace
from tests.cli.conftest import Run
from tests.cli.test_trace import strict
from tests.generation.test_changes import Favour

MOVED_OUT = {*ELSEWHERE, "continuous_batching_config", "diversity_penalty", "low_memory", "num_beam_groups"}


def test_every_option_of_a_generation_configuration_is_offered_or_left_out_on_purpose() -> None:
    known = {name for name in vars(GenerationConfig()) if not name.startswith("_")} - {"transformers_version"}
    offered = {option.name for option in documented()}
    assert known - offered == MOVED_OUT
    assert offered - known == set()
    assert offered > NOT_HERE


def test_the_options_carry_transformers_own_names(run: Run) -> None:
    ended = run("generate", "--help")
    assert ended.code == 0
    for option in (
        "--max-new-tokens",
        "--do-sample",
        "--top-k",
        "--min-p",
        "--num-beams",
        "--prompt-lookup-num-tokens",
    ):
        assert option in ended.out


def lines(run: Run, *args: object) -> list[dict[str, Any]]:
    ended = run("generate", *args, "--format", "jsonl")
    assert ended.code == 0, ended.err
    return [strict(line) for line in ended.out.splitlines()]


def test_jsonl_is_the_contract(run: Run, checkpoints: Path) -> None:
    asked = (checkpoints / "qwen2", "--prompt", "hi", "--prompt", "good morning", "--max_new_tokens", 4)
    *steps, last = lines(run, *asked, "--do-sample", "--top-k", 5, "--temperature", 0.5, "--seed", 3)
    assert [(line["step"], line["row"]) for line in steps] == [(step, row) for step in range(4) for row in range(2)]
    for line in steps:
        assert set(line) >= {"step", "row", "input_length", "position", "processors", "chosen", "stopping", "cache"}
        assert [stage["name"] for stage in line["processors"]] == ["raw", "temperature", "top_k"]
        for stage in line["processors"]:
            assert set(stage) >= {"name", "parameters", "changed", "removed", "kept", "entropy", "top"}
            assert all(set(item) == {"id", "text", "score", "probability"} for item in stage["top"])
        assert set(line["chosen"]) >= {"id", "text", "probability", "rank"}
        assert set(line["cache"]) == {"length", "bytes"}
        assert line["seconds"] > 0
    assert set(last) >= {"done", "sequences", "texts", "reason"}
    session = inspector.load(checkpoints / "qwen2")
    inputs = session.encode(inspector.Request(("hi", "good morning"))).tensors
    torch.manual_seed(3)
    options = {"max_new_tokens": 4, "do_sample": True, "top_k": 5, "temperature": 0.5}
    assert last["sequences"] == session.model.generate(**inputs, **options).tolist()
    assert last["reason"] == "max_length"


def test_beams_and_drafts_are_told_on_their_lines(run: Run, checkpoints: Path) -> None:
    model = checkpoints / "qwen2"
    *steps, _ = lines(run, model, "--prompt", "hi", "--max-new-tokens", 3, "--num-beams", 2)
    assert all({"score", "parent", "tokens"} <= set(beam) for line in steps for beam in line.get("beams", ()))
    assert sum(len(line.get("beams", ())) for line in steps if line["step"] == 0) == 2
    *steps, _ = lines(run, model, "--prompt", "hi", "--max-new-tokens", 6, "--assistant", model)
    drafts = [line for line in steps if "drafted" in line]
    assert drafts
    assert all(line["accepted"] + line["rejected"] == line["drafted"] for line in drafts)
    assert len(steps) == 6


def test_text_and_csv_show_the_steps(run: Run, checkpoints: Path) -> None:
    asked = (checkpoints / "qwen2", "--prompt", "hi", "--max-new-tokens", 3)
    ended = run("generate", *asked)
    assert ended.code == 0
    assert "Steps of main" in ended.out
    assert "max_length" in ended.out
    ended = run("generate", *asked, "--format", "csv")
    header, *rows = csv.reader(ended.out.splitlines())
    assert header[:4] == ["step", "token", "probability", "rank"]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert "Beams of main" in run("generate", *asked, "--num-beams", 2).out


def test_a_saved_generation_is_shown_by_its_views(run: Run, checkpoints: Path, tmp_path: Path) -> None:
    asked = (
        checkpoints / "qwen2_5_vl",
        "--prompt",
        "hi",
        "--image",
        checkpoints / "picture.png",
        "--max-new-tokens",
        3,
    )
    target = tmp_path / "trace"
    ended = run("generate", *asked, "--suppress-tokens", "[261, 262]", "-o", target, "--calls")
    assert ended.code == 0
    assert f"saved in {target}" in ended.err
    trace = Trace.open(target)
    assert trace.generation is not None
    assert trace.generation.settings["suppress_tokens"] == [261, 262]
    assert {call.step for call in trace.calls} == {0, 1, 2}
    assert any(call.path == "model.visual" for call in trace.calls)
    for view in ("steps", "processors", "branches", "beams"):
        assert run("view", view, target).code == 0
    assert run("generate", *asked, "-o", target).code == 2
    assert run("generate", *asked, "-o", target, "--force").code == 0


def test_forcing_and_stopping_earlier(run: Run, checkpoints: Path) -> None:
    asked = (checkpoints / "qwen2", "--prompt", "hi", "--max-new-tokens", 9)
    *steps, last = lines(run, *asked, "--force-token", "2:P", "--force-token", "4:81", "--until", "token:Q")
    chosen = [line["chosen"] for line in steps]
    assert [(choice["text"], choice["forced"]) for choice in chosen if choice["forced"]] == [("P", True), ("Q", True)]
    assert len(steps) == 5
    assert last["reason"] is None


def test_a_watermark_is_written_as_json(run: Run, checkpoints: Path) -> None:
    asked = (checkpoints / "qwen2", "--prompt", "hi", "--max-new-tokens", 2, "--watermarking-config")
    *steps, _ = lines(run, *asked, '{"bias": 2.0}')
    assert [stage["name"] for stage in steps[0]["processors"]] == ["raw", "watermarking_config"]
    *steps, _ = lines(run, *asked, '{"ngram_len": 3, "keys": [1, 5], "sampling_table_size": 64}')
    assert steps[0]["processors"][1]["parameters"]["ngram_len"] == 3
    ended = run("generate", *asked, '{"bais": 2.0}')
    assert (ended.code, ended.out) == (2, "")
    assert "watermarking_config" in ended.err


def test_a_processor_of_a_plugin_by_its_name(run: Run, checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @hookimpl
    def inspector_logits_processors() -> list[NamedLogitsProcessor]:
        return [NamedLogitsProcessor("favour", "Lifts a token", Favour)]

    plugin = SimpleNamespace(__name__="theirs", inspector_logits_processors=inspector_logits_processors)
    monkeypatch.setattr(running, "installed", lambda: Plugins(plugin))
    asked = (checkpoints / "qwen2", "--prompt", "hi", "--max-new-tokens", 2)
    *steps, _ = lines(run, *asked, "--processor", "favour")
    assert [line["chosen"]["id"] for line in steps] == [65, 65]
    ended = run("generate", *asked, "--processor", "favor")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean favour" in ended.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--top-p", "3"), "top_p is 3.0, which is out of range"),
        (("--temperature", "warm"), "not a valid float"),
        (("--sequence-bias", "[[[5], 3.0"), "is no JSON"),
        (("--max-length", "2"), "leaves no room"),
        (("--force-token", "P"), "a step and a token were expected"),
        (("--force-token", "0:Pa"), "is not one token for this model but 2"),
        (("--until", "soon"), "is no condition"),
        (("--prompt", "two", "--prompt-lookup-num-tokens", "2"), "batch"),
    ],
)
def test_bad_requests_are_one_clear_message(
    run: Run, checkpoints: Path, options: tuple[str, ...], message: str
) -> None:
    ended = run("generate", checkpoints / "qwen2", "--prompt", "hi", *options)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_a_forward_that_fails_exits_with_3_and_keeps_what_there_is(run: Run, checkpoints: Path, tmp_path: Path) -> None:
    target = tmp_path / "trace"
    asked = ("--prompt", "hi", "--image", checkpoints / "picture.png", "--calls", "-o", target)
    ended = run("generate", checkpoints / "failing", *asked)
    assert ended.code == 3
    trace = Trace.open(target)
    assert trace.failure is not None
    assert trace.calls


def test_a_model_without_weights_is_refused(run: Run) -> None:
    ended = run("generate", "preset:Qwen2.5-0.5B", "--prompt", "hi")
    assert ended.code == 2
    assert "--random-weights" in ended.err


def test_nothing_is_printed_beside_the_data(run: Run, checkpoints: Path) -> None:
    ended = run("generate", checkpoints / "qwen2", "--prompt", "hi", "--max-new-tokens", 2, "--format", "jsonl")
    assert all(json.loads(line) for line in ended.out.splitlines())
    assert ended.err == ""
