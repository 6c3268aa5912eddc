"""From what a recorder has seen to a trace, and what a trace tells of its model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from inspector.models import Family
from inspector.models.facts import rotary_facts
from inspector.recording import Recorder, Report
from inspector.recording.report import size_of
from inspector.tokens import read_tokens
from inspector.trace import ModelInfo, Trace

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def fill(
    trace: Trace,
    recorder: Recorder,
    family: Family,
    config: Any,
    tokenizer: PreTrainedTokenizerBase | None,
) -> None:
    """Put what a recorder has seen into a trace."""
    report = Report(recorder, family.role)
    trace.modules = report.modules()
    trace.calls = report.calls()
    trace.values = report.values
    trace.failure = report.failure()
    trace.config = config_json(config)
    trace.facts = {**trace.facts, **model_facts(recorder.model, family, config)}
    trace.notices += [*recorder.notices, *recorder.keeper.notices]
    trace.tokens = read_tokens(trace, family, config, tokenizer)


def describe_model(model: nn.Module, reference: str, family: Family, *, shape_only: bool = False) -> ModelInfo:
    """The header of a trace."""
    first = next(model.parameters(), None)
    dtype = getattr(model, "dtype", None) or (first.dtype if first is not None else torch.float32)
    device = "cpu" if first is None else "meta" if shape_only else str(first.device)
    return ModelInfo(
        reference=reference,
        family=family.name,
        class_name=type(model).__name__,
        parameters=size_of(model)[0],
        dtype=str(dtype).removeprefix("torch."),
        device=device,
        attention=getattr(getattr(model, "config", None), "_attn_implementation", None),
        shape_only=shape_only,
    )


def config_json(config: Any) -> dict[str, Any]:
    """A configuration of transformers as `config.json` holds it, defaults written out; empty for anything else."""
    if not hasattr(config, "to_json_string"):
        return {}
    found: dict[str, Any] = json.loads(config.to_json_string(use_diff=False))
    return found


def model_facts(model: nn.Module, family: Family, config: Any) -> dict[str, Any]:
    """What views read of a model beside its configuration: see `Trace.facts`."""
    facts: dict[str, Any] = {"rotary": rotary_facts(model)}
    if hasattr(config, "to_dict"):
        facts["vision"] = family.layout(config).to_json()
    return facts


def failure_message(trace: Trace, error: Exception) -> str:
    """What failed, where, and what was raised, in two lines."""
    failure = trace.failure
    what = f"{type(error).__name__}: {error}"
    if failure is None:
        return f"The forward failed before the first module ran.\n{what}"
    where = f" ({failure.file}:{failure.line})" if failure.file else ""
    advice = ""
    if isinstance(error, torch.OutOfMemoryError):
        advice = "\nA lower --dtype, --device cpu, a smaller picture or --shape-only needs less memory."
    return f"The forward failed in {failure.path or 'the model itself'}, {failure.class_name}{where}.\n{what}{advice}"
