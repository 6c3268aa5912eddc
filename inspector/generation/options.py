"""The options of a generation under transformers' own names: which there are, and which values they take."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from transformers import GenerationConfig

from inspector.errors import InputError, near
from inspector.models.processors import quiet

ELSEWHERE = {
    "constraints": "constrained beam search",
    "dola_layers": "DoLa decoding",
    "force_words_ids": "constrained beam search",
    "penalty_alpha": "contrastive search",
}
"""Options of decoding methods that transformers has moved out, into code on its hub."""

OWN = frozenset(
    {"output_attentions", "output_hidden_states", "output_logits", "output_scores", "return_dict_in_generate"}
)
"""Options that ask `generate` for what a record holds anyway; they would keep every step's tensors in memory."""

RANGES: Mapping[str, tuple[float, float | None]] = {
    "epsilon_cutoff": (0, 1),
    "eta_cutoff": (0, 1),
    "max_length": (1, None),
    "max_new_tokens": (1, None),
    "max_time": (0, None),
    "min_length": (0, None),
    "min_new_tokens": (0, None),
    "min_p": (0, 1),
    "no_repeat_ngram_size": (0, None),
    "num_assistant_tokens": (1, None),
    "num_beams": (1, None),
    "num_return_sequences": (1, None),
    "prompt_lookup_num_tokens": (1, None),
    "repetition_penalty": (0, None),
    "temperature": (0, None),
    "top_h": (0, 1),
    "top_k": (0, None),
    "top_p": (0, 1),
    "typical_p": (0, 1),
}
"""The least and the largest value of options that are numbers."""

ABOVE = frozenset({"repetition_penalty", "temperature", "top_h", "typical_p"})
"""Options whose processors refuse the least value itself; it may stand where none of them is made."""

FRACTIONS = frozenset(
    {
        *("temperature", "top_p", "top_h", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"),
        *("repetition_penalty", "encoder_repetition_penalty", "length_penalty", "guidance_scale"),
    }
)
"""Options that transformers takes as floats only; `2` means 2.0 there."""


def meant(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with whole numbers as the fractions that some of them want."""
    return {
        name: float(value) if name in FRACTIONS and type(value) is int else value for name, value in options.items()
    }


def check_options(options: Mapping[str, Any]) -> None:
    """Raise `InputError` for a name that is no generation option, and for a value out of range."""
    known = [name for name in vars(GenerationConfig()) if not name.startswith("_") and name != "transformers_version"]
    for name in options:
        if name not in known:
            raise InputError(f"There is no generation option {name!r}.{near(name, known)}")
        if name in ELSEWHERE and options[name] is not None:
            raise InputError(
                f"{name} asks for {ELSEWHERE[name]}, which transformers has moved out of its library; Inspector steps "
                "through greedy search, sampling, beam search, beam sampling and assisted decoding."
            )
        if name in OWN:
            raise InputError(f"{name} is not needed: every step is recorded with its logits. See step.processors.")
    if (options.get("num_beam_groups") or 1) > 1:
        raise InputError("num_beam_groups asks for group beam search, which transformers has moved out of its library.")
    check_ranges(options)
    try:
        with hushed():
            GenerationConfig(**options)
    except (ValueError, TypeError) as error:
        raise InputError(f"These generation options do not go together: {sentence(error)}") from error


def watermark(settings: Mapping[str, Any]) -> Any:
    """A watermark from plain data; one with `ngram_len` is SynthID's. Raises `InputError`."""
    from transformers import SynthIDTextWatermarkingConfig, WatermarkingConfig

    kind = SynthIDTextWatermarkingConfig if "ngram_len" in settings else WatermarkingConfig
    try:
        return kind(**settings)
    except (ValueError, TypeError) as error:
        raise InputError(f"watermarking_config: {sentence(error)}") from error


def check_ranges(options: Mapping[str, Any]) -> None:
    """Raise `InputError` for what transformers would pass over in silence: a number out of range, or none at all."""
    for name, (low, high) in RANGES.items():
        value = options.get(name)
        if value is None:
            continue
        expected = f"a number {_bounds(name, low, high)}"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"{name} is {value!r}; {expected} was expected.")
        if value < low or (high is not None and value > high):
            raise InputError(f"{name} is {value}, which is out of range: {expected} was expected.")


def _bounds(name: str, low: float, high: float | None) -> str:
    if name in ABOVE:
        return f"above {low}" if high is None else f"above {low}, up to {high},"
    return f"from {low} on" if high is None else f"from {low} to {high}"


@contextmanager
def hushed() -> Iterator[None]:
    """Inside the block transformers prints no remarks about options: they are checked, and told, once."""
    with warnings.catch_warnings(action="ignore"), quiet():
        yield


def sentence(error: BaseException) -> str:
    """What transformers says, without its marks of code."""
    text = " ".join(str(error).replace("`", "").split())
    return text if text.endswith(".") else f"{text}."
