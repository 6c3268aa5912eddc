from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from inspector.trace import Trace
from tests.cli.conftest import Run
from tests.fakes import picture

STATS = {"min", "max", "mean", "std", "nan", "inf"}


def check_value(value: Any) -> None:
    if not isinstance(value, dict):
        assert value is None or isinstance(value, (str, int, float, bool))
        return
    added = {"stats", "origin", "value", "sources", "via"}
    assert {"shape", "dtype", "device"} <= set(value) <= {"shape", "dtype", "device"} | added
    assert all(isinstance(size, int) for size in value["shape"])
    assert set(value.get("stats", STATS)) == STATS


def check_trace(data: dict[str, Any]) -> None:
    """The contract `inspector.trace/1` of DESIGN 6.1, and the fields that this version adds to it."""
    model = {"reference", "family", "class", "parameters", "dtype", "device", "attention", "shape_only"}
    added = {"config", "facts", "texts", "media", "modules", "notices"}
    assert set(data) == {"format", "model", "tokens", "calls", "failure"} | added
    assert data["format"] == "inspector.trace/1"
    assert set(data["model"]) == model
    for row in data["tokens"]:
        for index, token in enumerate(row):
            assert set(token) == {"index", "id", "text", "kind", "position"}
            assert token["index"] == index
            assert token["kind"] in {"text", "image", "video", "pad", "special"}
    for index, call in enumerate(data["calls"]):
        keys = {"index", "step", "parent", "depth", "path", "class", "role", "inputs", "outputs", "seconds", "error"}
        assert keys <= set(call) <= keys | {"memory"}
        assert call["index"] == index
        assert call["parent"] is None or call["parent"] < index
        for value in (*call["inputs"].values(), *call["outputs"].values()):
            check_value(value)


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_is_the_contract(run: Run, checkpoints: Path) -> None:
    picture = checkpoints / "picture.png"
    ended = run("trace", checkpoints / "qwen2_5_vl", "--prompt", "你好?", "--image", picture, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    data = strict(ended.out)
    check_trace(data)
    assert data["failure"] is None
    assert data["calls"][0]["path"] == ""
    assert {token["kind"] for token in data["tokens"][0]} >= {"text", "image"}
    assert "stats" not in data["calls"][-1]["outputs"]["output"]


def test_stats_and_values(run: Run, checkpoints: Path) -> None:
    command = ("trace", checkpoints / "qwen2", "--prompt", "Hi", "--stats", "--values", "lm_head", "--format", "json")
    output = strict(run(*command).out)["calls"][-1]["outputs"]["output"]
    check_value(output)
    assert {"stats", "value"} <= set(output)


def test_json_lines(run: Run, checkpoints: Path) -> None:
    ended = run("trace", checkpoints / "qwen2", "--prompt", "Hi", "--format", "jsonl")
    head, *calls = map(strict, ended.out.splitlines())
    assert head["model"]["class"] == "Qwen2ForCausalLM"
    assert "calls" not in head
    check_trace({**head, "calls": calls})


def test_csv(run: Run, checkpoints: Path) -> None:
    ended = run("trace", checkpoints / "qwen2", "--prompt", "Hi", "--format", "csv")
    rows = list(csv.DictReader(ended.out.splitlines()))
    assert [row["call"] for row in rows] == list(map(str, range(len(rows))))
    assert float(rows[0]["seconds"]) > 0


def test_text_is_a_tree_and_a_summary(run: Run, checkpoints: Path) -> None:
    ended = run("trace", checkpoints / "qwen2", "--prompt", "Hi")
    assert "│  ├─ layers.0 " in ended.out
    assert "f32[1," in ended.out
    assert "Qwen2ForCausalLM · 36.1 K parameters" in ended.out.split("Summary")[1]
    assert "\x1b" not in ended.out


def test_a_batch_and_messages(run: Run, checkpoints: Path) -> None:
    ended = run("trace", checkpoints / "qwen2", "--prompt", "Hi", "--prompt", "A longer one", "--format", "json")
    first, second = strict(ended.out)["tokens"]
    assert len(first) == len(second)
    assert first[0]["kind"] == "pad"
    Path("talk.json").write_text('[{"role": "user", "content": "Hi"}]')
    assert (
        "Hi"
        in strict(run("trace", checkpoints / "qwen2", "--messages", "talk.json", "--format", "json").out)["texts"][0]
    )


def test_shape_only(run: Run, checkpoints: Path) -> None:
    ended = run("trace", checkpoints / "qwen2", "--prompt", "Hi", "--shape-only", "--format", "json")
    data = strict(ended.out)
    check_trace(data)
    assert data["model"]["shape_only"] is True


def test_saving(run: Run, checkpoints: Path) -> None:
    command = ("trace", checkpoints / "qwen2", "--prompt", "Hi", "--values", "lm_head", "-o", "kept")
    ended = run(*command)
    assert ended.code == 0
    assert "saved in kept" in ended.err
    trace = Trace.open("kept")
    assert trace.value(trace.call("lm_head")).shape[-1] == 320
    refused = run(*command)
    assert refused.code == 2
    assert "kept exists" in refused.err
    assert refused.out == ""
    assert run(*command, "--force").code == 0


def test_a_directory_that_is_no_trace_is_never_replaced(run: Run, checkpoints: Path) -> None:
    Path("mine").mkdir()
    ended = run("trace", checkpoints / "qwen2", "--prompt", "Hi", "-o", "mine", "--force")
    assert ended.code == 2
    assert "is no trace" in ended.err


def test_a_forward_that_fails(run: Run, checkpoints: Path, state: Path) -> None:
    ended = run("trace", checkpoints / "failing", "--prompt", "Hi", "--format", "json")
    assert ended.code == 3
    data = strict(ended.out)
    check_trace(data)
    assert {"path", "class", "error", "message", "line", "file", "ports"} <= set(data["failure"])
    assert data["failure"]["path"] == "model.language_model.rotary_emb"
    assert data["calls"][0]["error"] == data["calls"][-1]["error"] == "RuntimeError"
    (kept,) = (state / "post-mortem").iterdir()
    assert str(kept) in ended.err
    assert "model.language_model.rotary_emb, Qwen2_5_VLRotaryEmbedding" in ended.err
    assert f":{data['failure']['line']})" in ended.err
    assert "local.freq          f32[3,1,21,8]" in ended.err
    assert "input.position_ids  i64[3,1,21] n=63 x∈[0, 20]" in ended.err
    assert "Traceback" not in ended.err
    assert Trace.open(kept).failure is not None


def test_the_post_mortem_goes_where_the_user_said(run: Run, checkpoints: Path, state: Path) -> None:
    ended = run("trace", checkpoints / "failing", "--prompt", "Hi", "-o", "here")
    assert ended.code == 3
    assert not (state / "post-mortem").exists()
    assert Trace.open("here").failure is not None
    assert "failed in" in ended.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "--prompt"),
        (["--prompt", ""], "empty"),
        (["--prompt", "x", "--messages", "y.json"], "give one of them"),
        (["--prompt", "x", "--budget", "lots"], "'lots' is no size"),
        (["--prompt", "x", "--dtype", "float23"], "There is no dtype 'float23'"),
        (["--prompt", "x", "--device", "tpu"], "tpu"),
        (["--prompt", "x", "--attn", "spda"], "spda"),
        (["--prompt", "x", "--image", "no.png"], "no.png"),
        (["--prompt", "x", "--format", "svg"], "'svg' is not one of"),
    ],
)
def test_bad_requests(run: Run, checkpoints: Path, args: list[str], message: str) -> None:
    ended = run("trace", checkpoints / "qwen2_5_vl", *args)
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_an_unknown_model_with_what_is_near(run: Run, checkpoints: Path) -> None:
    ended = run("trace", checkpoints / "qwen3", "--prompt", "x")
    assert ended.code == 2
    assert f"Did you mean {checkpoints / 'qwen2'}" in ended.err


def test_a_saved_trace_is_no_model(run: Run, saved: Path) -> None:
    ended = run("trace", saved, "--prompt", "x")
    assert ended.code == 2
    assert "saved trace" in ended.err


NOTHING_ASKED = "Nothing was asked for, which means 2 a second"


def test_a_video(run: Run, checkpoints: Path) -> None:
    first, *rest = [picture(84, 56, seed=seed) for seed in range(6)]
    first.save("moving.gif", save_all=True, append_images=rest, duration=250)
    ended = run("trace", checkpoints / "qwen2_5_vl", "--prompt", "What?", "--video", "moving.gif", "--format", "json")
    data = json.loads(ended.out)
    check_trace(data)
    assert data["media"] == [
        {"kind": "video", "source": "moving.gif", "width": 84, "height": 56}
        | {"frames": 6, "sampled": [0, 1, 3, 4], "fps": 4.0, "seconds_per_grid": 0.75}
        | {"sampling": f"4 of 6 frames: at least 4 (min_frames). {NOTHING_ASKED}: 3, filmed at 4 a second."}
    ]
    assert sum(token["kind"] == "video" for token in data["tokens"][0]) == 2 * 2 * 3
    two = run(
        "trace", checkpoints / "qwen2_5_vl", "--prompt", "What?", "--video", "moving.gif", "--frames", "2", "--fps", 3
    )
    assert (two.code, "--fps and --frames are two ways" in two.err) == (2, True)


def test_a_conversation_from_a_file(run: Run, checkpoints: Path) -> None:
    parts = [{"type": "image", "image": "picture.png"}, {"type": "text", "text": "What?"}]
    (checkpoints / "talk.json").write_text(json.dumps([{"role": "user", "content": parts}]))
    file = checkpoints / "talk.json"
    ended = run("trace", checkpoints / "qwen2_5_vl", "--messages", file, "--format", "json")
    assert ended.code == 0
    assert json.loads(ended.out)["media"][0]["source"] == str(checkpoints / "picture.png")
