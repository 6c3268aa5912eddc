"""From a source to a model that runs: with its weights, with random ones, or with none.

transformers does the loading; this file decides what it is asked, and sees to it that whoever asked learns what he must
know: which weights are missing, what does not fit, what is wrong with a file. It imports torch only when it is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.errors import InspectorError, ModelError, near
from inspector.models import hub
from inspector.models.assembly import Assembly
from inspector.models.checkpoint import find_weights
from inspector.models.configuration import DTYPES, check_attention, read_config
from inspector.models.failures import forget, one_line
from inspector.models.family import Family
from inspector.models.making import Plan, shapes_alone, with_random_weights, with_weights
from inspector.models.processors import Processor
from inspector.models.quiet import Progress, listening
from inspector.models.sources import Source

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is to be loaded.

    `device` is a device or "auto": CUDA, then MPS, then the CPU, and spread over all of them where that one is too
    small. `dtype` is one of `DTYPES` or "auto": the checkpoint's own, except that float16 runs in float32 on the CPU,
    which is slow at float16 and lacks some of its kernels. `attention` is one of transformers' implementations, None
    for the one that it would choose itself. `vision` and `adapter` are the directories of a vision tower and of what
    was trained on top of a model; `faithful` asks for the numbers of an original also where they are unsound. These
    three are for families that put models together.
    """

    device: str = "auto"
    dtype: str = "auto"
    attention: str | None = None
    shape_only: bool = False
    random_weights: bool = False
    vision: Path | None = None
    adapter: Path | None = None
    faithful: bool = False
    trust_remote_code: bool = False


@dataclass(slots=True)
class Loaded:
    """A model in eval mode with all that belongs to it. `notices` are sentences that the user must see."""

    model: PreTrainedModel
    config: PreTrainedConfig
    family: Family
    processor: Processor
    reference: str
    shape_only: bool
    notices: list[str] = field(default_factory=list)


def load_model(
    source: Source, options: Options, families: Sequence[Family], progress: Progress | None = None
) -> Loaded:
    """Load what `source` names. The first of `families` that matches describes it, the generic one where none does.

    `progress` is called from the thread that loads; whatever it raises ends the loading and is raised here. Raises
    `ModelError` and `UnknownReference`; after an error nothing of the model stays in memory.
    """
    _check(options)
    tell = progress or (lambda stage, fraction: None)
    try:
        tell("importing torch and transformers", None)
        with listening(tell) as heard:
            loaded = _load(source, options, families, tell)
        loaded.notices.extend(heard)
        return loaded
    except BaseException as error:
        forget(error)
        raise


def _check(options: Options) -> None:
    """Raise `ModelError` for options that no model can be loaded with."""
    if options.dtype not in ("auto", *DTYPES):
        raise ModelError(
            f"There is no dtype {options.dtype!r}.{near(options.dtype, DTYPES)} A model loads in "
            f"{', '.join(DTYPES)}, or 'auto' for its own."
        )
    if options.shape_only and options.random_weights:
        raise ModelError("--shape-only means no weights, --random-weights random ones: choose one of them.")


def _load(source: Source, options: Options, families: Sequence[Family], tell: Progress) -> Loaded:
    notices: list[str] = []
    source = _located(replace(source, trust_remote_code=options.trust_remote_code), options, tell, notices)
    tell("reading the configuration", None)
    _register(families, notices)
    config = read_config(source)
    check_attention(options.attention)
    assembly = _assembly(families, source, config, options)
    config = config if assembly is None else assembly.config
    family = _family(families, config, notices)
    processor = (assembly and assembly.processor) or _processor(family, source, config)
    notices.extend([*processor.notices, *(assembly.notices if assembly else ())])
    plan = Plan(source, config, family.model_class(config), options, tell, notices, assembly)
    shapes = options.shape_only or not (options.random_weights or source.has_weights)
    model = (
        shapes_alone(plan) if shapes else with_random_weights(plan) if options.random_weights else with_weights(plan)
    )
    if assembly is not None and assembly.finish is not None:
        tell("finishing the model", None)
        assembly.finish(model)
    return Loaded(model, model.config, family, processor, source.reference, shapes, notices)


def _located(source: Source, options: Options, tell: Progress, notices: list[str]) -> Source:
    """The source once everything that is needed lies on this machine."""
    if source.repository is None:
        return source
    wanted = not (options.shape_only or options.random_weights)
    if source.path is None or not hub.is_complete(source.path, source.gguf, wanted):
        try:
            source = source.at(hub.fetch(source.repository, source.gguf, wanted, tell))
        except ModelError as error:
            if source.path is None or source.json("config.json") is None:
                raise
            found = find_weights(source.path)
            if wanted and (found is None or found.missing()):
                raise ModelError(f"{error} Its configuration is there: --shape-only opens that.") from error
            notices.append(str(error))
    found = find_weights(source.path, source.gguf) if source.path else None
    return replace(source, has_weights=found is not None)


def _register(families: Sequence[Family], notices: list[str]) -> None:
    for family in families:
        try:
            family.register()
        except Exception as error:  # a plugin's own affair; the others still get their turn
            notices.append(
                f"The classes of the family {family.name!r} are not known to transformers: {one_line(error)}"
            )


def _assembly(
    families: Sequence[Family], source: Source, config: PreTrainedConfig, options: Options
) -> Assembly | None:
    """What the first family that puts this model together makes of it. Raises `ModelError` for options left over."""
    for family in families:
        assembly = family.assemble(source, config, options)
        if assembly is not None:
            return assembly
    given = {"--vision": options.vision, "--adapter": options.adapter, "--faithful": options.faithful}
    if names := [name for name, value in given.items() if value]:
        raise ModelError(
            f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} for models that a family puts together, and "
            f"none of the installed ones does so with a model of the type {config.model_type!r}."
        )
    return None


def _family(families: Sequence[Family], config: PreTrainedConfig, notices: list[str]) -> Family:
    for family in families:
        try:
            if family.matches(config):
                return family
        except Exception as error:  # a plugin's own affair; the others still get their turn
            notices.append(
                f"The family {family.name!r} was passed over, because its matches() raised: {one_line(error)}"
            )
    return Family()


def _processor(family: Family, source: Source, config: PreTrainedConfig) -> Processor:
    try:
        return family.processor(source, config)
    except InspectorError:
        raise
    except Exception as error:  # tokenizers and image processors raise many kinds, plugins any
        raise ModelError(
            f"The tokenizer and image processor of {source.reference} cannot be loaded: {one_line(error)}"
        ) from error
