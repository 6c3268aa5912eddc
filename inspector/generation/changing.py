"""What can be changed for the next step of a generation."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from inspector.errors import InputError, InspectorError, near
from inspector.generation.options import check_options
from inspector.generation.pending import Pending
from inspector.generation.processors import Entry, name_of

if TYPE_CHECKING:
    from transformers import GenerationConfig, LogitsProcessor

    from inspector.generation.offers import NamedLogitsProcessor
    from inspector.generation.stepping import Stepping


class Changing:
    """Changes are checked when they are said and made when the next step is: at the cursor, wherever that is then.

    Every method raises `InputError` for what cannot be; then nothing has changed.
    """

    def __init__(self, stepping: Stepping, offers: Mapping[str, NamedLogitsProcessor]) -> None:
        self._stepping = stepping
        self._offers = offers
        self._pending = Pending()
        self._lock = threading.RLock()

    @property
    def processors(self) -> list[str]:
        """Names of the processors that the next step goes through, in order."""
        with self._lock:
            return [entry.name for entry in self._stepping.check(self._pending)]

    @property
    def config(self) -> GenerationConfig:
        """The generation configuration that the next step goes by, with every default filled in."""
        with self._lock:
            return self._stepping.prepared_with(self._pending).config

    @property
    def added(self) -> list[str]:
        """Names of those among them that were added beside the options."""
        with self._lock:
            return [entry.name for entry in self._stepping.settings_with(self._pending).added]

    @property
    def off(self) -> list[str]:
        """Names of the processors that the next step leaves out."""
        with self._lock:
            return sorted(self._stepping.settings_with(self._pending).off)

    @property
    def offers(self) -> Mapping[str, NamedLogitsProcessor]:
        """The processors that plugins offer, by the name that `add` takes."""
        return self._offers

    @property
    def changes(self) -> tuple[str, ...]:
        """What was said for the next step, in words."""
        return self._pending.words

    def set(self, *, seed: int | None = None, **options: Any) -> None:
        """Change options under transformers' own names, or the seed."""
        pending = self._pending.with_options(options) if options else self._pending
        if not self._stepping.started:
            check_options(options)
        self._consider(pending if seed is None else pending.with_seed(seed))

    def force(self, token: int | str, row: int | None = None) -> None:
        """Make the next step take a token, given by its id or its text: in one row, or in all. A text that is several
        tokens is refused, showing how it splits.
        """
        stepping = self._stepping
        token = stepping.token_of(token)
        if row is not None and not 0 <= row < stepping.rows:
            raise InputError(f"There is no row {row}; this generation has {stepping.rows}, from 0.")
        if stepping.mode == "beam_sample":
            raise InputError("Beam sampling draws several tokens a step: one alone cannot be forced on it.")
        where = "" if row is None else f" in row {row}"
        self._consider(self._pending.with_forced(row, token, f"forced {stepping.texts[token]!r}{where}"))

    def add(self, processor: LogitsProcessor | str, name: str | None = None, **parameters: Any) -> str:
        """Add a logits processor, or by its name one that a plugin offers, made with the parameters; it stands before
        those that only sampling uses, where `generate` puts its own `logits_processor`. Returns its name.
        """
        if isinstance(processor, str):
            name = name or processor
            processor = offered(self._offers, processor, parameters)
        elif parameters:
            raise InputError("Parameters are for a processor that is named; this one is made already.")
        entry = Entry(name or name_of(processor), processor)
        self._consider(self._pending.with_processor(entry))
        return entry.name

    def remove(self, name: str) -> None:
        """Take out a processor that was added."""
        self._consider(self._pending.without_processor(name))

    def switch(self, name: str, on: bool) -> None:
        """Leave a processor out, or take it in again."""
        self._consider(self._pending.switched(name, on=on))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Inside the block several changes are one: where one of them is refused, none is left."""
        before = self._pending
        try:
            yield
        except InspectorError:
            self._pending = before
            raise

    def forget_changes(self) -> None:
        """Drop what was said for the next step."""
        self._pending = Pending()

    def _consider(self, pending: Pending) -> None:
        with self._lock:
            self._stepping.check(pending)
            self._pending = pending


def offered(offers: Mapping[str, NamedLogitsProcessor], name: str, parameters: Mapping[str, Any]) -> LogitsProcessor:
    """A processor that a plugin offers. Raises `InputError`."""
    if name not in offers:
        there_are = ", ".join(offers) or "none"
        raise InputError(f"No plugin offers a logits processor {name!r}; there are {there_are}.{near(name, offers)}")
    try:
        return offers[name].make(**parameters)
    except Exception as error:  # a plugin's own affair
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"The logits processor {name!r} cannot be made: {what}") from error
