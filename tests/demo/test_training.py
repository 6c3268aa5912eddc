"""What training sees is what the library encodes, and what it and the evaluation say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from random import Random

import click
import pytest
import torch
import train_demo
from demo_training import attention
from demo_training.asking import kinds
from demo_training.auxiliary import AuxiliaryHeads, labels
from demo_training.evaluation import _attention, evaluate, table
from demo_training.lessons import Lesson, Plan, lessons
from demo_training.loop import Report, Settings, thinned
from demo_training.qwen2_5_vl import SIZES, TinyQwen2_5_VL
from demo_training.scenes import COLORS, SHAPES, Scene, Thing
from rich.console import Console

import inspector
from inspector import Session
from inspector.models.inputs import make_request
from tests.hygiene.tree import ROOT

PLANS = [Plan(2, 112, 112), Plan(2, 140, 84), Plan(2, 84, 168), Plan(2, 112, 112, frames=6)]


@pytest.fixture(scope="module")
def tiny() -> TinyQwen2_5_VL:
    torch.manual_seed(0)
    return TinyQwen2_5_VL()


@pytest.fixture(scope="module")
def session(tiny: TinyQwen2_5_VL, tmp_path_factory: pytest.TempPathFactory) -> Session:
    directory = tmp_path_factory.mktemp("checkpoint")
    tiny.save(directory)
    return inspector.load(directory)


@pytest.mark.parametrize("plan", PLANS)
def test_a_turn_of_a_row_is_what_the_library_encodes(plan: Plan, tiny: TinyQwen2_5_VL, session: Session) -> None:
    """Ids, positions, patches and the mask of a question, taken out of its row."""
    lesson = lessons(plan, Random(4))[1]
    clip = plan.frames > 1
    packed = tiny.packer.pack([lesson], tiny.block(tiny.grid(lesson), still=not clip))
    pictures, clips = ((), [lesson.frames]) if clip else (lesson.frames, ())
    expected = session.encode(
        make_request(lesson.asked[2][0], pictures, None, None, False, clips, 2.0 if clip else None, None)
    ).tensors
    segments = packed.segments[0]
    kept = (segments == 0) | (segments == 1) | (segments == 4)
    length = expected["input_ids"].shape[1]
    assert torch.equal(packed.ids[0][kept][:length], expected["input_ids"][0])
    assert torch.equal(tiny.patches(lesson), expected["pixel_values_videos" if clip else "pixel_values"])
    indexed = {name: value for name, value in expected.items() if not name.startswith("pixel")}
    positions, _ = session.model.model.get_rope_index(**indexed)
    assert torch.equal(packed.positions[:, 0][:, kept][:, :length], positions[:, 0])
    visible = packed.visible[0, 0][kept]
    assert torch.equal(visible[:, kept], torch.ones(int(kept.sum()), int(kept.sum())).tril().bool())
    assert not visible[:, ~kept].any()


def test_a_turn_without_the_picture_does_not_see_it(tiny: TinyQwen2_5_VL) -> None:
    lesson = lessons(Plan(1, 84, 84), Random(0))[0]
    lesson = Lesson(lesson.scene, lesson.frames, lesson.asked, [("Hello", "Hi!")])
    packed = tiny.packer.pack([lesson], tiny.block(tiny.grid(lesson), still=True))
    segments, visible = packed.segments[0], packed.visible[0, 0]
    chatted = segments == -1
    assert not visible[chatted][:, (segments != 0) & ~chatted].any()
    assert visible[chatted][:, segments == 0].all()


def test_only_answers_are_learned(tiny: TinyQwen2_5_VL) -> None:
    lesson = lessons(Plan(1, 84, 84), Random(0))[0]
    lesson = Lesson(lesson.scene, lesson.frames, [("Hi", "Yes.")], [])
    packed = tiny.packer.pack([lesson], tiny.block(tiny.grid(lesson), still=True))
    learned = packed.targets[0][packed.targets[0] >= 0]
    assert tiny.tokenizer.decode(learned) == "Yes.<|im_end|>"


def test_labels_say_what_lies_at_each_token() -> None:
    scene = Scene((Thing("green", "square", "bottom right", 0.8, 0.8, 0.15),))
    lesson = Lesson(scene, lessons(Plan(1, 112, 112), Random(0))[0].frames, [], [])
    found = labels([lesson], 1, 4, 4)[0].view(4, 4, -1)
    green, square = COLORS.index("green") + 1, SHAPES.index("square") + 1
    assert found[3, 3].tolist() == [green, square, 3, 3, 2, 2]
    assert found[0, 1].tolist() == [0, 0, 0, 1, -100, -100]


@pytest.mark.parametrize("plan", PLANS)
def test_attention_for_training_computes_what_sdpa_does(
    plan: Plan, tiny: TinyQwen2_5_VL, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, heads = lessons(plan, Random(1)), AuxiliaryHeads(tiny.width)
    with torch.no_grad():
        fast = tiny.losses(batch, heads)
        monkeypatch.setattr(attention, "used_by", lambda *configs: nullcontext())
        assert torch.stack(fast) == pytest.approx(torch.stack(tiny.losses(batch, heads)), rel=1e-5)
    assert tiny.model.config.text_config._attn_implementation == "sdpa"


def test_usual_pictures_become_sizes_that_were_trained(session: Session) -> None:
    sides = [(1920, 1080), (640, 480), (480, 640), (1000, 1000), (300, 200), (32, 32), (200, 300), (112, 112)]
    for width, height in sides:
        request = make_request("What is this?", [_plain(width, height)], None, None, False)
        _, rows, columns = session.encode(request).tensors["image_grid_thw"][0].tolist()
        assert (columns * 14, rows * 14) in SIZES, (width, height)


def _plain(width: int, height: int) -> object:
    from PIL import Image

    return Image.new("RGB", (width, height), "white")


def test_lessons_follow_from_the_seed() -> None:
    one, other = (lessons(PLANS[0], Random("0/7")) for _ in range(2))
    assert [(lesson.scene, lesson.asked, lesson.chatted) for lesson in one] == [
        (lesson.scene, lesson.asked, lesson.chatted) for lesson in other
    ]


def test_a_line_is_said_of_so_many_steps_with_their_mean_losses() -> None:
    said: list[str] = []
    reports = [Report(step, step / 4, 1.0, answers=step, auxiliary=0.5) for step in range(1, 5)]
    assert list(thinned(iter(reports), 2, said.append)) == reports
    assert said == [" 50%  step 2  answers 1.500  auxiliary 0.500", "100%  step 4  answers 3.500  auxiliary 0.500"]


@pytest.mark.parametrize(("done", "kept"), [(0.05, "holds nothing"), (0.35, "holds the checkpoint at 30 %")])
def test_who_stops_a_training_is_told_what_is_left_of_it(
    done: float, kept: str, tiny: TinyQwen2_5_VL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object) -> Iterator[Report]:
        yield Report(1, done, 1.0, 0.5, 0.5)
        raise KeyboardInterrupt

    monkeypatch.setattr(train_demo, "train", interrupted)
    with pytest.raises(click.ClickException, match=kept):
        train_demo.learn(tiny, Settings(60), tmp_path, Console(stderr=True))
    assert (tmp_path / "config.json").exists() == (done > 0.1)


def test_the_evaluation_of_a_checkpoint_that_learned_nothing_says_what_is_missing(session: Session) -> None:
    ((_, text),) = _attention(session, SIZES, clips=False, number=1)
    assert "no caption was right" in text


def test_the_evaluation_makes_a_table() -> None:
    said: list[str] = []
    rows = evaluate("demo:qwen2.5-vl", SIZES, clips=True, number=2, say=said.append)
    assert len(said) == len(rows)
    names = {name for name, _ in rows}
    assert {f"exact match, {kind}" for kind in kinds(clips=True)} < names
    assert "| grammatical at the default settings | 100.0% of 192 |" in table(rows)


def test_the_command_says_what_it_does() -> None:
    command = [sys.executable, ROOT / "examples" / "train_demo.py", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--evaluate" in done.stdout
