"""Sessions on tiny models, each loaded once, and the program with tab 5 in front of one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from torch import Tensor
from transformers import LogitsProcessor

import inspector
from inspector import NamedLogitsProcessor, Request, Session, hookimpl
from inspector.plugins import Plugins
from inspector.tui.runs import Question
from inspector.tui.terminal import quick_keyboard
from tests.fakes import IMAGE, VIDEO, picture
from tests.generation.conftest import session_of, text, vision
from tests.tui.apps import Quiet, opened, settled

__all__ = ["session_of", "text", "vision"]

Opened = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def generating(tmp_path: Path) -> Opened:
    """Opens tab 5 on a session that was asked something: `async with generating(session, "Hi") as pilot: …`."""

    @asynccontextmanager
    async def open_(
        session: Session, *prompts: str, size: tuple[int, int] = (160, 50), **request: Any
    ) -> AsyncIterator[Pilot[None]]:
        if session.family.name == "qwen2_5_vl" and "images" not in request:
            picture(84, 56).save(tmp_path / "picture.png")
            request["images"] = (tmp_path / "picture.png",)
        question = Question(Request(prompts or ("Hi",), **request), values=())
        app = Quiet()
        app.library.plugins = Plugins()
        with quick_keyboard():
            async with app.run_test(size=size) as pilot:
                trace = session.trace(inputs=session.encode(question.request))
                await opened(pilot, trace, session=session, question=question)
                await pilot.press("5")
                await settled(pilot)
                yield pilot

    return open_


class Slow(LogitsProcessor):  # type: ignore[misc]
    """Takes its time, as a large model does, and changes nothing."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        time.sleep(0.01)
        return scores


class Broken(LogitsProcessor):  # type: ignore[misc]
    """A plugin's mistake: from the third token on it raises."""

    def __init__(self, length: int = 0) -> None:
        self.length = length

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        if input_ids.shape[1] >= self.length:
            raise ZeroDivisionError("[red] by zero")
        return scores


class Plugin:
    @hookimpl
    def inspector_logits_processors(self) -> list[NamedLogitsProcessor]:
        return [
            NamedLogitsProcessor("slow", "Takes its time", Slow),
            NamedLogitsProcessor("broken", "Raises from a length on", Broken),
        ]


@pytest.fixture(scope="session")
def offering(text: Session) -> Session:
    """A session on the text model with processors of a plugin."""
    return inspector.load(text.reference, plugins=Plugins(Plugin()))


@pytest.fixture(autouse=True)
def _no_placeholders(vision: Session) -> None:
    """A tiny vision-language model would draw placeholders of pictures out of nowhere."""
    vision.model.generation_config.suppress_tokens = [IMAGE, VIDEO]
