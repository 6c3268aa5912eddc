"""The branches of a generation by name, and which of them is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from inspector.analysis.checks import counted
from inspector.errors import InputError, near
from inspector.generation.branches import Branch

TRUNK = "main"


class Tree(Mapping[str, Branch]):
    """Branches by name, the trunk first. `cursor` counts the steps of the current one that are in force."""

    def __init__(self) -> None:
        self._branches = {TRUNK: Branch(TRUNK)}
        self.current = self._branches[TRUNK]
        self.cursor = 0

    @property
    def at_tip(self) -> bool:
        return self.cursor == len(self.current.steps)

    def go(self, steps: int) -> None:
        """Look at the current branch as it stood after so many steps. Raises `InputError`."""
        count = len(self.current.steps)
        if not 0 <= steps <= count:
            raise InputError(
                f"{self.current.name} has {counted(count, 'step')} so far; there is no place after step {steps - 1}."
            )
        self.cursor = steps

    def fork(self, name: str | None) -> Branch:
        """Make a branch at the cursor and look at it. Raises `InputError` for a name that is taken."""
        name = name or self._new_name()
        if name in self._branches:
            raise InputError(f"There is a branch {name!r} already; choose another name.")
        self._branches[name] = self.current = self.current.fork(name, self.cursor)
        return self.current

    def switch(self, name: str) -> None:
        """Look at the end of another branch. Raises `InputError`."""
        if name not in self._branches:
            there_are = ", ".join(self._branches)
            raise InputError(f"There is no branch {name!r}; there are {there_are}.{near(name, self._branches)}")
        self.current = self._branches[name]
        self.cursor = len(self.current.steps)

    def rename(self, old: str, new: str) -> None:
        """Give a branch another name. Raises `InputError`."""
        if old not in self._branches or new in self._branches or not new:
            raise InputError(f"The branch {old!r} cannot be called {new!r}; there are {', '.join(self._branches)}.")
        self._branches = {(new if name == old else name): branch for name, branch in self._branches.items()}
        self._branches[new].name = new

    def _new_name(self) -> str:
        number = len(self._branches)
        while f"branch {number}" in self._branches:
            number += 1
        return f"branch {number}"

    def __getitem__(self, name: str) -> Branch:
        return self._branches[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._branches)

    def __len__(self) -> int:
        return len(self._branches)
