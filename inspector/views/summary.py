"""A run in a few lines: what ran, on what, for how long, and what came out."""

from __future__ import annotations

from collections import Counter

from inspector.analysis.wording import in_bytes, in_seconds, in_short
from inspector.parts import Cell, Column, Table
from inspector.trace import TensorInfo, Trace
from inspector.views.calls import ports_text


def summary(trace: Trace) -> Table:
    """Facts by name. What was not measured is left out."""
    facts = {**_model(trace), **_run(trace)}
    rows: list[tuple[Cell, ...]] = [(name, text) for name, text in facts.items() if text]
    return Table("Summary", (Column("field"), Column("value")), rows)


def _model(trace: Trace) -> dict[str, str]:
    model = trace.model
    where = "shape-only" if model.shape_only else model.device
    settings = [model.dtype, where, model.attention]
    return {
        "model": f"{model.reference} · {model.class_name} · {in_short(model.parameters)} parameters",
        "family": model.family,
        "runs in": " · ".join(setting for setting in settings if setting),
    }


def _run(trace: Trace) -> dict[str, str]:
    roots = [trace.calls[index] for index in trace.children(None)]
    steps = trace.calls[-1].step + 1 if trace.calls else 0
    seconds = [call.seconds for call in roots if call.seconds is not None]
    memory = [call.memory for call in trace.calls if call.memory is not None]
    failure = trace.failure
    return {
        "images": ", ".join(f"{item.source} ({item.width}×{item.height})" for item in trace.media),
        "tokens": _tokens(trace),
        "calls": f"{len(trace.calls):,}" + (f" in {steps} steps" if steps > 1 else ""),
        "time": in_seconds(sum(seconds)) if seconds else "",
        "memory": f"{in_bytes(max(memory))} at most" if memory else "",
        "output": ports_text(roots[-1].outputs, "output") if roots else "",
        "values kept": _values(trace),
        "failed in": f"{failure.path or failure.class_name}: {failure.error}: {failure.message}" if failure else "",
    }


def _tokens(trace: Trace) -> str:
    """`31 (25 text, 4 image, 2 special)`; of a batch, all rows together."""
    kinds = Counter(token.kind for row in trace.tokens for token in row)
    if not kinds:
        return ""
    rows = f" in {len(trace.tokens)} rows" if len(trace.tokens) > 1 else ""
    counts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    return f"{kinds.total():,}{rows} ({counts})"


def _values(trace: Trace) -> str:
    """Kept tensors, each counted once, however many ports it stands at."""
    kept: dict[str, int] = {}
    for call in trace.calls:
        for value in (*call.inputs.values(), *call.outputs.values()):
            if isinstance(value, TensorInfo) and value.value is not None:
                kept[value.value] = value.nbytes
    return f"{len(kept):,} ({in_bytes(sum(kept.values()))})" if kept else ""
