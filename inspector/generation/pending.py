"""Changes that wait for the next step: said in any order, checked when they are said, applied together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from inspector.errors import InputError, near
from inspector.generation.processors import Entry
from inspector.generation.settings import Settings


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to change before the next step, whichever step that will be. `forced` is by row, None for every row."""

    options: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[Entry, ...] = ()
    removed: frozenset[str] = frozenset()
    off: Mapping[str, bool] = field(default_factory=dict)
    forced: Mapping[int | None, int] = field(default_factory=dict)
    seed: int | None = None
    words: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words)

    def with_options(self, options: Mapping[str, Any]) -> Pending:
        words = tuple(f"{name} = {value}" for name, value in options.items())
        return replace(self, options={**self.options, **options}, words=self.words + words)

    def with_seed(self, seed: int) -> Pending:
        return replace(self, seed=seed, words=(*self.words, f"seed = {seed}"))

    def with_processor(self, entry: Entry) -> Pending:
        return replace(self, added=(*self.added, entry), words=(*self.words, f"added {entry.name}"))

    def without_processor(self, name: str) -> Pending:
        added = tuple(entry for entry in self.added if entry.name != name)
        return replace(self, added=added, removed=self.removed | {name}, words=(*self.words, f"removed {name}"))

    def switched(self, name: str, *, on: bool) -> Pending:
        words = (*self.words, f"{name} {'on' if on else 'off'}")
        return replace(self, off={**self.off, name: not on}, words=words)

    def with_forced(self, row: int | None, token: int, words: str) -> Pending:
        return replace(self, forced={**self.forced, row: token}, words=(*self.words, words))

    def applied(self, settings: Settings, *, started: bool) -> Settings:
        """The settings with these changes. Before the first step there is no later: options are what they are."""
        kept = tuple(entry for entry in settings.added if entry.name not in self.removed)
        missing = self.removed - {entry.name for entry in (*settings.added, *self.added)}
        if missing:
            name, known = min(missing), [entry.name for entry in settings.added]
            raise InputError(
                f"No processor {name!r} was added; there are {', '.join(known) or 'none'}.{near(name, known)} Those of "
                "the options are switched off, or set to what does nothing."
            )
        off = (settings.off - {name for name, is_off in self.off.items() if not is_off}) | {
            name for name, is_off in self.off.items() if is_off
        }
        part = "later" if started else "options"
        options = {**getattr(settings, part), **self.options}
        return replace(settings, **{part: options}, added=(*kept, *self.added), off=off - self.removed)
