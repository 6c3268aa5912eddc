from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from inspector.views import BUILT_IN
from tests.cli.conftest import Run

LAYER = "language_model.layers.0"


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "svg"])
def test_every_view_in_every_format(run: Run, saved: Path, name: str, form: str) -> None:
    options = ["--call", LAYER] if name == "tensor" else []
    ended = run("view", name, saved, *options, "--format", form)
    assert ended.code == 0
    if form == "json":
        assert set(json.loads(ended.out)) == {"view", "parts"}
    elif form == "jsonl":
        assert all(isinstance(json.loads(line), dict) for line in ended.out.splitlines())
    elif form == "csv":
        rows = list(csv.reader(ended.out.splitlines()))
        assert len({len(row) for row in rows}) == 1
    elif form == "svg":
        assert ElementTree.fromstring(ended.out).tag.endswith("svg")


def test_stdout_is_data_and_stderr_is_narration(run: Run, saved: Path) -> None:
    ended = run("view", "tensor", saved, "--call", LAYER, "--format", "csv")
    assert "note: The tokenizer is a stand-in" in ended.err
    assert "--part chooses among 1 'Tensor'" in ended.err
    assert "note" not in ended.out


def test_options_of_a_view(run: Run, saved: Path) -> None:
    ended = run("view", "tensor", saved, "--call", "6", "--port", "output", "--slice", "[0,:2,:8]", "--format", "csv")
    header, *rows = csv.reader(ended.out.splitlines())
    assert header == ["axis 1", *map(str, range(8))]
    assert len(rows) == 2
    ended = run("view", "modules", saved, "--unfold", "--format", "jsonl")
    assert sum(json.loads(line)["label"] == "self_attn" for line in ended.out.splitlines()) == 3
    ended = run("view", "calls", saved, "--path", "*.norm", "--role", "norm", "--format", "jsonl")
    assert len(ended.out.splitlines()) == 4


def test_a_part(run: Run, saved: Path) -> None:
    by_number = run("view", "tensor", saved, "--call", LAYER, "--part", "2", "--format", "json")
    by_title = run("view", "tensor", saved, "--call", LAYER, "--part", "hist", "--format", "json")
    assert by_number.out == by_title.out
    (part,) = json.loads(by_title.out)["parts"]
    assert part["title"] == "Histogram"
    ended = run("view", "tensor", saved, "--call", LAYER, "--part", "9")
    assert (ended.code, "there are 1 'Tensor', 2 'Histogram'" in ended.err) == (2, True)


def test_the_list_of_views(run: Run) -> None:
    for args in (("view",), ("view", "--list"), ("view", "--help")):
        ended = run(*args)
        assert ended.code == 0
        assert all(name in ended.out for name in BUILT_IN)
    assert "--slice" in run("view", "tensor", "--help").out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["tensr", "TRACE"],
            f"There is no view 'tensr'; there are {', '.join(BUILT_IN)}",
        ),
        (["calls", "TRACE", "--role", "nrom"], "Did you mean norm?"),
        (["calls", "TRACE", "--call", "3"], "No such option"),
        (["calls"], "Missing argument 'TARGET'"),
        (["tensor", "TRACE"], "Which tensor?"),
        (["tensor", "TRACE", "--call", LAYER, "--slice", "[0, x]"], "'x' in the slice"),
        (["tokens", "TRACE", "--prompt", "x"], "is a saved trace"),
        (["tokens", "no/such/place"], "no/such/place"),
    ],
)
def test_bad_requests(run: Run, saved: Path, args: list[str], message: str) -> None:
    ended = run("view", *[str(saved) if arg == "TRACE" else arg for arg in args])
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": "inspector.trace/2"}', "Update Inspector"),
        ('{"a": 1}', "is no trace"),
        ('{"format": "insp', "damaged or was cut off"),
        ('{"format": "inspector.trace/1"}', "no whole trace"),
    ],
)
def test_a_trace_that_cannot_be_read(run: Run, content: str, message: str) -> None:
    Path("bad").mkdir()
    Path("bad/trace.json").write_text(content)
    ended = run("view", "calls", "bad")
    assert ended.code == 2
    assert message in ended.err
    assert "trace.json" in ended.err


def test_a_view_of_a_model_runs_it_first(run: Run, checkpoints: Path) -> None:
    model, picture = checkpoints / "qwen2_5_vl", checkpoints / "picture.png"
    ended = run("view", "tokens", model, "--prompt", "What?", "--image", picture, "--format", "jsonl")
    assert any(json.loads(line)["kind"] == "image" for line in ended.out.splitlines())


@pytest.mark.parametrize("call", ["model.layers.0", "4"])
def test_the_tensor_view_of_a_model_keeps_what_it_shows(run: Run, checkpoints: Path, call: str) -> None:
    command = ("view", "tensor", checkpoints / "qwen2", "--prompt", "Hi", "--call", call, "--format", "json")
    ended = run(*command)
    assert ended.code == 0
    parts = {part["title"]: part for part in json.loads(ended.out)["parts"]}
    assert ["module", "model.layers.0"] in parts["Tensor"]["rows"]
    assert "Heatmap" in parts


def test_the_modules_of_a_model_need_no_prompt(run: Run, checkpoints: Path) -> None:
    ended = run("view", "modules", checkpoints / "qwen2")
    assert ended.code == 0
    assert "layers.0 … layers.1  ×2" in ended.out
    asked = run("view", "memory", checkpoints / "qwen2")
    assert (asked.code, "--prompt" in asked.err) == (2, True)


def test_a_view_of_a_forward_that_fails(run: Run, checkpoints: Path, state: Path) -> None:
    ended = run("view", "calls", checkpoints / "failing", "--prompt", "Hi")
    assert ended.code == 3
    (kept,) = (state / "post-mortem").iterdir()
    again = run("view", "calls", kept, "--format", "jsonl")
    assert again.code == 0
    assert json.loads(again.out.splitlines()[0])["error"]
