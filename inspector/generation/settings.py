"""What a generation is asked for, turned into processors and criteria, and changed on the way."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, StoppingCriteria

from inspector.errors import InputError, near
from inspector.generation.options import check_ranges, hushed, sentence
from inspector.generation.processors import OPTIONS, Entry, entries_of, parameters_of

DEFAULT = 20
"""transformers' own limit where nobody sets one: so many new tokens."""

CHANGEABLE = frozenset(OPTIONS.values()) | {"do_sample", "max_length", "max_new_tokens", "max_time", "stop_strings"}
"""Options that may change between two steps: those that processors and criteria are made from, and how to choose."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a generation is asked for. `later` are options that were changed on the way, `added` processors beside those
    of the options, `off` names of processors that are left out.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    later: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[Entry, ...] = ()
    off: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The options as plain data; a processor that was added by its parameters."""
        data = {name: _plain(value) for name, value in {**self.options, **self.later}.items()}
        if self.added:
            data["added"] = {entry.name: parameters_of(entry.processor) for entry in self.added}
        if self.off:
            data["off"] = sorted(self.off)
        return data


@dataclass(slots=True)
class Prepared:
    """What `generate` made of the request before its loop: the configuration with every default filled in and the
    prompt, expanded to as many rows as there are sequences, i64 [rows, tokens]. `mode` is transformers' name.
    """

    mode: str
    config: GenerationConfig
    prompt: Tensor
    inputs: Tensor
    mask: Tensor | None
    criteria: list[StoppingCriteria]

    @property
    def length(self) -> int:
        """Number of tokens of the prompt, padding included."""
        return self.prompt.shape[1]


def preview(model: Any, options: Mapping[str, Any], inputs: Mapping[str, Any], given: Mapping[str, Any]) -> Prepared:
    """What `generate` is going to prepare for the prompt, as far as it can be told before. Raises `InputError`."""
    ids, mask = inputs["input_ids"], inputs.get("attention_mask")
    try:
        with hushed():
            config, _ = model._prepare_generation_config(None, **options)
            model._prepare_special_tokens(config, mask is not None, device=ids.device, batch_size=ids.shape[0])
    except (ValueError, TypeError) as error:
        raise InputError(sentence(error)) from error
    for limit, added in (("max_length", config.max_new_tokens), ("min_length", config.min_new_tokens)):
        if added is not None:
            setattr(config, limit, ids.shape[1] + added)
    if options.get("max_new_tokens") is None and options.get("max_length") is None and config.max_length == DEFAULT:
        config.max_length = ids.shape[1] + DEFAULT
    if config.max_length <= ids.shape[1]:
        raise InputError(
            f"The prompt has {ids.shape[1]} tokens, and max_length, which counts them, is {config.max_length}: that "
            "leaves no room for a new one. Set max_new_tokens, or a larger max_length."
        )
    mode = config.get_generation_mode(given.get("assistant_model")).value
    return Prepared(str(mode), config, ids, ids, mask, list(given.get("stopping_criteria") or ()))


def changed(prepared: Prepared, options: Mapping[str, Any]) -> GenerationConfig:
    """The configuration with other options, as `generate` would have prepared it. Raises `InputError`."""
    for name in options:
        if name not in CHANGEABLE:
            what = near(name, CHANGEABLE) or " Start another generation for that."
            raise InputError(f"{name} cannot change within a generation.{what}")
    check_ranges(options)
    config = copy.deepcopy(prepared.config)
    for name, value in options.items():
        setattr(config, name, _default(name) if value is None else value)
    if options.get("max_new_tokens") is not None:
        config.max_length = prepared.length + config.max_new_tokens
    elif options.get("max_length") is not None:
        config.max_new_tokens = None
    if options.get("min_new_tokens") is not None:
        config.min_length = prepared.length + config.min_new_tokens
    try:
        with hushed():
            GenerationConfig(**{name: getattr(config, name) for name in options})
    except (ValueError, TypeError) as error:
        raise InputError(sentence(error)) from error
    return config


def processors(
    model: Any, prepared: Prepared, config: GenerationConfig, settings: Settings, given: Mapping[str, Any]
) -> list[Entry]:
    """The processors that `generate` would build for the prompt, by name and in order; those switched off left out.

    `given` are the arguments of `generate` that processors are made from beside the configuration. Raises `InputError`
    for a parameter out of range.
    """
    try:
        with hushed():
            made = model._get_logits_processor(
                generation_config=config,
                input_ids_seq_length=prepared.length,
                encoder_input_ids=prepared.inputs,
                prefix_allowed_tokens_fn=given.get("prefix_allowed_tokens_fn"),
                logits_processor=[entry.processor for entry in settings.added],
                device=prepared.prompt.device,
                model_kwargs={"attention_mask": prepared.mask},
                negative_prompt_ids=given.get("negative_prompt_ids"),
                negative_prompt_attention_mask=given.get("negative_prompt_attention_mask"),
            )
    except (ValueError, TypeError) as error:
        raise InputError(sentence(error)) from error
    entries = named(made, settings)
    if any(entry.name == "guidance_scale" for entry in entries):
        _check_guidance(model)
    unknown = settings.off - {entry.name for entry in entries}
    if unknown:
        there_are = ", ".join(entry.name for entry in entries) or "none"
        raise InputError(f"There is no processor {min(unknown)!r} to switch off; there are {there_are}.")
    return [entry for entry in entries if entry.name not in settings.off]


def named(made: Sequence[LogitsProcessor], settings: Settings) -> list[Entry]:
    return entries_of(made, {id(entry.processor): entry.name for entry in settings.added})


def criteria(model: Any, config: GenerationConfig, own: Sequence[StoppingCriteria], tokenizer: Any) -> list[Any]:
    """The stopping criteria that `generate` would build; `own` are those that were given beside the configuration."""
    from transformers import StoppingCriteriaList

    try:
        return list(model._get_stopping_criteria(config, StoppingCriteriaList(own), tokenizer=tokenizer))
    except (ValueError, TypeError) as error:
        raise InputError(sentence(error)) from error


def kept_alive(new: Sequence[Entry], old: Sequence[Entry]) -> list[Entry]:
    """`new`, with the objects of `old` where name and parameters are the same: they may remember earlier steps."""
    known = {entry.name: entry for entry in old}
    return [
        known[entry.name]
        if entry.name in known
        and type(known[entry.name].processor) is type(entry.processor)
        and parameters_of(known[entry.name].processor) == parameters_of(entry.processor)
        else entry
        for entry in new
    ]


def remarks(options: Mapping[str, Any], config: GenerationConfig) -> list[str]:
    """What transformers would remark about options that have no effect, a sentence each. `config` is the model's own,
    which may sample where the options do not say.
    """
    own = {name: getattr(config, name, None) for name in ("do_sample", "num_beams")}
    try:
        with hushed():
            GenerationConfig(**{**own, **options}).validate(strict=True, user_set_attributes=set(options))
    except ValueError as error:
        found = re.findall(r"^- `\w+`: (.*)$", str(error), flags=re.MULTILINE)
        return [sentence(text) for text in found]
    return []


def _check_guidance(model: Any) -> None:
    """Raise `InputError` for a model that cannot be run on the cache of a second conversation.

    One that works out positions in three axes by itself, as Qwen2.5-VL, makes them there for every token in place of
    the new one: its forward then fails, in `generate` too.
    """
    if any(hasattr(module, "compute_3d_position_ids") for module in model.modules()):
        raise InputError(
            f"guidance_scale cannot be used with {type(model).__name__}: it runs the model beside itself, without the "
            "prompt, and transformers gives this model the wrong positions there; its own generate fails with it at "
            "the second token. Leave it out."
        )


def _default(name: str) -> Any:
    return GenerationConfig._get_default_generation_params().get(name)


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return value.to_dict() if hasattr(value, "to_dict") else str(value)
