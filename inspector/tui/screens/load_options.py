"""How models are loaded that are opened from now on: device, dtype, attention kernel, and with which weights."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalGroup
from textual.content import Content
from textual.widgets import Input, Label, Static

from inspector.models.configuration import DTYPES
from inspector.models.loading import Options
from inspector.tui.paths import PathInput
from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.check_box import CheckBox

WEIGHTS = {
    "shape_only": "Shape-only: no weights, integers for real",
    "random_weights": "Random weights in the architecture",
    "faithful": "Faithful to the original, also where it is unsound",
    "trust_remote_code": "Run code that comes with the checkpoint",
}
FOLDERS = {"vision": "Vision tower of a composite", "adapter": "Adapter of a composite"}


class LoadOptionsScreen(Dialog[Options]):
    """Returns the options, None when the user goes back."""

    DEFAULT_CSS = """
    LoadOptionsScreen HorizontalGroup { height: 1; }
    LoadOptionsScreen Label { width: 11; color: $text-muted; }
    LoadOptionsScreen Input { width: 1fr; background: $surface; padding: 0 1; }
    LoadOptionsScreen Input:focus { background: $panel; }
    LoadOptionsScreen #state { color: $text-error; height: auto; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "keep", "Use", id="load.use", tooltip="Open models with these options"),
        Binding("f1", "app.help", "Help", id="load.help", tooltip="Explain these fields", show=False),
        Binding("down", "app.focus_next", "Next field", id="load.next", tooltip="Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", id="load.previous", tooltip="Previous field", show=False),
    ]
    HELP = """How models are loaded that are opened from now on; the options of the command line have the same names.

Device is auto, cpu, cuda, cuda:1, mps. Dtype is auto (the checkpoint's own), float32, bfloat16 or float16. Attention is
one of transformers' kernels: sdpa, eager, flash_attention_2; empty for its own choice. A preset has no weights of its
own: it opens shape-only unless it is given random ones."""

    def __init__(self, options: Options) -> None:
        super().__init__("Load models with", "enter use · tab next field · space tick · f1 help · esc back")
        self._options = options

    def body(self) -> ComposeResult:
        options = self._options
        yield from _line("Device", Input(options.device, placeholder="auto", id="device", compact=True))
        yield from _line("Dtype", Input(options.dtype, placeholder="auto", id="dtype", compact=True))
        yield from _line("Attention", Input(options.attention or "", placeholder="auto", id="attention", compact=True))
        for name, hint in FOLDERS.items():
            folder = getattr(options, name)
            yield from _line(name.capitalize(), PathInput(str(folder or ""), placeholder=hint, id=name))
        for name, text in WEIGHTS.items():
            yield from _line("", CheckBox(text, getattr(options, name), id=name))
        yield Static(Content(""), id="state")

    def on_input_submitted(self) -> None:
        self.action_keep()

    def action_keep(self) -> None:
        """Return what stands in the fields, or say what is wrong with it."""
        texts = {name: self.query_one(f"#{name}", Input).value.strip() for name in ("device", "dtype", *FOLDERS)}
        dtype = texts["dtype"] or "auto"
        wrong = next((name for name in FOLDERS if texts[name] and not _folder(texts[name]).is_dir()), None)
        if dtype not in ("auto", *DTYPES):
            self._say(f"There is no dtype {dtype!r}; a model loads in {', '.join(DTYPES)}, or auto for its own.")
        elif wrong is not None:
            self._say(f"{texts[wrong]} is no directory; that of the {FOLDERS[wrong].lower()} was expected.")
        else:
            self.dismiss(self._chosen(texts["device"] or "auto", dtype, texts))

    def _chosen(self, device: str, dtype: str, texts: dict[str, str]) -> Options:
        attention = self.query_one("#attention", Input).value.strip()
        chosen: dict[str, Any] = {name: _folder(texts[name]) if texts[name] else None for name in FOLDERS}
        chosen |= {name: self.query_one(f"#{name}", CheckBox).value for name in WEIGHTS}
        return Options(device, dtype, attention if attention not in ("", "auto") else None, **chosen)

    def _say(self, text: str) -> None:
        self.query_one("#state", Static).update(Content(text))


def in_words(options: Options) -> str:
    """What differs from the defaults, empty when nothing does."""
    changed = [(field.name, getattr(options, field.name)) for field in fields(options)]
    changed = [(name, value) for name, value in changed if value != getattr(Options(), name)]
    return " · ".join(name.replace("_", " ") if value is True else f"{name} {value}" for name, value in changed)


def _folder(text: str) -> Path:
    return Path(text).expanduser()


def _line(label: str, field: Input | CheckBox) -> ComposeResult:
    with HorizontalGroup():
        yield Label(label)
        yield field
