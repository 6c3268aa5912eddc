"""What can be copied: the Python is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.models import Options
from inspector.models.inputs import Request
from inspector.trace import Trace
from inspector.tui.copying import choices, snippet
from inspector.tui.runs import Question, Run
from tests.fakes import save_tiny
from tests.traces import model_info, small_trace


def test_the_choices_for_a_port() -> None:
    trace = small_trace()
    found = {choice.name: choice.text for choice in choices(Run(trace), 6, "output")}
    assert found["path"] == "language_model.layers.0"
    assert found["port"] == "language_model.layers.0:output"
    assert found["summary"].startswith("language_model.layers.0:output f32[1,12,16] n=192 x∈[")
    assert found["class"] == "DecoderLayer"
    assert "value" not in found
    assert choices(Run(trace), 6, "output", ("[0, 1, 2]", 0.5))[3].text == "0.5"


def test_the_root_has_no_path_to_copy() -> None:
    assert [choice.name for choice in choices(Run(small_trace()), 0, None)] == ["Python", "class"]


def test_python_for_a_saved_trace_arrives_at_the_tensor(tmp_path: Path) -> None:
    trace = small_trace()
    directory = trace.save(tmp_path / "it's.trace")
    call = trace.call("language_model.layers.1.mlp")
    scope: dict[str, object] = {}
    exec(snippet(Run(Trace.open(directory), directory=directory), call, "output", ("[0, 3, 4]", 0.0)), scope)
    assert tuple(scope["tensor"].shape) == (1, 12, 16)  # type: ignore[attr-defined]
    assert scope["value"] == trace.value(call, "output")[0, 3, 4]


def test_python_for_a_model_arrives_at_the_tensor(tmp_path: Path) -> None:
    import inspector

    directory = save_tiny("qwen2", tmp_path / "tiny")
    session = inspector.load(str(directory), attention="eager")
    question = Question(Request(('Say "hi"',), system="Be brief.", raw=False))
    run = Run(session.trace('Say "hi"'), session, question, Options(attention="eager"))
    call = next(call for call in run.trace.calls if call.path.endswith("layers.1.mlp"))
    written = snippet(run, call, "output")
    assert "attention='eager'" in written
    scope: dict[str, object] = {}
    exec(written, scope)
    assert scope["call"].path == call.path  # type: ignore[attr-defined]
    assert scope["tensor"].shape[-1] == 32  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("request_", "written"),
    [
        (Request(("a", "b")), "session.trace(['a', 'b'])"),
        (Request(("a",), (Path("x.png"), "y.png")), "session.trace('a', images=['x.png', 'y.png'])"),
        (Request(("a",), raw=True, system="s"), "session.trace('a', system='s', raw=True)"),
        (Request(messages=([{"role": "user", "content": "hi"}],)), "messages=[[{'role': 'user', 'content': 'hi'}]]"),
    ],
)
def test_the_question_as_python(request_: Request, written: str) -> None:
    trace = Trace(model_info(shape_only=True), calls=small_trace(values=False).calls)
    run = Run(trace, question=Question(request_))
    assert written in snippet(run, trace.calls[0], None)


def test_a_second_call_of_a_module_is_named_by_its_number() -> None:
    calls = small_trace(values=False).calls
    twice = [*calls, type(calls[1])(20, 0, None, 0, "visual", "TinyVision", None, {}, {})]
    assert "trace.call('visual', 1)" in snippet(Run(Trace(model_info(), calls=twice)), twice[-1], None)
