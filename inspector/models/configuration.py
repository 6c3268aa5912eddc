"""Reading a model's configuration, and what has to be settled before its class is built: dtype and attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inspector.errors import ModelError, near
from inspector.models.checkpoint import FLOATS
from inspector.models.failures import one_line
from inspector.models.sources import Source

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

DTYPES = ("float32", "bfloat16", "float16")


def read_config(source: Source) -> PreTrainedConfig:
    """The configuration that a source holds, as transformers reads it.

    Raises `ModelError` for one that is damaged, names no architecture or one that the installed transformers does not
    know, or needs code of its own that was not allowed.
    """
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    try:
        if source.preset is not None:
            data = source.json("config.json") or {}
            _check_type(source, data)
            return CONFIG_MAPPING[data["model_type"]].from_dict(data)
        options: dict[str, Any] = {"gguf_file": source.gguf} if source.gguf else {}
        if not source.gguf:
            _check_type(source, source.json("config.json") or {})
        return AutoConfig.from_pretrained(
            source.path,
            trust_remote_code=source.trust_remote_code,
            local_files_only=not source.trust_remote_code,  # code may be named as lying in another repository
            **options,
        )
    except ModelError:
        raise
    except ImportError as error:
        raise ModelError(f"{source.reference} needs a package that is not installed: {one_line(error)}") from error
    except Exception as error:  # validation of the values raises many kinds, and code of the checkpoint's own any
        raise ModelError(f"The configuration of {source.reference} cannot be read: {one_line(error)}") from error


def own_dtype(config: PreTrainedConfig, headers: dict[str, Any]) -> str:
    """The name of the dtype that a checkpoint says it is in, or else that of its first floating-point weight."""
    for told in (config, config.get_text_config()):
        if getattr(told, "dtype", None) is not None:
            return str(told.dtype).removeprefix("torch.")
    stored = (FLOATS[tensor["dtype"]] for tensor in headers.values() if tensor["dtype"] in FLOATS)
    return next(stored, "float32")


def check_attention(name: str | None) -> None:
    """Raise `ModelError` for an attention implementation that transformers does not have."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    known = ["eager", *ALL_ATTENTION_FUNCTIONS.valid_keys()]
    if name is not None and name not in known:
        raise ModelError(
            f"There is no attention implementation {name!r}.{near(name, known)} transformers has {', '.join(known)}."
        )


def _check_type(source: Source, data: dict[str, Any]) -> None:
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = data.get("model_type")
    has_code = isinstance(data.get("auto_map"), dict)
    if has_code and kind not in CONFIG_MAPPING and not source.trust_remote_code:
        raise ModelError(
            f"{source.reference} brings Python code of its own for the model type {kind!r}, which would run on this "
            "machine. Read it, and allow it with --trust-remote-code if you trust it."
        )
    if has_code or kind in CONFIG_MAPPING:
        return
    installed = f"transformers {transformers.__version__}"
    if not isinstance(kind, str):
        raise ModelError(
            f"The config.json of {source.reference} names no model_type, so that {installed} cannot tell what it is. "
            'Add it, for example "model_type": "qwen2".'
        )
    raise ModelError(
        f"{installed}, which is installed, does not know the model type {kind!r} of {source.reference}."
        f"{near(kind, CONFIG_MAPPING)} A newer one may: pip install --upgrade transformers."
    )
