"""The pairing that a model's code is written for, whatever runs in its place."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inspector.models.pairing import written_pairing
from tests.prompts import random_model
from tests.views.test_position_models import SMALL, model_of


@pytest.mark.parametrize(
    ("kind", "pairing"),
    [
        ("llama", ("halves", False)),
        ("cohere", ("neighbours", False)),
        ("glm", ("neighbours", False)),
        ("nanochat", ("halves", True)),
        ("gpt_oss", ("", False)),
    ],
)
def test_the_code_of_models(kind: str, pairing: tuple[str, bool]) -> None:
    settings = {**SMALL, "head_dim": 8, "num_local_experts": 2} if kind == "gpt_oss" else {**SMALL, "head_dim": 8}
    assert written_pairing(model_of(kind, **settings)) == pairing


def test_complex_numbers_are_neighbours() -> None:
    assert written_pairing(random_model("llama4_text")) == ("neighbours", False)


def test_a_model_of_text_beside_a_tower() -> None:
    """The two pair differently in GLM-4V, so that nothing is told of both together."""
    from tests.views.test_position_models import GLM

    model = model_of("glm4v", **GLM).model
    assert written_pairing(model.language_model) == ("neighbours", False)
    assert written_pairing(model.visual) == ("halves", False)
    assert written_pairing(model) == ("", False)


def test_what_was_put_in_its_place_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers.models.llama.modeling_llama as llama

    monkeypatch.setattr(llama, "rotate_half", torch.zeros_like)
    assert written_pairing(random_model("llama")) == ("halves", False)


def test_modules_without_source() -> None:
    assert written_pairing(nn.Linear(2, 2)) == ("", False)
    assert written_pairing(type("Own", (nn.Module,), {})()) == ("", False)
