"""What the launcher lists, narrowed by what is typed. Light: it is needed for the first paint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to open: `reference` opens it, `detail` says in a few words what it is."""

    group: str
    reference: str
    detail: str


def narrow(entries: Sequence[Entry], text: str) -> list[Entry]:
    """The entries in which every word of `text` stands."""
    terms = text.lower().split()
    return [
        entry
        for entry in entries
        if all(term in f"{entry.group} {entry.reference} {entry.detail}".lower() for term in terms)
    ]


def typed(text: str, entries: Sequence[Entry]) -> list[Entry]:
    """What was typed, as something to open: a path that is there, or a name of the hub."""
    if not text or any(entry.reference == text for entry in entries):
        return []
    if Path(text).expanduser().is_dir():
        return [Entry("As typed", text, "directory")]
    owner, slash, name = text.partition("/")
    hub = bool(owner and slash and name) and " " not in text and "/" not in name and not text.startswith((".", "~"))
    return [Entry("As typed", text, "Hugging Face hub")] if hub or text.startswith(("preset:", "demo:")) else []
