"""Every measurement runs and prints its table. What it measures is read by people, on a machine that is quiet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from inspector import Table
from tests.benchmarks import (
    big_trace,
    demos,
    generation,
    gpu,
    latency,
    long_context,
    overhead,
    shape_only,
    startup,
    stepping,
    widgets,
)
from tests.benchmarks.harness import put
from tests.fakes import tiny

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def printed(table: Table, capsys: pytest.CaptureFixture[str]) -> str:
    put(table)
    out = capsys.readouterr().out
    assert all(column.name in out for column in table.columns)
    assert len(out.splitlines()) > len(table.rows)
    return out


def test_overhead(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(overhead.measure(tiny("qwen2"), tiny("qwen2"), rounds=1), capsys)
    assert all(f"\n{name} " in out for name in ("bare", "floor", "shapes", "stats", "values"))


def test_startup(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Torch was imported before the first paint in 0 of them" in printed(startup.measure(1), capsys)


def test_shape_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Qwen2.5-VL-3B  " in printed(shape_only.measure(["Qwen2.5-VL-3B"], (224, 112)), capsys)


def test_big_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert "A trace of 2,000 calls" in printed(big_trace.measure(2_000, times=2), capsys)


def test_widgets(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(widgets.measure(2_000, times=2, planes=((200, 100),), steps=600, vocabulary=500), capsys)
    assert "200 × 100: zoom in" in out
    assert "600 steps: one more" in out
    assert "500 tokens: a page down" in out


def test_long_context(capsys: pytest.CaptureFixture[str]) -> None:
    shape = long_context.Shape("2 heads on 1", 2, 1, 8, 2)
    out = printed(long_context.measure(64, 2, [shape]), capsys)
    assert "2 heads on 1: another layer" in out
    assert "masks: another mask" in out


def test_latency(capsys: pytest.CaptureFixture[str]) -> None:
    assert "large products" in printed(latency.measure(2, ["large products"]), capsys)


def test_stepping(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(stepping.measure(500, times=1, presses=9, models=["small layers"]), capsys)
    assert "500 steps: back" in out
    assert "small layers runs" in out


def test_generation(capsys: pytest.CaptureFixture[str]) -> None:
    session = generation.subject(tiny=True)
    assert "sampling, 4 processors" in printed(generation.cost(session, rounds=1, steps=3), capsys)
    assert "a branch at step 6" in printed(generation.going_back(session, 6), capsys)
    assert "greedy" in printed(generation.memory(3), capsys)


def test_gpu_on_the_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    printed(gpu.measure(gpu.tiny_session(), rounds=1), capsys)


def test_demos(capsys: pytest.CaptureFixture[str]) -> None:
    assert "demo:qwen2.5-vl bfloat16, prefill" in printed(demos.measure(1), capsys)
