"""What to ask the model: a prompt or a conversation, pictures, videos, system text, and what to keep of the forward.

The model loads meanwhile; the last line says how far it is.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalGroup
from textual.content import Content
from textual.widgets import Input, Label, Static

from inspector.errors import InputError
from inspector.models.inputs import Request
from inspector.tui.jobs import Job
from inspector.tui.messages import Advanced, Ended
from inspector.tui.paths import PathInput
from inspector.tui.runs import Question
from inspector.tui.screens.dialog import Dialog
from inspector.tui.settings import Settings
from inspector.tui.widgets.check_box import CheckBox


class AskScreen(Dialog[Question]):
    """Returns the question, None when the user goes back. `loading` is the job that loads the model meanwhile."""

    DEFAULT_CSS = """
    AskScreen HorizontalGroup { margin-bottom: 1; }
    AskScreen Label { width: 9; color: $text-muted; }
    AskScreen Input { width: 1fr; background: $surface; padding: 0 1; }
    AskScreen Input:focus { background: $panel; }
    AskScreen Checkbox { width: auto; margin-right: 3; background: $background; }
    AskScreen #state { color: $text-muted; height: auto; }
    AskScreen #state.-error { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "ask", "Run", id="ask.run", tooltip="Run the forward with these inputs"),
        Binding("f1", "app.help", "Help", id="ask.help", tooltip="Explain these fields", show=False),
        Binding("down", "app.focus_next", "Next field", id="ask.next", tooltip="Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", id="ask.previous", tooltip="Previous field", show=False),
    ]
    HELP = """What to ask the model.

Images are files, set apart by blanks; put a name with blanks in quotes. The right arrow, or tab, takes the completion.
Videos are files as well, or directories of frames. Messages is a JSON file with a conversation, or with a list of them
for a batch, in place of the prompt.
"Chat template" wraps the prompt as the model was trained to see it; without it the prompt is the raw text.
Values are patterns over module paths: * keeps every tensor, "*.self_attn:output" the outputs of attention."""

    def __init__(self, reference: str, question: Question, loading: Job[Any] | None = None) -> None:
        super().__init__(f"Ask {reference}", "enter run · tab next field · f1 help · esc back")
        self._question = question
        self._loading = loading

    def body(self) -> ComposeResult:
        request = self._question.request
        yield from _field("Prompt", "prompt", request.prompts[0] if request.prompts else "", "What is in the picture?")
        yield from _line("Images", PathInput(_names(request.images), placeholder="picture.png …", id="images"))
        yield from _line("Videos", PathInput(_names(request.videos), placeholder="video.mp4, frames/ …", id="videos"))
        yield from _line("Messages", PathInput(placeholder="conversation.json", id="messages"))
        yield from _field("System", "system", request.system or "", "the template's own")
        yield from _field("Values", "values", " ".join(self._question.values), "none")
        with HorizontalGroup():
            yield Label("")
            yield CheckBox("Chat template", not request.raw, id="template")
            yield CheckBox("Statistics of every tensor", self._question.stats, id="stats")
        yield Static(Content(""), id="state")

    def on_mount(self) -> None:
        self.query_one("#prompt").focus()
        request = self._question.request
        if request.messages or len(request.prompts) > 1:
            self._say("The last run was asked several prompts or a conversation. A file of messages asks those again.")
        if self._loading is not None:
            self._loading.watch(self)

    def on_unmount(self) -> None:
        if self._loading is not None:
            self._loading.watch(None)

    def on_advanced(self, event: Advanced) -> None:
        fraction = event.progress.fraction
        percent = "" if fraction is None else f" · {fraction:.0%}"
        self._say(f"{event.progress.stage}{percent}")

    def on_ended(self, event: Ended) -> None:
        if self._loading is not None and self._loading.failed:
            self.dismiss(None)
        else:
            self._say("The model is loaded.")

    def on_input_submitted(self) -> None:
        self.action_ask()

    def action_ask(self) -> None:
        """Return what stands in the fields, or say what is wrong with it."""
        try:
            request = self._request()
        except (ValueError, InputError) as error:
            self._say(str(error), error=True)
            return
        values = tuple(self._text("values").split())
        stats = self.query_one("#stats", CheckBox).value
        self.dismiss(replace(self._question, request=request, stats=stats, values=values))

    def _request(self) -> Request:
        """Raises `ValueError` or `InputError` that says which field is wrong."""
        from inspector.models.message_files import read_messages

        prompt, file = self._text("prompt"), self._text("messages").strip()
        if bool(prompt.strip()) == bool(file):
            both = "There is a prompt and a file of messages; one of them is asked."
            raise ValueError(both if file else "The prompt is empty: say what the model should see.")
        return replace(
            self._question.request,
            prompts=() if file else (prompt,),
            messages=read_messages(Path(file).expanduser()) if file else (),
            images=_files("Images", self._text("images"), "a picture's file"),
            videos=_files("Videos", self._text("videos"), "a video's file, or a directory of frames", folders=True),
            system=self._text("system").strip() or None,
            raw=not self.query_one("#template", CheckBox).value,
        )

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    def _say(self, text: str, *, error: bool = False) -> None:
        state = self.query_one("#state", Static)
        state.set_class(error, "-error")
        state.update(Content(text))


def _field(label: str, name: str, value: str, hint: str) -> ComposeResult:
    yield from _line(label, Input(value, placeholder=hint, id=name, select_on_focus=False, compact=True))


def _line(label: str, field: Input) -> ComposeResult:
    with HorizontalGroup():
        yield Label(label)
        yield field


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
