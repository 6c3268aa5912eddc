"""What recording costs, against the bare forward and against hooks that only store shapes.

The shape of Qwen2.5-0.5B with random weights in float32, sdpa, one thread: a prefill of 128 tokens, and the decoding of
one token on a cache of 128. The cost of a call is measured on the same layers made narrow, with little else to do.

    python -m tests.benchmarks.overhead [--rounds N] [--tiny]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

import inspector
from inspector import Table
from inspector.recording import Recorder, Wanted
from tests.benchmarks.harness import Times, Variant, added, in_turn, peak_memory, put, ratio, table

LENGTH = 128
ASKED = {
    "shapes": (1.02, 1.03),
    "stats": (1.15, None),
    "values": (1.10, None),
    "stats, naively": (None, None),
}
"""Prefill and decode, at most. A call of `shapes` may cost one and a half times the floor's."""

COLUMNS = (
    *("", "prefill ×", "asked", "decode ×", "asked", "µs a call", "asked"),
    *("attach seconds", "detach seconds", "peak bytes", "kept bytes"),
)


def variants(model: nn.Module) -> dict[str, Variant]:
    return {
        "bare": nullcontext,
        "bare, again": nullcontext,
        "floor": lambda: hooked(model, store_shapes),
        "shapes": lambda: Recorder(model),
        "shapes and flow": lambda: Recorder(model, Wanted(flow=True)),
        "stats": lambda: Recorder(model, Wanted(stats=True)),
        "stats, naively": lambda: hooked(model, measure_naively),
        "values": lambda: Recorder(model, Wanted(values=("*",))),
    }


@contextmanager
def hooked(model: nn.Module, note: Callable[[list[Any], Any], None]) -> Iterator[None]:
    """The floor: hooks that see every input and output, and do nothing but `note` them."""
    rows: list[Any] = []

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        note(rows, args)
        note(rows, kwargs.values())

    def after(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        note(rows, output if isinstance(output, tuple) else (output,))

    handles = []
    for module in model.modules():
        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def store_shapes(rows: list[Any], things: Any) -> None:
    rows.append([thing.shape for thing in things if isinstance(thing, Tensor)])


def measure_naively(rows: list[Any], things: Any) -> None:
    for thing in things:
        if isinstance(thing, Tensor) and thing.is_floating_point():
            numbers = (thing.min(), thing.max(), thing.mean(), thing.std(), thing.isnan().sum(), thing.isinf().sum())
            rows.append([number.item() for number in numbers])


class Subject:
    """A model with the two forwards that are measured. `decode` leaves the cache one longer; `undo` takes that back."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.ids = torch.arange(LENGTH)[None] % model.config.vocab_size
        self.cache = model(self.ids, use_cache=True).past_key_values
        with Recorder(model) as recorder:
            self.prefill()
        self.calls = len(recorder.rows)

    def prefill(self) -> None:
        self.model(self.ids, use_cache=True)

    def decode(self) -> None:
        self.model(self.ids[:, :1], past_key_values=self.cache, use_cache=True)

    def undo(self) -> None:
        self.cache.crop(-1)


def kept_bytes(model: nn.Module, forward: Callable[[], None]) -> int:
    """The bytes of all values of a forward, each counted once."""
    with inspector.capture(model, values="*") as trace:
        forward()
    return sum(trace.values[key].nbytes for key in trace.values)


@torch.no_grad()
def measure(wide: Any, narrow: Any, rounds: int) -> Table:
    """The table. `wide` has the cost of a real forward, `narrow` the same calls and nothing to compute."""
    subject, small = Subject(wide), Subject(narrow)
    ways = variants(wide)
    prefill = in_turn(ways, subject.prefill, rounds)
    decode = in_turn(ways, subject.decode, 4 * rounds, subject.undo)
    calls = in_turn(variants(narrow), small.decode, 20 * rounds, small.undo)
    peaks = {name: peak_memory(lambda way=way: run_in(way, subject.prefill)) for name, way in ways.items()}  # type: ignore[misc]
    floor = added(calls["floor"], calls["bare"]) / small.calls
    rows = []
    for name in ways:
        peak, bare = peaks[name], peaks["bare"]
        rows.append(
            (
                name,
                *_ratios(name, prefill, decode),
                1e6 * added(calls[name], calls["bare"]) / small.calls,
                1.5e6 * floor if name == "shapes" else None,
                median(prefill[name].enter),
                median(prefill[name].leave),
                None if peak is None or bare is None else max(peak - bare, 0),
                kept_bytes(wide, subject.prefill) if name == "values" else None,
            )
        )
    note = (
        f"{subject.calls} calls a forward; medians of {rounds} rounds (decode {4 * rounds}, µs a call {20 * rounds})."
    )
    return table(f"Overhead on {type(wide).__name__}, {torch.get_num_threads()} thread", COLUMNS, rows, note)


def _ratios(name: str, prefill: Mapping[str, Times], decode: Mapping[str, Times]) -> Iterator[float | None]:
    for times, asked in zip((prefill, decode), ASKED.get(name, (None, None)), strict=True):
        yield ratio(times[name], times["bare"])
        yield asked


def run_in(variant: Variant, forward: Callable[[], None]) -> None:
    with variant():
        forward()


def median(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


def models(*, tiny: bool) -> tuple[Any, Any]:
    """The shape of Qwen2.5-0.5B, wide and narrow; or two that are there at once."""
    from transformers import AutoConfig, AutoModelForCausalLM

    from tests import fakes

    if tiny:
        return fakes.tiny("qwen2"), fakes.tiny("qwen2")
    config = dict(inspector.Plugins.installed().presets["Qwen2.5-0.5B"].config)
    ends = {"bos_token_id": None, "eos_token_id": None}
    narrow = {**config, **ends, "hidden_size": 56, "intermediate_size": 64, "vocab_size": 512}
    made = [AutoConfig.for_model(**settings) for settings in (config, narrow)]
    wide, thin = (
        AutoModelForCausalLM.from_config(one, dtype=torch.float32, attn_implementation="sdpa").eval() for one in made
    )
    return wide, thin


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--tiny", action="store_true", help="a model of two layers, to see that this runs")
    given = options.parse_args()
    torch.set_num_threads(1)
    put(measure(*models(tiny=given.tiny), given.rounds))


if __name__ == "__main__":
    main()
