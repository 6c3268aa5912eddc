"""Looking back, and at other branches: nothing is lost by it, and nothing runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from torch import Tensor

from inspector.errors import InputError, near
from inspector.generation.branches import Branch, Comparison, compare
from inspector.generation.record import generated
from inspector.trace.steps import Step

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from inspector.generation.stepping import Stepping
    from inspector.generation.tree import Tree


class Looking:
    """Moves the cursor of a generation. Its methods raise `InputError` for a place or a branch that is not there."""

    _stepping: Stepping
    _lock: threading.RLock

    @property
    def tree(self) -> Tree:
        """Branches by name; `tree.current` is the one looked at, `tree.cursor` how many of its steps are in force."""
        return self._stepping.tree

    @property
    def current(self) -> Step | None:
        """The step at the cursor: the last one that is in force."""
        return self.tree.current.steps[self.tree.cursor - 1] if self.tree.cursor else None

    @property
    def reason(self) -> str | None:
        """Why the current branch ended: names of criteria; None while it can go on."""
        return self.tree.current.reason

    @property
    def sequences(self) -> Tensor | None:
        """Prompt and generated tokens of the current branch as `generate` returns them, i64 [rows, tokens]; None before
        the first step and, in beam search, before the end."""
        return self.tree.current.sequences

    @property
    def texts(self) -> list[str]:
        """The generated text of every row."""
        return self.tree.current.texts(self._stepping.texts)

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase | None:
        """The model's tokenizer; None where there is none."""
        return self._stepping.texts.tokenizer

    def text_of(self, token: int) -> str:
        """The text of a token; one that holds part of a character as its bytes."""
        return self._stepping.texts[token]

    def tails(self, steps: int, characters: int) -> list[str]:
        """The end of each row's text after the first `steps` steps, at least so many characters of it."""
        tokens = 4 * characters + 4  # a character takes up to four tokens, one for each of its bytes
        taken = self.tree.current.steps[max(steps - tokens, 0) : steps]
        return [self._stepping.texts.join(row) for row in generated(taken, len(taken[-1].rows) if taken else 0)]

    def back(self, steps: int = 1) -> Step | None:
        """Look at an earlier step, which is returned, None before the first. Stepping from there begins a branch."""
        return self.go(max(self.tree.cursor - steps, 0))

    def forward(self, steps: int = 1) -> Step | None:
        """Look at a later step that is there already."""
        return self.go(min(self.tree.cursor + steps, len(self.tree.current.steps)))

    def go(self, steps: int) -> Step | None:
        """Look at the current branch as it stood after so many steps."""
        with self._lock:
            self.tree.go(steps)
            return self.current

    def branch(self, step: Step | int | None = None, name: str | None = None) -> Branch:
        """Begin a branch that keeps everything up to and with a step, by default the one at the cursor, and look at it.
        Its first step is made when it is asked for.
        """
        with self._lock:
            if step is not None:
                self.tree.go((step if isinstance(step, int) else step.index) + 1)
            return self.tree.fork(name)

    def look(self, name: str) -> Step | None:
        """Look at the end of another branch."""
        with self._lock:
            self.tree.switch(name)
            return self.current

    def compare(self, left: str, right: str, row: int = 0) -> Comparison:
        """Two branches side by side, step by step."""
        for name in (left, right):
            if name not in self.tree:
                there_are = ", ".join(self.tree)
                raise InputError(f"There is no branch {name!r}; there are {there_are}.{near(name, self.tree)}")
        return compare((left, self.tree[left].steps), (right, self.tree[right].steps), row)
