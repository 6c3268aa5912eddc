"""A forward that failed: which module, on which line of its source, and the shapes that met there."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from inspector.analysis.wording import summary, value_text
from inspector.trace import Failure, TensorInfo, Value
from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.cells import fit, visible

PORT_WIDTH = 28


class FailureScreen(Dialog[None]):
    """Shown over the trace of a forward that raised; the call that failed is selected behind it."""

    DEFAULT_CSS = """
    FailureScreen > VerticalGroup { border: round $error; width: 96; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,f,q", "leave", "Close", id="failure.close", tooltip="To the call that failed", show=False),
        Binding("y", "copy", "Copy", id="failure.copy", tooltip="Copy all of this", show=False),
    ]

    def __init__(self, failure: Failure) -> None:
        super().__init__("The forward failed", "enter to the call · y copy")
        self._content = describe(failure)

    def body(self) -> ComposeResult:
        yield Static(self._content)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._content.plain)
        self.notify("Copied.", markup=False)


def describe(failure: Failure) -> Content:
    """The failure as it is read from top to bottom: what, where, on which line, with which shapes."""
    lines = [
        Content.styled(f"{failure.error}: {visible_lines(failure.message)}", "bold $text-error"),
        Content(""),
        Content.assemble(
            ("in ", "$text-muted"), (visible(failure.path or "the model"), "bold"), f"  {failure.class_name}"
        ),
    ]
    if failure.file is not None:
        place = f"{Path(failure.file).name}:{failure.line}"
        lines.append(
            Content.assemble(("at ", "$text-muted"), place, ("  " + str(Path(failure.file).parent), "$text-muted"))
        )
    if failure.code:
        lines += [Content(""), Content.styled(f"    {visible(failure.code.strip())}", "$text-accent")]
    if failure.ports:
        lines += [Content(""), Content.styled("what met there", "$text-muted")]
        lines += [
            Content(f"    {fit(visible(port), PORT_WIDTH)} {_words(value)}") for port, value in failure.ports.items()
        ]
    return Content("\n").join(lines)


def visible_lines(text: str) -> str:
    """`text` with its line breaks, and everything else that cannot be seen made visible."""
    return "\n".join(visible(line) for line in text.splitlines())


def _words(value: Value) -> str:
    return summary(value) if isinstance(value, TensorInfo) else visible(value_text(value))
