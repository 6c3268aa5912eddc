"""What to ask the model: a prompt or a conversation, pictures, videos, system text, and what to keep of the forward.

The model loads meanwhile; the last line says how far it is.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.app import ComposeResult

from inspector.models.inputs import Request
from inspector.tui.jobs import Job
from inspector.tui.messages import Advanced, Ended
from inspector.tui.paths import PathInput
from inspector.tui.runs import Question
from inspector.tui.screens.form import KEYS, FieldLine, Form, field
from inspector.tui.settings import Settings
from inspector.tui.widgets.check_box import CheckBox


class AskScreen(Form[Question]):
    """Returns the question, None when the user goes back. `loading` is the job that loads the model meanwhile."""

    DEFAULT_CSS = """
    AskScreen FieldLine { margin-bottom: 1; }
    AskScreen FieldLine > Label { width: 9; }
    AskScreen CheckBox { width: auto; margin-right: 3; }
    """
    HELP = """What to ask the model.

Images are files, set apart by blanks; put a name with blanks in quotes. The right arrow, or tab, takes the completion.
Videos are files as well, or directories of frames. Messages is a JSON file with a conversation, or with a list of them
for a batch, in place of the prompt.
"Chat template" wraps the prompt as the model was trained to see it; without it the prompt is the raw text.
Values are patterns over module paths: * keeps every tensor, "*.self_attn:output" the outputs of attention."""

    def __init__(self, reference: str, question: Question, loading: Job[Any] | None = None) -> None:
        super().__init__(f"Ask {reference}", f"enter run · {KEYS}")
        self._question = question
        self._loading = loading

    def body(self) -> ComposeResult:
        request = self._question.request
        prompt = request.prompts[0] if request.prompts else ""
        yield FieldLine("Prompt", field("prompt", "What is in the picture?", prompt))
        yield FieldLine("Images", PathInput(_names(request.images), placeholder="picture.png …", id="images"))
        yield FieldLine("Videos", PathInput(_names(request.videos), placeholder="video.mp4, frames/ …", id="videos"))
        yield FieldLine("Messages", PathInput(placeholder="conversation.json", id="messages"))
        yield FieldLine("System", field("system", "the template's own", request.system or ""))
        yield FieldLine("Values", field("values", "none", " ".join(self._question.values)))
        template = CheckBox("Chat template", not request.raw, id="template")
        yield FieldLine("", template, CheckBox("Statistics of every tensor", self._question.stats, id="stats"))
        yield self.state

    def on_mount(self) -> None:
        request = self._question.request
        if request.messages or len(request.prompts) > 1:
            self.say("The last run was asked several prompts or a conversation. A file of messages asks those again.")
        if self._loading is not None:
            self._loading.watch(self)

    def on_unmount(self) -> None:
        if self._loading is not None:
            self._loading.watch(None)

    def on_advanced(self, event: Advanced) -> None:
        fraction = event.progress.fraction
        percent = "" if fraction is None else f" · {fraction:.0%}"
        self.say(f"{event.progress.stage}{percent}")

    def on_ended(self, event: Ended) -> None:
        if self._loading is not None and self._loading.failed:
            if self.is_current:  # a form that was left has cancelled it, and must not close what came after
                self.dismiss(None)
        else:
            self.say("The model is loaded.")

    def read(self) -> Question:
        values = tuple(self.text("values").split())
        stats = self.query_one("#stats", CheckBox).value
        return replace(self._question, request=self._request(), stats=stats, values=values)

    def _request(self) -> Request:
        """Raises `ValueError` or `InputError` that says which field is wrong."""
        from inspector.models.message_files import read_messages

        prompt, file = self.text("prompt"), self.text("messages").strip()
        if bool(prompt.strip()) == bool(file):
            both = "There is a prompt and a file of messages; one of them is asked."
            raise ValueError(both if file else "The prompt is empty: say what the model should see.")
        return replace(
            self._question.request,
            prompts=() if file else (prompt,),
            messages=read_messages(Path(file).expanduser()) if file else (),
            images=_files("Images", self.text("images"), "a picture's file"),
            videos=_files("Videos", self.text("videos"), "a video's file, or a directory of frames", folders=True),
            system=self.text("system").strip() or None,
            raw=not self.query_one("#template", CheckBox).value,
        )


def _files(field: str, text: str, expected: str, *, folders: bool = False) -> tuple[Path, ...]:
    """The files that are named. Raises `ValueError` for a quote that is not closed and for what is no such file."""
    try:
        names = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}. Close the quotes.") from error
    files = tuple(Path(name).expanduser() for name in names)
    for file in files:
        if not (file.is_file() or (folders and file.is_dir())):
            what = "a directory" if file.is_dir() else "no file"
            raise ValueError(f"{field}: {file} is {what}; {expected} was expected.")
    return files


def suggestion(settings: Settings, question: Question) -> Question:
    """What was asked last, to start from; what it does not say is as in `question`."""
    prompt, system = settings.get("prompt", ""), settings.get("system", "")
    images, videos = (tuple(shlex.split(settings.get(name, ""))) for name in ("images", "videos"))
    request = Request(
        (prompt,) if prompt else (), images, system=system or None, raw=settings.get("raw", False), videos=videos
    )
    values = tuple(settings.get("values", " ".join(question.values)).split())
    return replace(question, request=request, stats=settings.get("stats", question.stats), values=values)


def keep(settings: Settings, question: Question) -> None:
    """Remember a question for the next time."""
    request = question.request
    settings.remember(
        prompt=request.prompts[0] if request.prompts else "",
        images=_names(request.images),
        videos=_names(request.videos),
        system=request.system or "",
        raw=request.raw,
        stats=question.stats,
        values=" ".join(question.values),
    )


def _names(items: Sequence[Any]) -> str:
    """Those that are files, as they can be typed."""
    return " ".join(shlex.quote(str(item)) for item in items if isinstance(item, str | Path))
