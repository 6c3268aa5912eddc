"""Lessons: pictures with questions about them and answers in wordings drawn by chance."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image

from .drawing import draw_frames
from .questions import Question, about, chat, loosely
from .scenes import Scene, sample, sample_clip

Turn = tuple[str, str]
"""What is asked, and what is answered."""

QUESTIONS = 5
"""Questions about one picture."""
CHATTED = 0.25
"""So many pictures come with a prompt that does without them."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A picture, or the frames of a clip, with turns about it (`asked`) and turns that do not see it (`chatted`)."""

    scene: Scene
    frames: list[Image.Image]
    asked: list[Turn]
    chatted: list[Turn]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch is made of: so many pictures of a width and height; clips where `frames` is above 1.

    `simple` is the share of scenes with a single shape beyond those that occur anyway.
    """

    pictures: int
    width: int
    height: int
    frames: int = 1
    simple: float = 0.0


def lessons(plan: Plan, random: Random, held_out: bool = False) -> list[Lesson]:
    """The lessons of a batch."""
    return [_lesson(plan, random, held_out) for _ in range(plan.pictures)]


def _lesson(plan: Plan, random: Random, held_out: bool) -> Lesson:
    if plan.frames > 1:
        scene = sample_clip(random, held_out)
    else:
        scene = sample(random, held_out, 1 if random.random() < plan.simple else None)
    frames = draw_frames(scene, plan.width, plan.height, plan.frames, random)
    asked = [_turn(question, random) for question in about(scene, QUESTIONS, random)]
    chatted = [_turn(chat(random, sample(random)), random)] if random.random() < CHATTED else []
    return Lesson(scene, frames, asked, chatted)


def _turn(question: Question, random: Random) -> Turn:
    return loosely(question.text, random), random.choice(question.answers)
