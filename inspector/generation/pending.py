"""Changes that wait for the next step: said in any order, checked when they are said, applied together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from inspector.errors import InputError, near
from inspector.generation.options import meant
from inspector.generation.processors import Entry
from inspector.generation.settings import Settings


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to change before the next step, whichever step that will be. `forced` is by row, None for every row.

    `said` tells it, by what is changed: what is said of the same thing later takes the place of what was said before.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[Entry, ...] = ()
    removed: frozenset[str] = frozenset()
    off: Mapping[str, bool] = field(default_factory=dict)
    forced: Mapping[int | None, int] = field(default_factory=dict)
    seed: int | None = None
    said: Mapping[tuple[str, object], str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.said)

    @property
    def words(self) -> tuple[str, ...]:
        """What is to change, each in a few words."""
        return tuple(self.said.values())

    def with_options(self, options: Mapping[str, Any]) -> Pending:
        options = meant(options)
        said: dict[tuple[str, object], str] = {("option", name): f"{name} = {it}" for name, it in options.items()}
        return replace(self, options={**self.options, **options}, said={**self.said, **said})

    def with_seed(self, seed: int) -> Pending:
        return replace(self, seed=seed, said={**self.said, ("seed", None): f"seed = {seed}"})

    def with_processor(self, entry: Entry) -> Pending:
        said = {**self.said, ("added", entry.name): f"added {entry.name}"}
        return replace(self, added=(*self.added, entry), said=said)

    def without_processor(self, name: str) -> Pending:
        """Take out a processor that was added: one that only waits is as if it had never been said."""
        if any(entry.name == name for entry in self.added):
            added = tuple(entry for entry in self.added if entry.name != name)
            off = {other: is_off for other, is_off in self.off.items() if other != name}
            said = {key: words for key, words in self.said.items() if key[1] != name}
            return replace(self, added=added, off=off, said=said)
        said = {**self.said, ("removed", name): f"removed {name}"}
        return replace(self, removed=self.removed | {name}, said=said)

    def switched(self, name: str, *, on: bool) -> Pending:
        said = {**self.said, ("switched", name): f"{name} {'on' if on else 'off'}"}
        return replace(self, off={**self.off, name: not on}, said=said)

    def with_forced(self, row: int | None, token: int, words: str) -> Pending:
        return replace(self, forced={**self.forced, row: token}, said={**self.said, ("forced", row): words})

    def applied(self, settings: Settings, *, started: bool) -> Settings:
        """The settings with these changes. Before the first step there is no later: options are what they are."""
        missing = self.removed - {entry.name for entry in settings.added}
        if missing:
            name, known = min(missing), [entry.name for entry in settings.added]
            raise InputError(
                f"No processor {name!r} was added; there are {', '.join(known) or 'none'}.{near(name, known)} Those of "
                "the options are switched off, or set to what does nothing."
            )
        kept = tuple(entry for entry in settings.added if entry.name not in self.removed)
        off = (settings.off - {name for name, is_off in self.off.items() if not is_off}) | {
            name for name, is_off in self.off.items() if is_off
        }
        part = "later" if started else "options"
        options = {**getattr(settings, part), **self.options}
        return replace(settings, **{part: options}, added=(*kept, *self.added), off=off - self.removed)
