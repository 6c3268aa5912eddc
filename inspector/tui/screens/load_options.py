"""How models are loaded that are opened from now on: device, dtype, attention kernel, and with which weights."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from textual.app import ComposeResult

from inspector.models.configuration import DTYPES
from inspector.models.loading import Options
from inspector.tui.paths import PathInput
from inspector.tui.screens.form import FieldLine, Form, field
from inspector.tui.widgets.check_box import CheckBox

WEIGHTS = {
    "shape_only": "Shape-only: no weights, integers for real",
    "random_weights": "Random weights in the architecture",
    "faithful": "Faithful to the original, also where it is unsound",
    "trust_remote_code": "Run code that comes with the checkpoint",
}
FOLDERS = {"vision": "Vision tower of a composite", "adapter": "Adapter of a composite"}


class LoadOptionsScreen(Form[Options]):
    """Returns the options, None when the user goes back."""

    DEFAULT_CSS = """
    LoadOptionsScreen FieldLine > Label { width: 11; }
    LoadOptionsScreen #state { margin-top: 1; }
    """
    HELP = """How models are loaded that are opened from now on; the options of the command line have the same names.

Device is auto, cpu, cuda, cuda:1, mps. Dtype is auto (the checkpoint's own), float32, bfloat16 or float16. Attention is
one of transformers' kernels: sdpa, eager, flash_attention_2; empty for its own choice. A preset has no weights of its
own: it opens shape-only unless it is given random ones."""

    def __init__(self, options: Options) -> None:
        super().__init__("Load models with", "enter use · tab next field · space tick · f1 help · esc back")
        self._options = options

    def body(self) -> ComposeResult:
        options = self._options
        yield FieldLine("Device", field("device", "auto", options.device))
        yield FieldLine("Dtype", field("dtype", "auto", options.dtype))
        yield FieldLine("Attention", field("attention", "auto", options.attention or ""))
        for name, hint in FOLDERS.items():
            folder = getattr(options, name)
            yield FieldLine(name.capitalize(), PathInput(str(folder or ""), placeholder=hint, id=name))
        for name, text in WEIGHTS.items():
            yield FieldLine("", CheckBox(text, getattr(options, name), id=name))
        yield self.state

    def read(self) -> Options:
        device, dtype, attention = (self.text(name).strip() for name in ("device", "dtype", "attention"))
        dtype = dtype or "auto"
        if dtype not in ("auto", *DTYPES):
            raise ValueError(f"There is no dtype {dtype!r}; a model loads in {', '.join(DTYPES)}, or auto for its own.")
        chosen: dict[str, Any] = {name: self._folder(name) for name in FOLDERS}
        chosen |= {name: self.query_one(f"#{name}", CheckBox).value for name in WEIGHTS}
        return Options(device or "auto", dtype, attention if attention not in ("", "auto") else None, **chosen)

    def _folder(self, name: str) -> Path | None:
        """A directory of a composite; None where none is named. Raises `ValueError`."""
        text = self.text(name).strip()
        folder = Path(text).expanduser()
        if text and not folder.is_dir():
            raise ValueError(f"{text} is no directory; that of the {FOLDERS[name].lower()} was expected.")
        return folder if text else None


def in_words(options: Options) -> str:
    """What differs from the defaults, empty when nothing does."""
    changed = [(field.name, getattr(options, field.name)) for field in fields(options)]
    changed = [(name, value) for name, value in changed if value != getattr(Options(), name)]
    return " · ".join(name.replace("_", " ") if value is True else f"{name} {value}" for name, value in changed)
