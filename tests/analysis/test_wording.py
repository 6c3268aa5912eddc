from __future__ import annotations

import math

import pytest
import torch

from inspector.analysis.wording import in_bytes, in_seconds, in_short, number, summary, visible
from inspector.trace import Stats, TensorInfo


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0234, "1.02"),
        (-3.1, "-3.1"),
        (0.0000123, "1.23e-05"),
        (2.0, "2"),
        (-0.0, "0"),
        (3e20, "3e+20"),
        (151644, "151644"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


def test_units() -> None:
    assert [in_bytes(size) for size in (0, 512, 1023, 1536, 1023 * 1024, 15.2e9, 5e15)] == [
        "0 B",
        "512 B",
        "1023 B",
        "1.5 KiB",
        "1023 KiB",
        "14.2 GiB",
        "4547 TiB",
    ]
    assert [in_seconds(time) for time in (0.0000021, 0.0121, 3.4, 125)] == ["2.1 µs", "12.1 ms", "3.4 s", "2 min 05 s"]
    assert [in_short(count) for count in (896, 1_900, 8_292_166_656)] == ["896", "1.9 K", "8.29 B"]


def test_summary() -> None:
    info = TensorInfo((1, 12, 16), "float32", "cpu", Stats(-3.1, 4.2, 0.0123, 1.02, nan=2, inf=1))
    assert summary(info) == "f32[1,12,16] n=192 x∈[-3.1, 4.2] μ=0.0123 σ=1.02 nan×2! inf×1!"


def test_summary_without_statistics_and_of_nothing_finite() -> None:
    assert summary(TensorInfo((3, 4), "bfloat16", "cuda:0")) == "bf16[3,4] n=12 cuda:0"
    assert summary(TensorInfo((2,), "float16", "cpu", Stats(None, None, None, None, nan=2))) == "f16[2] n=2 nan×2!"


def test_summary_writes_few_elements_out() -> None:
    grid = torch.tensor([[1, 4, 4]])
    assert summary(TensorInfo((1, 3), "int64", "cpu"), grid).endswith("[[1, 4, 4]]")
    assert summary(TensorInfo((), "float32", "cpu", Stats(2.5, 2.5, 2.5, 0)), torch.tensor(2.5)) == "f32[] x=2.5 2.5"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a b", "a·b"),
        ("\n\t\x1b[31m\x7f", "␊␉␛[31m␡"),
        ("你好🌍", "你好🌍"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("\u200b\u202e\u2028\ufeff", "\\u200b\\u202e\\u2028\\ufeff"),
        ("\x9b31m", "\\u009b31m"),
        ("\ud800", "\\ud800"),
        ("\u3000\xa0", "\\u3000\\u00a0"),
        ("e\u0301 [bold]", "e\u0301·[bold]"),
    ],
)
def test_visible(text: str, seen: str) -> None:
    assert visible(text, spaces=True) == seen


def test_visible_leaves_ordinary_spaces_alone() -> None:
    assert visible("a b\u3000c\n") == "a b\u3000c␊"
