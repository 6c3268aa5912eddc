"""What every dialog with fields shares: the keys between the fields, how they look, and a line that says what is wrong.

A dialog stays as it is until what stands in its fields can be taken: nobody types twice.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalGroup
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from inspector.errors import InspectorError
from inspector.tui.abstract import AbstractWidget
from inspector.tui.screens.dialog import Dialog
from inspector.tui.widgets.cells import visible

T = TypeVar("T")

KEYS = "tab next field · f1 help · esc back"
"""What the lower edge says after the key that takes the fields."""


class FieldLine(HorizontalGroup):
    """A name, and what is filled in beside it, in one line."""

    DEFAULT_CSS = """
    FieldLine { height: 1; }
    FieldLine > Label { width: 22; color: $text-muted; }
    FieldLine > Input { width: 1fr; }
    """

    def __init__(self, label: str, *fields: Widget) -> None:
        super().__init__()
        self._label = label
        self._fields = fields

    def compose(self) -> ComposeResult:
        yield Label(self._label, markup=False)
        yield from self._fields


def field(name: str, hint: str = "", value: str = "") -> Input:
    """An input line of one row."""
    return Input(value, placeholder=hint, id=name, select_on_focus=False, compact=True)


class Form(Dialog[T], Generic[T], metaclass=AbstractWidget):
    """Returns what was read from the fields, None when it is left.

    A subclass yields the fields and `state` in its `body`, and reads them with `read`. `take` is awaited with what was
    read before the form closes; what it refuses is said, and the form stays.
    """

    DEFAULT_CSS = """
    Form Input { background: $surface; padding: 0 1; }
    Form Input:focus { background: $panel; }
    Form CheckBox { background: $background; }
    Form OptionList { background: $background; height: auto; max-height: 10; margin-top: 1; }
    Form #state { color: $text-muted; height: auto; }
    Form #state.-error { color: $text-error; }
    """
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "submit", "Take", id="form.take", tooltip="Take what stands in the fields"),
        Binding("f1", "app.help", "Help", id="form.help", tooltip="Explain these fields", show=False),
        Binding("down", "app.focus_next", "Next field", id="form.next", tooltip="Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", id="form.previous", tooltip="Previous field", show=False),
    ]

    def __init__(
        self, heading: str, keys: str, *, words: str = "", take: Callable[[T], Awaitable[object]] | None = None
    ) -> None:
        """`words` stand below the fields until there is something to say of them."""
        super().__init__(heading, keys)
        self.state = Static(Content(words), id="state")
        self._take = take
        self._is_taking = False

    @abstractmethod
    def read(self) -> T:
        """What stands in the fields. Raises `ValueError` or `InspectorError` that says which one is wrong."""

    def text(self, name: str) -> str:
        """What is written in a field."""
        return self.query_one(f"#{name}", Input).value

    def say(self, text: str, *, error: bool = False) -> None:
        """Say something in the line below the fields."""
        self.state.set_class(error, "-error")
        self.state.update(Content("\n".join(map(visible, text.split("\n")))))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Return what stands in the fields, or say what is wrong with it."""
        if self._is_taking:
            return
        try:
            found = self.read()
        except (ValueError, InspectorError) as error:
            self.say(str(error), error=True)
        else:
            self._offer(found, self._take)

    def _offer(self, found: T, take: Callable[[T], Awaitable[object]] | None) -> None:
        if take is None:
            self.dismiss(found)
        else:
            self._hand(found, take)

    @work
    async def _hand(self, found: T, take: Callable[[T], Awaitable[object]]) -> None:
        from inspector.tui.opening import show_error

        self._is_taking = True
        self.say("Trying it …")
        try:
            await take(found)
        except InspectorError as error:
            self.say(str(error), error=True)
        except Exception as error:  # a plugin's own affair, perhaps; what was typed stays
            self.say("")
            await show_error(self.app, error, "That could not be done")  # type: ignore[arg-type]
        else:
            self.dismiss(found)
        finally:
            self._is_taking = False
