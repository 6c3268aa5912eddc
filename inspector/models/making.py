"""The three ways to a model: shapes alone, random weights, the weights of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inspector.errors import InspectorError, ModelError
from inspector.models import building
from inspector.models.checkpoint import Weights, check_weights, find_weights, loaded_bytes, refuse_strays, some
from inspector.models.configuration import DTYPES, own_dtype
from inspector.models.devices import Need, Placement, choose, free_bytes, no_room, place
from inspector.models.failures import explain
from inspector.models.quiet import Progress
from inspector.models.sources import Source

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from inspector.models.assembly import Assembly
    from inspector.models.loading import Options

AS_STORED = "its own dtype"
"""Stands where a dtype would: transformers is to settle it from the checkpoint."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made, once configuration and family are known. `notices` collects what the user must see."""

    source: Source
    config: PreTrainedConfig
    auto: type[Any]
    options: Options
    tell: Progress
    notices: list[str]
    assembly: Assembly | None = None

    @property
    def extras(self) -> dict[str, Any]:
        """Keyword arguments that building and loading have in common."""
        extras: dict[str, Any] = {}
        if self.options.attention is not None:
            extras["attn_implementation"] = self.options.attention
        if self.source.trust_remote_code:
            extras["trust_remote_code"] = True
        return extras

    @property
    def is_quantised(self) -> bool:
        return getattr(self.config, "quantization_config", None) is not None

    def dtype(self, headers: dict[str, Any]) -> str:
        asked = self.options.dtype
        return own_dtype(self.config, headers) if asked == "auto" else asked


def shapes_alone(plan: Plan) -> PreTrainedModel:
    """The architecture on the meta device."""
    path = plan.source.path
    if path is not None and not plan.options.shape_only:
        refuse_strays(path)
        plan.notices.append(f"{plan.source.reference} holds no weights: the model has shapes and no values.")
    if plan.options.device != "auto":
        choose(plan.options.device)  # nothing lies there, but a misspelled name is to be told all the same
    plan.tell("building the architecture", None)
    return _architecture(plan, plan.dtype({}))


def with_random_weights(plan: Plan) -> PreTrainedModel:
    """The architecture with random weights, if there is room for them. Nothing is spread over devices."""
    need = _need_of(_architecture(plan, "float32"), plan, plan.dtype({}))
    device = choose(plan.options.device)
    if need.total > free_bytes(device):
        raise no_room(need, device)
    plan.tell("making random weights", None)
    plan.notices.append(
        f"The weights of {plan.source.reference} are random: shapes, time and memory are real, values not."
    )
    try:
        model = building.with_random_weights(plan.auto, plan.config, need.dtype, device, **plan.extras)
    except InspectorError:
        raise
    except Exception as error:  # transformers raises many kinds, and code of the checkpoint's own any
        raise explain(error, need, device) from error
    building.set_generation_config(model, plan.source)
    return model


def with_weights(plan: Plan) -> PreTrainedModel:
    """The checkpoint, whole on one device or spread over all of them."""
    plan.tell("checking the weight files", None)
    weights, headers = _files(plan)
    device = choose(plan.options.device)
    need = _need(plan, weights, headers, _settled(plan, headers, device))
    placement = place(plan.options.device, need)
    plan.tell("loading weights", 0.0)
    try:
        model, report = _from_pretrained(plan, need, placement)
    except InspectorError:
        raise
    except Exception as error:  # transformers raises many kinds, and code of the checkpoint's own any
        raise explain(error, need, placement.device, weights) from error
    _refuse_foreign(plan, model, report)
    if plan.assembly is not None and plan.assembly.pieces:
        building.set_generation_config(model, plan.source)
    plan.notices.extend(_told(report))
    plan.notices.extend(_where(model))
    return model


def _files(plan: Plan) -> tuple[Weights, dict[str, Any]]:
    """The weight files of a checkpoint, or of all pieces of a model, and the headers of those of safetensors."""
    if plan.assembly is not None and plan.assembly.pieces:
        return plan.assembly.weights(), plan.assembly.headers()
    path = plan.source.path
    weights = None if path is None else find_weights(path, plan.source.gguf)
    if weights is None:
        raise ModelError(f"{plan.source.reference} holds no weights.")
    return weights, check_weights(weights)


def _from_pretrained(plan: Plan, need: Need, placement: Placement) -> tuple[PreTrainedModel, dict[str, Any]]:
    options: dict[str, Any] = {"gguf_file": plan.source.gguf} if plan.source.gguf else {"config": plan.config}
    path = plan.source.path
    if plan.assembly is not None and plan.assembly.pieces:
        path, options["state_dict"] = None, plan.assembly.state()
    loaded: tuple[PreTrainedModel, dict[str, Any]] = plan.auto.from_pretrained(
        path,
        dtype="auto" if need.dtype == AS_STORED else need.dtype,
        device_map=placement.device_map,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # reported like a missing weight; transformers would raise without saying which
        local_files_only=not plan.source.trust_remote_code,
        **plan.extras,
        **options,
    )
    return loaded


def _settled(plan: Plan, headers: dict[str, Any], device: str) -> str:
    """The dtype to load in."""
    if plan.options.dtype == "auto" and (plan.is_quantised or plan.source.gguf):
        return AS_STORED
    dtype = plan.dtype(headers)
    if plan.options.dtype == "auto" and dtype == "float16" and device == "cpu":
        plan.notices.append("The checkpoint is float16; on the CPU it runs in float32 (--dtype float16 keeps it).")
        return "float32"
    return dtype


def _need(plan: Plan, weights: Weights, headers: dict[str, Any], dtype: str) -> Need:
    """What the weights will take, without loading one."""
    if plan.is_quantised:
        return Need(plan.source.reference, dtype, {dtype: weights.size()})
    if not headers:
        return _need_of(_architecture(plan, "float32"), plan, dtype)
    return Need(
        plan.source.reference, dtype, {name: loaded_bytes(headers, _itemsize(name)) for name in (*DTYPES, dtype)}
    )


def _need_of(model: PreTrainedModel, plan: Plan, dtype: str) -> Need:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Need(plan.source.reference, dtype, {name: parameters * _itemsize(name) for name in (*DTYPES, dtype)})


def _itemsize(dtype: str) -> int:
    import torch

    size: int = getattr(torch, "float32" if dtype == AS_STORED else dtype).itemsize  # GGUF unpacks to float32
    return size


def _architecture(plan: Plan, dtype: str) -> PreTrainedModel:
    need = Need(plan.source.reference, dtype, {dtype: 0})
    try:
        model = building.without_values(plan.auto, plan.config, dtype, **plan.extras)
    except InspectorError:
        raise
    except Exception as error:  # transformers raises many kinds, and code of the checkpoint's own any
        raise explain(error, need, "meta") from error
    building.set_generation_config(model, plan.source)
    return model


def _refuse_foreign(plan: Plan, model: PreTrainedModel, report: dict[str, Any]) -> None:
    """Raise `ModelError` where not one weight of the model came from the checkpoint."""
    absent = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    if absent.issuperset(name for name, _ in model.named_parameters()):
        raise ModelError(
            f"The weights in {plan.source.path} belong to another model: none of them fits {type(model).__name__}, "
            f"which its configuration names. The model has {some(sorted(absent))}; the files have "
            f"{some(sorted(report['unexpected_keys'])) or 'other shapes'}."
        )


def _told(report: dict[str, Any]) -> list[str]:
    """What did not match between checkpoint and model, in sentences."""
    notices = []
    if missing := sorted(report["missing_keys"]):
        notices.append(f"MISSING from the checkpoint, and random now: {_counted(missing)}. Do not trust the outputs.")
    if other := sorted(report["mismatched_keys"]):
        shapes = [f"{name} ({list(stored)} stored, {list(wanted)} wanted)" for name, stored, wanted in other]
        notices.append(
            f"OF ANOTHER SHAPE in the checkpoint, and random now: {_counted(shapes)}. Do not trust the outputs."
        )
    if unexpected := sorted(report["unexpected_keys"]):
        notices.append(f"In the checkpoint without a place in the model, and left out: {_counted(unexpected)}.")
    return notices


def _counted(names: list[str]) -> str:
    return f"{len(names)} {'weight' if len(names) == 1 else 'weights'}: {some(names)}"


def _where(model: PreTrainedModel) -> Iterable[str]:
    """A sentence on a model that lies on several devices."""
    devices = list(dict.fromkeys(map(_device, (getattr(model, "hf_device_map", None) or {}).values())))
    if len(devices) > 1 or devices == ["disk"]:
        slow = "; what lies on disk is read again in every forward" if "disk" in devices else ""
        yield f"The model does not fit one device: accelerate spread it over {', '.join(devices)}{slow}."


def _device(place: object) -> str:
    return f"cuda:{place}" if isinstance(place, int) else str(place)
