"""Where picture features go, and the cache in 8 bits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inspector_plugins.clip_qwen.cache import QwenQuantizedLayer
from inspector_plugins.clip_qwen.merge import splice, splice_in_original_order, widen
from tests.plugins import golden
from tests.plugins.golden import FLOAT, largest
from tests.plugins.test_clip_qwen_model import IMAGE, alone, pictures, rows


class TestMerge:
    def test_features_take_the_place_of_their_placeholder(self) -> None:
        ids = torch.tensor([[1, IMAGE, 2], [IMAGE, 3, 4]])
        plan = splice(ids, IMAGE, 2, 3)
        assert plan.columns.tolist() == [[0, 1, 1, 1, 2], [0, 0, 0, 1, 2]]
        assert plan.features.tolist() == [[-1, 0, 1, 2, -1], [3, 4, 5, -1, -1]]
        assert plan.placeholders.tolist() == [[0, 1], [1, 0]]
        original = splice_in_original_order(ids, IMAGE, 2, 3)
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(plan, original, strict=True))

    def test_rows_with_fewer_pictures_are_padded_in_front(self) -> None:
        ids = torch.tensor([[1, 2, 3], [IMAGE, 4, IMAGE]])
        plan = splice(ids, IMAGE, 2, 2)
        assert plan.columns.tolist() == [[-1, -1, 0, 1, 2], [0, 0, 1, 2, 2]]
        assert plan.features.tolist() == [[-1, -1, -1, -1, -1], [0, 1, -1, 2, 3]]
        assert widen(None, plan.columns, 3).tolist() == [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]]  # type: ignore[union-attr]

    def test_masks(self) -> None:
        plan = splice(torch.tensor([[9, 1, IMAGE]]), IMAGE, 1, 3)
        ids, whole = torch.tensor([[0, 1, 1]]), torch.tensor([[0, 1, 1, 1, 1]])
        assert torch.equal(widen(ids, plan.columns, 3), whole)  # type: ignore[arg-type]
        assert torch.equal(widen(whole, plan.columns, 3), whole)  # type: ignore[arg-type]
        cached = widen(torch.tensor([[0, 0, 1, 1, 0, 1, 1]]), plan.columns, 3)  # four tokens stand in the cache
        assert cached is not None
        assert cached.tolist() == [[0, 0, 1, 1, 0, 1, 1, 1, 1]]
        assert widen(None, plan.columns, 3) is None
        with pytest.raises(ValueError, match="covers 2 tokens; 3 were expected, or 5 with the pictures"):
            widen(torch.ones(1, 2, dtype=torch.long), plan.columns, 3)

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_another_number_of_pictures(self, count: int) -> None:
        with pytest.raises(
            ValueError, match=rf"{count} pictures and 2 placeholders \(token 500\): \[2, 0\] in the rows"
        ):
            splice(torch.tensor([[IMAGE, 1, IMAGE], [1, 2, 3]]), IMAGE, count, 4)

    def test_the_original_takes_one_picture_a_row(self) -> None:
        with pytest.raises(ValueError, match="one picture a row: there are 1 rows, 2 pictures and 2 placeholders"):
            splice_in_original_order(torch.tensor([[IMAGE, 1, IMAGE]]), IMAGE, 2, 4)

    @torch.no_grad()
    def test_a_picture_in_a_later_turn(self) -> None:
        model = golden.model(faithful=False)
        first, second = rows((20, 1), (10, 1))
        both = pictures(2)
        whole = model(input_ids=torch.cat([first, second])[None], pixel_values=both).logits
        begun = model(input_ids=first[None], pixel_values=both[:1], use_cache=True)
        ids = second[None]
        mask = torch.ones(1, begun.past_key_values.get_seq_length() + len(second), dtype=torch.long)
        later = model(input_ids=ids, pixel_values=both[1:], attention_mask=mask, past_key_values=begun.past_key_values)
        assert largest(later.logits, whole[:, begun.logits.shape[1] :]) <= FLOAT

    def test_pictures_need_ids(self) -> None:
        model = golden.model()
        with pytest.raises(ValueError, match="merged at the placeholders of input_ids"):
            model(inputs_embeds=torch.zeros(1, 3, 64), pixel_values=pictures(1))
        with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
            model()


class TestQuantisedCache:
    @staticmethod
    def layer(exact: bool = True) -> tuple[QwenQuantizedLayer, Tensor]:
        layer, states = QwenQuantizedLayer(exact), torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(7))
        layer.update(states[:, :, :3], states[:, :, :3])
        layer.update(states[:, :, 3:], states[:, :, 3:])
        return layer, states

    def test_it_holds_bytes_and_gives_back_what_it_was_given(self) -> None:
        layer, states = self.layer()
        assert (layer.keys.dtype, layer.keys.shape, layer.key_scale.shape) == (torch.uint8, (2, 3, 5, 4), (2, 3, 5, 1))
        keys, values = layer.update(states, states)
        assert largest(keys[:, :, :5], states) < 0.05
        assert torch.equal(keys, values)
        assert layer.get_seq_length() == 10

    def test_rows_and_tokens_are_taken_with_their_scales(self) -> None:
        layer, states = self.layer()
        layer.reorder_cache(torch.tensor([1, 1]))
        layer.crop(-1)
        layer.batch_repeat_interleave(2)
        layer.batch_select_indices(torch.tensor([0, 3, 1]))
        parts = [getattr(layer, name) for name in QwenQuantizedLayer.PARTS]
        assert {part.shape[:3] for part in parts} == {(3, 3, 4)}
        assert all(torch.equal(part[0], part[2]) for part in parts)
        layer.reset()
        assert layer.get_seq_length() == 0
        layer.update(states, states)
        assert layer.get_seq_length() == 5

    @torch.no_grad()
    @pytest.mark.parametrize("options", [{}, {"num_beams": 2}])
    def test_generation_with_it(self, options: dict[str, int]) -> None:
        model = golden.model(faithful=False, quantised=True)
        plain = golden.model(faithful=False)
        inputs = {**alone(rows((12, 1)))[0], "max_new_tokens": 5, "do_sample": False, "pad_token_id": 0, **options}
        made = model.generate(**inputs, return_dict_in_generate=True)
        assert isinstance(made.past_key_values.layers[0], QwenQuantizedLayer)
        assert made.sequences.shape == plain.generate(**inputs).shape
