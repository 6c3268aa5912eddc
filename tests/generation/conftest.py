"""Sessions on tiny real models, one for all tests of generations, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import inspector
from inspector import Session
from tests.fakes import IMAGE, VIDEO, picture, save_tiny

NAMES = ("qwen2", "qwen2_5_vl", "gemma3_text")


@pytest.fixture(scope="session")
def session_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Session]:
    """Sessions by transformers' model type, each loaded once."""
    loaded: dict[str, Session] = {}

    def load(name: str) -> Session:
        if name not in loaded:
            loaded[name] = inspector.load(save_tiny(name, tmp_path_factory.mktemp("models") / name))
        return loaded[name]

    return load


@pytest.fixture(scope="session")
def text(session_of: Callable[[str], Session]) -> Session:
    return session_of("qwen2")


@pytest.fixture(scope="session")
def vision(session_of: Callable[[str], Session]) -> Session:
    return session_of("qwen2_5_vl")


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


def inputs_of(session: Session, rows: int) -> dict[str, Any]:
    """The tensors of `rows` questions of different lengths; a vision-language model gets two pictures in the first."""
    questions = ["Hi", "Good morning, you", "Two"][:rows]
    if session.family.name != "qwen2_5_vl":
        request = inspector.Request(tuple(questions))
    else:
        pictures = [picture(84, 56), picture(56, 112, seed=1), picture(56, 56, seed=2), picture(84, 84, seed=3)]
        parts = [[{"type": "image", "image": one} for one in pictures[:2]]]
        parts += [[{"type": "image", "image": one}] for one in pictures[2:]]
        asked = [
            [{"role": "user", "content": [*images, {"type": "text", "text": question}]}]
            for question, images in zip(questions, parts, strict=False)
        ]
        request = inspector.Request(messages=tuple(asked))
    return session.encode(request).tensors


def options_for(session: Session, **options: Any) -> dict[str, Any]:
    """Options under which a tiny vision-language model does not draw placeholders of pictures out of nowhere."""
    forbidden = {"suppress_tokens": [IMAGE, VIDEO]} if session.family.name == "qwen2_5_vl" else {}
    return {"max_new_tokens": 10, **forbidden, **options}


def plain(session: Session, inputs: dict[str, Any], seed: int, **options: Any) -> torch.Tensor:
    """What transformers' own generate returns."""
    torch.manual_seed(seed)
    sequences: torch.Tensor = session.model.generate(**session.to_device(inputs), **options)
    return sequences
