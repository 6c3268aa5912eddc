"""JSON back into the records of a generation: the other half of `steps`, each step built when it is looked at."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from inspector.trace.lazy import Lazy
from inspector.trace.stages import Stage, Stages, Standing, Top
from inspector.trace.steps import Beam, BranchRecord, Choice, Criterion, Draft, GenerationRecord, Step, StepRow, Timings


class Steps(Lazy[Step]):
    """Steps built from their JSON, a list of rows each."""

    def __init__(self, data: Sequence[Sequence[Mapping[str, Any]]]) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def made(self, index: int) -> Step:
        return step(self._data[index])


def generation(data: Mapping[str, Any] | None) -> GenerationRecord | None:
    """Raises `KeyError`, `TypeError` or `ValueError` for what is no record of a generation."""
    if data is None:
        return None
    branches = [branch(item) for item in data["branches"]]
    record = GenerationRecord(
        mode=data["mode"],
        seed=data["seed"],
        settings=data["settings"],
        prompt_length=data["prompt_length"],
        vocabulary=data["vocabulary"],
        branches={item.name: item for item in branches},
        current=data["current"],
    )
    if record.current not in record.branches:
        raise ValueError(f"the current branch {record.current!r} is none of the branches")
    return record


def branch(data: Mapping[str, Any]) -> BranchRecord:
    steps = Steps(data["steps"])
    if len(steps):
        step(data["steps"][-1])
    return BranchRecord(
        name=data["name"],
        parent=data["parent"],
        start=data["start"],
        steps=steps,
        ids=data["ids"],
        texts=data["texts"],
        changes=[(at, words) for at, words in data["changes"]],
        reason=data["reason"],
        notices=data["notices"],
    )


def step(rows: Sequence[Mapping[str, Any]]) -> Step:
    first = rows[0]
    cache, timings = first["cache"], first["timings"]
    return Step(
        index=first["step"],
        input_length=first["input_length"],
        rows=tuple(_row(line) for line in rows),
        timings=Timings(first["seconds"], timings["forward"], timings["processors"], timings["recording"]),
        forward=first["forward"],
        cache=None if cache is None else (cache["length"], cache["bytes"]),
        draft=Draft(tuple(first["drafted"]), len(first["accepted"])) if "drafted" in first else None,
        logits=first.get("logits"),
    )


def _row(line: Mapping[str, Any]) -> StepRow:
    position = line["position"]
    return StepRow(
        processors=Stages(_stage(item) for item in line["processors"]),
        chosen=_choice(line["chosen"]),
        stopping=tuple(Criterion(item["name"], item["done"]) for item in line["stopping"]),
        position=None if position is None else tuple(position),
        ended=line.get("ended", False),
        beams=tuple(_beam(item) for item in line.get("beams", ())),
    )


def _stage(data: Mapping[str, Any]) -> Stage:
    top, chosen = data["top"], data["chosen"]
    return Stage(
        name=data["name"],
        parameters=data["parameters"],
        changed=data["changed"],
        removed=data["removed"],
        kept=data["kept"],
        entropy=data["entropy"],
        top=Top(
            [item["id"] for item in top],
            [item["score"] for item in top],
            [item["probability"] for item in top],
            {item["id"]: item["text"] for item in top},
        ),
        chosen=None if chosen is None else Standing(chosen["score"], chosen["log_probability"], chosen["rank"]),
        seconds=data["seconds"],
        scores=data.get("scores"),
    )


def _choice(data: Mapping[str, Any] | None) -> Choice | None:
    if data is None:
        return None
    return Choice(
        id=data["id"],
        text=data["text"],
        rank=data["rank"],
        log_probability=data["log_probability"],
        model_log_probability=data["model_log_probability"],
        greedy=data["greedy"],
        forced=data["forced"],
    )


def _beam(data: Mapping[str, Any]) -> Beam:
    tokens = array("i", data["tokens"])
    return Beam(data["parent"], tokens[-1], data["score"], data["row"], data["state"], data["reason"], tokens)
