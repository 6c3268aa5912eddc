"""How soon the screens of attention and masks answer a key at 32,768 tokens.

A trace as a forward over so many tokens leaves it behind: queries and keys of every head, the mask by its rule. A press
counts from the key to the paint of what it asked for; Textual paints sixty times a second, so that nothing takes less
than 16 ms.

    python -m tests.benchmarks.long_context [--tokens N] [--presses N]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from textual.pilot import Pilot

from inspector import Table
from inspector.trace import Call, MemoryValues, ModelInfo, Module, TensorInfo, Token, Trace
from inspector.tui.runs import Run
from inspector.tui.terminal import quick_keyboard, tidy
from tests.benchmarks.harness import put, table
from tests.benchmarks.painting import Painting
from tests.tui.apps import Quiet

LAG = 0.05
"""Seconds between a key and its paint that nobody feels."""

SIZE = (160, 50)


@dataclass(frozen=True)
class Shape:
    """The attention of a decoder: heads, those of the keys, features of a head, and the layers in the trace."""

    name: str
    heads: int
    key_heads: int
    features: int
    layers: int


SHAPES = (Shape("14 heads on 2", 14, 2, 64, 6), Shape("28 heads on 4", 28, 4, 128, 2))
"""Those of Qwen2.5-0.5B and of Qwen2.5-7B, in few layers."""


def long_trace(shape: Shape, tokens: int) -> Trace:
    """A prefill of so many tokens of text: random queries and keys, sdpa told is_causal."""
    values = MemoryValues()
    words = ("The", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", ".")
    ids = torch.arange(tokens)[None] % len(words)
    values["ids"] = ids
    calls = [_call(0, "", "Qwen2ForCausalLM", None, None, {"input.input_ids": _info(ids, "ids")})]
    modules = [Module("", "Qwen2ForCausalLM", None, 0, 0)]
    for layer in range(shape.layers):
        path = f"model.layers.{layer}.self_attn"
        modules.append(Module(path, "Qwen2Attention", "attention", 0, 0))
        calls.append(_call(len(calls), path, "Qwen2Attention", "attention", 0, _ports(shape, tokens, layer, values)))
    line = [Token(place, int(ids[0, place]), f" {words[place % len(words)]}", "text") for place in range(tokens)]
    model = ModelInfo("benchmark", "qwen2", "Qwen2ForCausalLM", 0, "bfloat16", "cpu", "sdpa", False)
    return Trace(model, modules=modules, calls=calls, tokens=[line], values=values)


def _ports(shape: Shape, tokens: int, layer: int, values: MemoryValues) -> dict[str, Any]:
    """What the kernel of a layer was given."""
    random = torch.Generator().manual_seed(layer)
    found: dict[str, Any] = {"attention.kernel": "sdpa", "attention.mask": None, "attention.is_causal": True}
    found["attention.scaling"] = shape.features**-0.5
    for name, heads in (("query", shape.heads), ("key", shape.key_heads)):
        tensor = (2 * torch.randn(1, heads, tokens, shape.features, generator=random)).to(torch.bfloat16)
        values[f"{layer}/{name}"] = tensor
        found[f"attention.{name}"] = _info(tensor, f"{layer}/{name}")
    return found


def _info(tensor: torch.Tensor, value: str) -> TensorInfo:
    return TensorInfo(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), "cpu", value=value)


def _call(index: int, path: str, name: str, role: str | None, parent: int | None, inputs: dict[str, Any]) -> Call:
    depth = 0 if parent is None else 1
    return Call(index, 0, parent, depth, path, name, role, inputs, {}, 0.001)


class Painted(Painting, Quiet):
    """The program, which knows when it first painted what a key asked for; `painted` is 0 until then."""

    answered: Callable[[], bool] | None = None

    def drawn(self) -> None:
        if not self.painted and self.answered is not None and self.answered():
            super().drawn()


Seconds = tuple[float, float, float]


async def pressed(app: Painted, keys: Sequence[str], answered: Callable[[], bool], times: int) -> Seconds:
    """So many presses of some keys in turn, each until what it asked for is painted.

    The median and the slowest, and the median of the time that the processor worked for it.
    """
    seconds, worked = [], []
    app.answered = answered
    for number in range(times):
        app.painted = 0.0
        start, busy = time.perf_counter(), time.process_time()
        app.simulate_key(keys[number % len(keys)])
        while not app.painted and time.perf_counter() - start < 5:
            await asyncio.sleep(0.001)
        seconds.append((app.painted or time.perf_counter()) - start)
        worked.append(time.process_time() - busy)
        await asyncio.sleep(0.02)
    app.answered = None
    return statistics.median(seconds), max(seconds), statistics.median(worked)


async def opened(pilot: Pilot[None], trace: Trace, key: str) -> None:
    """Show a trace on the tab of a key, and wait until all about it is there."""
    app = pilot.app
    assert isinstance(app, Painted)
    app.show(Run(trace))
    await pilot.pause(0.5)
    await pilot.press(key)
    await pilot.pause(0.2)
    await app.workers.wait_for_complete()
    await pilot.pause()


async def ended(app: Painted) -> None:
    """Wait for the program's threads: one that is inside torch when Python ends would abort the process."""
    while any(job.alive for job in app.jobs):
        await asyncio.sleep(0.01)


ATTENTION = (
    ("another query, one head", ("left", "right")),
    ("another head", ("e", "E")),
    ("another layer", ("p", "n")),
    ("another query, mean of all heads", ("left", "right")),
    ("the mean of a group, and of all", ("a", "a", "a")),
)


def attention(shape: Shape, tokens: int, times: int) -> list[tuple[Any, ...]]:
    """The tab of attention: the first look, then keys in turn, with the map of entropies being worked out behind."""
    from inspector.tui.screens.attention import AttentionTab

    async def measure() -> list[tuple[Any, ...]]:
        app, trace = Painted(), long_trace(shape, tokens)
        async with app.run_test(size=SIZE) as pilot:
            start = time.perf_counter()
            await opened(pilot, trace, "4")
            rows: list[tuple[Any, ...]] = [(f"{shape.name}: all of it", time.perf_counter() - start, None, None, None)]
            tab = app.screen.query_one(AttentionTab)
            tab.go(heads=("head", 0), token=tokens - 2)
            await pilot.pause(0.5)
            for what, keys in ATTENTION:
                if what.endswith("all heads"):
                    tab.go(heads=("mean", 0))
                    await pilot.pause(0.5)
                seen: list[object] = [tab.sight]

                def answered(seen: list[object] = seen) -> bool:
                    same = tab.sight is seen[0] or tab.watching.wanted is not None
                    seen[0] = seen[0] if same else tab.sight
                    return not same

                rows.append((f"{shape.name}: {what}", *await pressed(app, keys, answered, times), LAG))
        await ended(app)
        return rows

    with quick_keyboard(), tidy():
        return asyncio.run(measure())


MASKS = (
    ("a query down, all of it drawn", ("down", "up"), ()),
    ("a screen down, as numbers", ("pagedown", "pageup"), ("plus",) * 12),
    ("a key to the right, as numbers", ("right", "left"), ()),
    ("closer, and back", ("minus", "plus"), ()),
    ("another mask", ("n", "p"), ("w",)),
)
WINDOW = 4096


def masked(tokens: int) -> Trace:
    """A layer that sees everything before it, and one that sees a window, of a row with padding on its left."""
    values = MemoryValues()
    values["ids"] = torch.arange(tokens)[None] % 10
    values["mask"] = mask = (torch.arange(tokens)[None] >= tokens // 20).long()
    given = {"input.input_ids": _info(values["ids"], "ids"), "input.attention_mask": _info(mask, "mask")}
    calls = [_call(0, "", "Qwen2ForCausalLM", None, None, given)]
    state = TensorInfo((1, 8, tokens, 64), "bfloat16", "cpu")
    ports = {"attention.query": state, "attention.key": state, "attention.is_causal": True}
    kinds: tuple[dict[str, Any], ...] = (
        {"attention.kernel": "sdpa", "attention.mask": None},
        {"attention.kernel": "flash_attention_2", "attention.mask": given["input.attention_mask"]},
    )
    for layer, kind in enumerate(kinds):
        own = {**ports, **kind, **({"attention.sliding_window": WINDOW} if layer else {})}
        calls.append(_call(layer + 1, f"model.layers.{layer}.self_attn", "Qwen2Attention", "attention", 0, own))
    modules = [Module(call.path, call.class_name, call.role, 0, 0) for call in calls]
    line = [Token(place, place % 10, f" word{place % 10}", "text") for place in range(tokens)]
    model = ModelInfo("benchmark", "qwen2", "Qwen2ForCausalLM", 0, "bfloat16", "cpu", "sdpa", False)
    return Trace(model, modules=modules, calls=calls, tokens=[line], values=values)


def masks(tokens: int, times: int) -> list[tuple[Any, ...]]:
    """The tab of masks: the first look, then keys in turn, each until the picture that it asked for is there."""
    from inspector.tui.widgets.masks.map import MaskMap

    async def measure() -> list[tuple[Any, ...]]:
        app, trace = Painted(), masked(tokens)
        async with app.run_test(size=SIZE) as pilot:
            start = time.perf_counter()
            await opened(pilot, trace, "3")
            rows: list[tuple[Any, ...]] = [("masks: all of it", time.perf_counter() - start, None, None, None)]
            await pilot.press("enter")
            drawn = app.screen.query_one(MaskMap)
            for what, keys, before in MASKS:
                await pilot.press(*before)
                await pilot.pause(0.5)
                seen: list[object] = [drawn.picture]

                def answered(seen: list[object] = seen) -> bool:
                    same = drawn.picture is seen[0] or drawn.picture is None or drawn._wanted is not None
                    seen[0] = seen[0] if same else drawn.picture
                    return not same

                rows.append((f"masks: {what}", *await pressed(app, keys, answered, times), LAG))
        await ended(app)
        return rows

    with quick_keyboard(), tidy():
        return asyncio.run(measure())


def measure(tokens: int, times: int = 40, shapes: Sequence[Shape] = SHAPES) -> Table:
    rows = [*masks(tokens, times), *(row for shape in shapes for row in attention(shape, tokens, times))]
    columns = ("", "median seconds", "slowest seconds", "processor seconds", "asked seconds")
    return table(f"Masks and attention of {tokens:,} tokens, {times} presses", columns, rows)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tokens", type=int, default=32_768)
    options.add_argument("--presses", type=int, default=40)
    given = options.parse_args()
    put(measure(given.tokens, given.presses))


if __name__ == "__main__":
    main()
