"""Logits processors by name: what each is called, what it was made with, and how transformers builds the list."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import Tensor
from transformers import LogitsProcessor

from inspector.trace.stages import Parameter

OPTIONS = {
    "EncoderNoRepeatNGramLogitsProcessor": "encoder_no_repeat_ngram_size",
    "EncoderRepetitionPenaltyLogitsProcessor": "encoder_repetition_penalty",
    "EpsilonLogitsWarper": "epsilon_cutoff",
    "EtaLogitsWarper": "eta_cutoff",
    "ExponentialDecayLengthPenalty": "exponential_decay_length_penalty",
    "ForcedBOSTokenLogitsProcessor": "forced_bos_token_id",
    "ForcedEOSTokenLogitsProcessor": "forced_eos_token_id",
    "InfNanRemoveLogitsProcessor": "remove_invalid_values",
    "LogitNormalization": "renormalize_logits",
    "MinLengthLogitsProcessor": "min_length",
    "MinNewTokensLengthLogitsProcessor": "min_new_tokens",
    "MinPLogitsWarper": "min_p",
    "NoBadWordsLogitsProcessor": "bad_words_ids",
    "NoRepeatNGramLogitsProcessor": "no_repeat_ngram_size",
    "PrefixConstrainedLogitsProcessor": "prefix_allowed_tokens_fn",
    "RepetitionPenaltyLogitsProcessor": "repetition_penalty",
    "SequenceBiasLogitsProcessor": "sequence_bias",
    "SuppressTokensAtBeginLogitsProcessor": "begin_suppress_tokens",
    "SuppressTokensLogitsProcessor": "suppress_tokens",
    "SynthIDTextWatermarkLogitsProcessor": "watermarking_config",
    "TemperatureLogitsWarper": "temperature",
    "TopHLogitsWarper": "top_h",
    "TopKLogitsWarper": "top_k",
    "TopPLogitsWarper": "top_p",
    "TypicalLogitsWarper": "typical_p",
    "UnbatchedClassifierFreeGuidanceLogitsProcessor": "guidance_scale",
    "WatermarkLogitsProcessor": "watermarking_config",
}
"""The generation option that asks for a processor, by the processor's class: that is what it is called."""

STATEFUL = frozenset({"SynthIDTextWatermarkLogitsProcessor", "UnbatchedClassifierFreeGuidanceLogitsProcessor"})
"""Processors of transformers whose result depends on the calls before, not on the tokens and scores alone."""

HIDDEN = frozenset({"filter_value", "device", "model", "self"})
"""What a processor is made with and says nothing about what it does."""

FEW = 16
"""Elements of a list or tensor that are written out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A processor under the name by which it is recorded, switched off and replaced."""

    name: str
    processor: LogitsProcessor

    @property
    def is_foreign(self) -> bool:
        """Whether it is not transformers' own: its result is looked at before it is trusted."""
        return not type(self.processor).__module__.startswith("transformers.")

    @property
    def is_stateful(self) -> bool:
        """Whether its result depends on the calls before, so that it cannot be had by applying it again."""
        return not self.is_foreign and type(self.processor).__name__ in STATEFUL


def entries_of(processors: Sequence[LogitsProcessor], given: Mapping[int, str]) -> list[Entry]:
    """Every processor with a name, no name twice. `given` are names that were chosen, by the processor's `id`."""
    entries: list[Entry] = []
    for processor in processors:
        name = given.get(id(processor)) or name_of(processor)
        taken = {entry.name for entry in entries}
        number = 2
        unique = name
        while unique in taken:
            unique, number = f"{name}#{number}", number + 1
        entries.append(Entry(unique, processor))
    return entries


def name_of(processor: LogitsProcessor) -> str:
    """The option that asks for it, or its class in small letters: `MyBiasLogitsProcessor` is `my_bias`."""
    kind = type(processor).__name__
    if kind in OPTIONS and not Entry("", processor).is_foreign:
        return OPTIONS[kind]
    return snake(re.sub(r"(Logits?)?(Processor|Warper)$", "", kind) or kind)


def snake(name: str) -> str:
    """A class's name in small letters: `MyBias` is `my_bias`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def parameters_of(processor: LogitsProcessor) -> dict[str, Parameter]:
    """What it was made with: the arguments of its constructor that it still holds."""
    held = vars(processor) if hasattr(processor, "__dict__") else {}
    kind: Any = type(processor)
    names = [name for name in _arguments(kind) if name not in HIDDEN]
    if type(processor).__name__ == "ExponentialDecayLengthPenalty":
        names = ["regulation_start", "regulation_factor"]
    return {name: _written(held[key]) for name in names if (key := _attribute(name, held)) is not None}


@lru_cache(maxsize=256)
def _arguments(kind: type[Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(kind).parameters)
    except (TypeError, ValueError):
        return ()


def _attribute(name: str, held: Mapping[str, Any]) -> str | None:
    """Where an argument was put; transformers changes a few names on the way."""
    renamed = {"bad_words_ids": "bad_word_ids", "encoder_ngram_size": "ngram_size", "mass": "mass"}
    for key in (name, f"_{name}", renamed.get(name, name)):
        if key in held:
            return key
    return None


def _written(value: Any) -> Parameter:
    if isinstance(value, Tensor):
        value = value.tolist() if value.numel() <= FEW else f"{value.numel()} numbers"
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    text = str(value)
    return text if len(text) <= 120 else f"{text[:119]}…"
