"""Held-out questions, and how a checkpoint is asked them: through the library, as its users do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import Any

import torch
from PIL import Image

from .drawing import draw_frames
from .questions import ABOUT_CLIPS, ABOUT_PICTURES, Question, ask, chat
from .scenes import Scene, sample, sample_clip

BATCH = 25
"""Questions that are answered at once; all have pictures of one size."""
FRAMES = 4
"""Of a clip, at two a second."""

Frames = Sequence[Image.Image]


@dataclass(frozen=True, slots=True)
class Case:
    """A question about a scene, and its picture or the frames of its clip; none for a prompt that comes without."""

    scene: Scene
    question: Question
    frames: Frames = ()


def cases(kind: str, number: int, sizes: Sequence[tuple[int, int]], seed: int = 1) -> list[Case]:
    """Held-out questions of a kind. The sizes of pictures change from batch to batch, the first being half of them."""
    random = Random(f"held out/{kind}/{seed}")
    found: list[Case] = []
    while len(found) < number:
        batch = len(found) // BATCH
        size = sizes[0] if batch % 2 == 0 or len(sizes) == 1 else sizes[1 + batch // 2 % (len(sizes) - 1)]
        case = _case(kind, size, random)
        if case.question.kind == kind:
            found.append(case)
    return found


def kinds(clips: bool) -> tuple[str, ...]:
    """Every kind of question that a model is asked."""
    return (*ABOUT_PICTURES, *(ABOUT_CLIPS if clips else ()), "text")


def _case(kind: str, size: tuple[int, int], random: Random) -> Case:
    if kind == "text":
        scene = sample(random, held_out=True)
        return Case(scene, chat(random, scene))
    clip = kind in ABOUT_CLIPS
    scene = (sample_clip if clip else sample)(random, held_out=True)
    return Case(scene, ask(scene, kind, random), draw_frames(scene, *size, FRAMES if clip else 1, random))


def answers(session: Any, cases: Sequence[Case], **generation: Any) -> list[str]:
    """What a session answers, greedily unless `generation` says otherwise."""
    return [answer for batch in batches(cases) for answer in _answers(session, batch, generation)]


def batches(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """In their order, with pictures, clips and neither apart."""
    for _, group in groupby(cases, lambda case: min(len(case.frames), 2)):
        alike = list(group)
        yield from (alike[start : start + BATCH] for start in range(0, len(alike), BATCH))


def encoded(session: Any, batch: Sequence[Case]) -> dict[str, torch.Tensor]:
    """The inputs of a batch, all of whose cases have pictures, or clips, or neither."""
    from inspector import Request

    clips = tuple(list(case.frames) for case in batch if len(case.frames) > 1)
    pictures = tuple(case.frames[0] for case in batch if len(case.frames) == 1)
    prompts = tuple(case.question.text for case in batch)
    request = Request(prompts, pictures, videos=clips, fps=2.0 if clips else None)
    return session.to_device(session.encode(request).tensors)  # type: ignore[no-any-return]


@torch.no_grad()
def _answers(session: Any, batch: Sequence[Case], generation: dict[str, Any]) -> list[str]:
    inputs = encoded(session, batch)
    options = {"do_sample": False, "temperature": None, "max_new_tokens": 40, **generation}
    ids = session.model.generate(**inputs, **options)
    new = ids[:, inputs["input_ids"].shape[1] :]
    return session.processor.tokenizer.batch_decode(new, skip_special_tokens=True)  # type: ignore[no-any-return]
