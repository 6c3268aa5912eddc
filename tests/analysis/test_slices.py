from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.slices import parse_slice, select
from inspector.errors import InputError

TENSOR = torch.arange(120).reshape(2, 3, 4, 5)


@pytest.mark.parametrize(
    "text",
    ["[0, :, ::4]", "0,:,::4", "[...]", "", "[]", "...,1", "[-1]", "1:2,...,::2", "[ : , 2 ]", "0,", "[:, 9:99]", ":0"],
)
def test_reads_as_python_does(text: str) -> None:
    inner = text.strip("[]").strip() or "..."
    expected = eval(f"TENSOR[{inner}]")
    assert select(TENSOR, text).values.equal(expected)


def test_keeps_axes_and_indices() -> None:
    found = select(TENSOR, "[1, -2:, 3, ::2]")
    assert found.axes == (1, 3)
    assert found.indices == (range(1, 3), range(0, 5, 2))
    assert found.values.shape == (2, 3)


def test_shares_memory() -> None:
    assert select(TENSOR, "[0]").values.data_ptr() == TENSOR.data_ptr()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[0, x]", "'x' in the slice"),
        ("[0,,1]", "'' in the slice"),
        ("[1:2:3:4]", "'1:2:3:4'"),
        ("[::-1]", "must be 1 or more"),
        ("[::0]", "must be 1 or more"),
        ("[..., ...]", "more than one"),
        ("[0,0,0,0,0]", "names 5 axes; a tensor of shape"),
        ("[7]", "outside axis 0, whose size is 2"),
        ("__import__('os')", "cannot be read"),
    ],
)
def test_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        select(TENSOR, text)
    assert message in str(raised.value)


@given(st.lists(st.one_of(st.integers(-9, 9), st.slices(9).filter(lambda s: s.step is None or s.step > 0)), max_size=4))
def test_parses_what_python_prints(entries: list[int | slice]) -> None:
    def write(entry: int | slice) -> str:
        if isinstance(entry, int):
            return str(entry)
        fields = (entry.start, entry.stop, 1 if entry.step is None else entry.step)
        return ":".join("" if field is None else str(field) for field in fields)

    parsed = parse_slice(",".join(map(write, entries)))
    assert [write(entry) for entry in parsed] == [write(entry) for entry in entries]  # type: ignore[arg-type]
