"""The quirks of the original that would bite with what was asked."""

from __future__ import annotations

from collections.abc import Sequence

from inspector import Column, Part, Table, Text, Trace, View

from ..reading import forwards, text_config  # noqa: TID252 - the package has another name here

COLUMNS = (Column("severity"), Column("finding"), Column("what"), Column("evidence"), Column("advice"))


def show(trace: Trace) -> Sequence[Part]:
    from ..findings import findings  # noqa: TID252 - as above

    found = findings(trace)
    if "seq_length" not in text_config(trace):
        return [Text("Quirks", "This model has no original to differ from: it is transformers' own.")]
    rows = [
        (
            item.severity,
            item.id,
            item.message,
            ", ".join(f"{name} {value}" for name, value in item.evidence.items()),
            item.advice,
        )
        for item in found
    ]
    return [Table("Quirks of the original", COLUMNS, rows, _note(trace, len(found)))]


def _note(trace: Trace, count: int) -> str:
    steps = len(forwards(trace))
    looked = f"{steps} {'forward' if steps == 1 else 'forwards'} looked at."
    if not count:
        return f"The original would have computed the same. {looked}"
    if text_config(trace).get("faithful"):
        return f"The original's numbers were computed (--faithful). {looked}"
    return f"The sound thing was computed; --faithful gives the original's numbers where it has any. {looked}"


VIEW = View("quirks", "Where the original would raise, or compute something else, with what was asked", show)
