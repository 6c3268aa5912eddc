"""Tab 2: the tokens of the prompt, with their kinds and positions."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from inspector.trace import Trace
from inspector.tui.panes import Pane
from inspector.tui.widgets.tokens_pane import TokensPane


class TokensTab(Vertical):
    """The tokens of a trace."""

    BINDING_GROUP_TITLE = "Tokens"
    HELP = """The tokens that the model was given: number, id, text, kind and position, as the decoder really
received them.

Characters that cannot be seen are shown by a stand-in. Under M-RoPE a position is time, height and width."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace

    def compose(self) -> ComposeResult:
        yield Pane("Tokens", TokensPane())

    def on_mount(self) -> None:
        self.query_one(TokensPane).trace = self._trace
