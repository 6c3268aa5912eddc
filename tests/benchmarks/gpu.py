"""What recording costs on a GPU: the published Qwen2.5-VL-7B with random weights, in bfloat16, on a picture.

Prefill, and the decoding of one token on its cache, at every level. Time is the device's own, between two CUDA events
around the forward; nothing waits for the device in between.

    python -m tests.benchmarks.gpu [--rounds N] [--tiny]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

import inspector
from inspector import Request, Session, Table
from inspector.parts import Cell
from inspector.recording import Recorder, Wanted
from inspector.recording.clock import Clock
from tests.benchmarks.harness import Times, Variant, added, in_turn, put, ratio, table
from tests.benchmarks.overhead import hooked, store_shapes
from tests.fakes import picture, save_tiny
from tests.hygiene.tree import ROOT

ASKED = {"shapes": 1.08}
"""Decoding, at most."""

SPILL = 2**30
"""Bytes of values that stay in memory where the rest is to go to disk."""

PLENTY = 2**40

COLUMNS = (
    *("", "prefill seconds", "×", "decode seconds", "×", "asked", "added to a call seconds"),
    *("device peak bytes", "kept bytes", "to disk"),
)


class Subject:
    """A session with one request on its device, and the two forwards that are measured."""

    def __init__(self, session: Session, image: Any) -> None:
        self.model = session.model
        self.device: torch.device = session.model.device
        given = session.encode(Request(("What is in the cup?",), images=(image,))).tensors
        self.given = {name: self._placed(tensor) for name, tensor in given.items()}
        self.cache = self.model(**self.given, use_cache=True).past_key_values
        self.token = self.given["input_ids"][:, -1:]
        with Recorder(self.model) as recorder:
            self.decode()
        self.undo()
        self.calls = len(recorder.rows)

    def _placed(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, self.model.dtype if tensor.is_floating_point() else None)

    def prefill(self) -> None:
        self.model(**self.given, use_cache=True)

    def decode(self) -> None:
        self.model(input_ids=self.token, past_key_values=self.cache, use_cache=True)

    def undo(self) -> None:
        self.cache.crop(-1)


def variants(model: Any) -> dict[str, Variant]:
    everything = ("*",)
    return {
        "bare": nullcontext,
        "bare, again": nullcontext,
        "floor": lambda: hooked(model, store_shapes),
        "shapes": lambda: Recorder(model),
        "shapes and flow": lambda: Recorder(model, Wanted(flow=True)),
        "stats": lambda: Recorder(model, Wanted(stats=True)),
        "values": lambda: Recorder(model, Wanted(values=everything, budget=PLENTY)),
        "values, spilled": lambda: Recorder(model, Wanted(values=everything, budget=SPILL)),
    }


@torch.no_grad()
def measure(session: Session, image: Any = None, rounds: int = 9) -> Table:
    subject, clock = Subject(session, image or picture()), Clock(session.model.device)
    ways = variants(subject.model)
    prefill = in_turn(ways, subject.prefill, rounds, clock=clock)
    decode = in_turn(ways, subject.decode, 3 * rounds, subject.undo, clock)
    rows = [(name, *_timed(name, prefill, decode, subject.calls), *_memory(name, subject, ways[name])) for name in ways]
    title = f"{session.reference} on {_name(subject.device)}, {session.info.dtype}, {session.info.attention}"
    tokens = subject.given["input_ids"].shape[1]
    note = f"{tokens} tokens, {subject.calls} calls to decode; medians of {rounds} rounds. {_calls(subject)}"
    return table(title, COLUMNS, rows, note)


def _timed(name: str, prefill: dict[str, Times], decode: dict[str, Times], calls: int) -> Iterator[Cell]:
    for times in (prefill, decode):
        yield sorted(times[name].run)[len(times[name].run) // 2]
        yield ratio(times[name], times["bare"])
    yield ASKED.get(name)
    yield added(decode[name], decode["bare"]) / calls


def _memory(name: str, subject: Subject, way: Variant) -> tuple[Cell, Cell, Cell]:
    """What a prefill adds to the device at most; what of it was kept, and how much of that went to disk."""
    peak = device_peak(subject.device, way, subject.prefill)
    if not name.startswith("values"):
        return peak, None, None
    budget = SPILL if name.endswith("spilled") else PLENTY
    with inspector.capture(subject.model, values="*", budget=budget, flow=False) as trace:
        subject.prefill()
    kept = sum(trace.values[key].nbytes for key in trace.values)
    return peak, kept, next((notice.split(" of ")[0] for notice in trace.notices if "disk" in notice), None)


def device_peak(device: torch.device, way: Variant, forward: Callable[[], None]) -> int | None:
    """Bytes that a forward needs on the device at most, beyond what lies there anyway; None on the CPU."""
    if device.type != "cuda":
        return None
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    with way():
        forward()
    return torch.cuda.max_memory_allocated(device) - before


def _calls(subject: Subject) -> str:
    """The device's memory at each call, in a sentence."""
    with inspector.capture(subject.model, stats=True, flow=False) as trace:
        subject.prefill()
    measured = [call.memory for call in trace.calls if call.memory is not None]
    if not measured:
        return "Memory of calls: not on this device."
    low, high = min(measured) / 2**30, max(measured) / 2**30
    return f"Memory measured at {len(measured)} of {len(trace.calls)} calls, from {low:.2f} to {high:.2f} GiB."


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"


def tiny_session() -> Session:
    """A tiny Qwen2.5-VL, to see that this runs."""
    with TemporaryDirectory() as folder:
        return inspector.load(save_tiny("qwen2_5_vl", folder))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--tiny", action="store_true", help="a tiny model, on whatever device there is")
    given = options.parse_args()
    if given.tiny:
        put(measure(tiny_session(), rounds=given.rounds))
    elif torch.cuda.is_available():
        session = inspector.load("preset:Qwen2.5-VL-7B", random_weights=True, dtype="bfloat16", device="cuda")
        put(measure(session, ROOT / "examples" / "pictures" / "coffee.png", given.rounds))
    else:
        raise SystemExit("There is no CUDA device here. --tiny runs on the CPU.")


if __name__ == "__main__":
    main()
