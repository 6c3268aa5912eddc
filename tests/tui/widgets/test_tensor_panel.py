from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inspector.trace import MemoryValues, Trace, Values
from inspector.tui.widgets.heatmap import HeatMap
from inspector.tui.widgets.histogram import HistogramBars
from inspector.tui.widgets.ports_list import PortsList
from inspector.tui.widgets.tensor_panel import TensorPanel
from tests.building import Builder, info
from tests.traces import failing_trace, model_info, small_trace
from tests.tui.widgets.panel import SIZE, opened, settled, whole
from tests.tui.widgets.screens import shown, text, until


class Slow(dict[str, torch.Tensor]):
    """Values that are read when the test allows it."""

    def __init__(self, values: Values) -> None:
        super().__init__((key, values[key]) for key in values)
        self.asked, self.allowed = threading.Event(), threading.Event()

    def __getitem__(self, key: str) -> torch.Tensor:
        self.asked.set()
        self.allowed.wait(5)
        return super().__getitem__(key)


class TestPorts:
    async def test_inputs_outputs_and_scalars(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "")
            lines = text(panel.query_one(PortsList))
        assert [line.split()[0] for line in lines[1:3]] == ["input.use_cache", "input.labels"]
        assert lines[0].split() == ["●", "input.input_ids", "i64[1,12]"]
        assert lines[1].split()[-1] == "True"

    async def test_the_first_output_is_chosen(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "language_model.layers.1.self_attn")
            assert panel.port == "output[0]"

    async def test_the_port_stays_from_call_to_call(self) -> None:
        trace = small_trace()
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, trace, "language_model.layers.0", "input.hidden_states")
            await opened(pilot, trace, "language_model.layers.1")
            assert panel.port == "input.hidden_states"
            await opened(pilot, trace, "language_model.layers.1.mlp")
            assert panel.port == "output"

    async def test_scalars_and_none(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "language_model.layers.0.self_attn", "output[1]")
            assert "output[1] = None" in whole(panel)
            assert not panel.query_one(HeatMap).display

    async def test_a_failed_call_says_why(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, failing_trace(), "language_model.layers.1.mlp")
            assert panel.port == "input.x"
            assert "✗ RuntimeError: mat1 and mat2" in whole(panel)


class TestValue:
    async def test_numbers_histogram_and_heatmap(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "language_model.layers.0")
            shown_text = whole(panel)
            assert "f32[1,12,16]  192 · 768 B · cpu" in shown_text
            assert "mean 0.0119  std 0.965  -2.61 … 3.41" in shown_text
            assert "12 × 16" in shown_text
            counts = panel.query_one(HistogramBars).counts
            assert counts is not None
            assert sum(counts.histogram.counts) == 192

    async def test_nan_and_infinity_are_loud(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "language_model.layers.1.mlp")
            assert " nan ×1   inf ×2" in whole(panel)
            assert " nan inf" in text(panel.query_one(PortsList))[1]

    async def test_nothing_finite(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "language_model.layers.2.mlp")
            assert "nan ×192" in whole(panel)
            assert "no finite values" in whole(panel)

    async def test_ids_are_written_out(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "", "input.input_ids")
            assert "151644" in whole(panel)
            assert panel.query_one(HeatMap).numbers

    async def test_stats_that_the_trace_does_not_have_are_worked_out(self) -> None:
        trace = small_trace()
        call = trace.call("language_model.layers.0")
        bare = {"output": replace(call.outputs["output"], stats=None)}  # type: ignore[type-var]
        trace.calls = [replace(c, outputs=bare) if c.index == call.index else c for c in trace.calls]
        async with shown(TensorPanel(), SIZE) as pilot:
            assert "mean 0.0119" in whole(await opened(pilot, trace, "language_model.layers.0"))

    async def test_from_a_file(self, tmp_path: Path) -> None:
        trace = Trace.open(small_trace().save(tmp_path / "saved"))
        async with shown(TensorPanel(), SIZE) as pilot:
            assert "12 × 16" in whole(await opened(pilot, trace, "language_model.layers.0"))

    async def test_a_file_that_has_gone(self, tmp_path: Path) -> None:
        trace = Trace.open(small_trace().save(tmp_path / "saved"))
        for file in (tmp_path / "saved" / "tensors").iterdir():
            file.unlink()
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, trace, "language_model.layers.0")
            assert "The value cannot be read" in whole(panel)

    async def test_moving_on_before_it_is_read(self) -> None:
        trace = small_trace()
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = pilot.app.query_one(TensorPanel)
            panel.trace = trace
            for call in trace.calls:
                panel.select(call.index)
            panel.select(trace.call("language_model.layers.0").index, "output")
            await settled(pilot)
            assert "mean 0.0119" in whole(panel)
            assert panel.query_one(HeatMap).picture is not None

    @pytest.mark.parametrize("meanwhile", ["another call", "another trace"])
    async def test_what_is_read_too_late_is_not_shown(self, meanwhile: str) -> None:
        trace = small_trace()
        slow = Slow(trace.values)
        trace.values = slow
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = pilot.app.query_one(TensorPanel)
            panel.trace = trace
            panel.select(trace.call("language_model.layers.0").index, "output")
            await until(pilot, slow.asked.is_set)
            if meanwhile == "another call":
                panel.select(trace.call("lm_head").index, "output")
            else:
                panel.trace = small_trace(values=False)
            slow.allowed.set()
            await settled(pilot)
            assert "mean" not in whole(panel)
            assert panel.query_one(HeatMap).plane is None

    async def test_enter_goes_in_and_escape_out(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            panel = await opened(pilot, small_trace(), "language_model.layers.0")
            await pilot.press("enter")
            assert panel.query_one(HeatMap).has_focus
            await pilot.press("escape")
            assert panel.query_one(PortsList).has_focus


class TestNoValue:
    async def test_not_kept(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            shown_text = " ".join(whole(await opened(pilot, small_trace(), "lm_head")).split())
            assert "This value was not kept." in shown_text
            assert "--values 'lm_head:output'" in shown_text

    async def test_shape_only(self) -> None:
        trace = small_trace(values=False)
        trace.model = model_info(shape_only=True)
        async with shown(TensorPanel(), SIZE) as pilot:
            assert "Shape only" in whole(await opened(pilot, trace, "lm_head"))

    async def test_no_trace(self) -> None:
        async with shown(TensorPanel(), SIZE) as pilot:
            pilot.app.query_one(TensorPanel).select(3)
            await pilot.press("p", "c", "a", "t", "comma", "full_stop", "semicolon")


@pytest.mark.parametrize("size", [(40, 18), (30, 10), (20, 6), (38, 12), (120, 60)])
async def test_every_size(size: tuple[int, int]) -> None:
    async with shown(TensorPanel(), size) as pilot:
        panel = await opened(pilot, small_trace(), "language_model.layers.0")
        if size[1] >= 18:
            heatmap = panel.query_one(HeatMap)
            assert heatmap.size.height >= 5
            assert "[0, 0, 0] = " in whole(panel)


async def test_a_large_tensor_is_only_sliced() -> None:
    built = Builder()
    call = built.add("wide", "Linear", outputs={"output": info(1_000_000, 64, dtype="bfloat16")})
    values = MemoryValues({"wide": torch.zeros(1, 1, dtype=torch.bfloat16).expand(1_000_000, 64)})
    built.calls[call] = replace(
        built.calls[call], outputs={"output": replace(info(1_000_000, 64, dtype="bfloat16"), value="wide")}
    )
    async with shown(TensorPanel(), SIZE) as pilot:
        panel = await opened(pilot, Trace(model_info(), calls=built.calls, values=values), "wide")
        counts = panel.query_one(HistogramBars).counts
        assert counts is not None
        assert counts.counted <= 2**25 < counts.total
        assert "1000000 × 64" in whole(panel)
