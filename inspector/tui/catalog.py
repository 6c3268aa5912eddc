"""What the launcher offers: bundled checkpoints, presets, the Hugging Face cache, directories, recent ones and traces.

Only names and small JSON files are read, never the network, and neither torch nor transformers is imported.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from inspector.analysis.wording import in_bytes, in_short
from inspector.errors import InspectorError, TraceError
from inspector.models import Preset, Source, find, list_models, recent
from inspector.models.checkpoint import Weights, find_weights
from inspector.trace import is_trace
from inspector.trace.values import read_header
from inspector.tui.entries import Entry

GROUPS = {"demo": "Bundled", "preset": "Presets", "hub": "Hugging Face cache", "directory": "Directories"}

ORDER = (GROUPS["demo"], "Recent", GROUPS["directory"], "Traces", GROUPS["preset"], GROUPS["hub"])
"""A first visit starts with what works offline; what is at hand stands before the long lists of what is published."""

HEAD = 65536
"""Bytes at the beginning of a `trace.json` in which its model stands."""


def entries(presets: Mapping[str, Preset], place: Path) -> list[Entry]:
    """Everything that can be opened from `place`, in the order in which the launcher shows it."""
    listed = [
        Entry(GROUPS[item.kind], item.reference, _listed(item.detail, item.bytes))
        for item in list_models(presets, [place])
    ]
    details = {entry.reference: entry.detail for entry in listed}
    opened = [Entry("Recent", name, details.get(name) or _kind(name)) for name in recent() if _is_recent(name)]
    traces = [Entry("Traces", str(path), "trace") for path in _traces(place)]
    return sorted([*opened, *listed, *traces], key=lambda entry: ORDER.index(entry.group))


def facts(reference: str, presets: Mapping[str, Preset]) -> list[tuple[str, str]]:
    """What is known of an entry without loading it, as names and values. Raises `InspectorError`."""
    path = Path(reference).expanduser()
    if is_trace(path):
        return _trace_facts(path / "trace.json")
    source = find(reference, presets)
    config = source.json("config.json") or {}
    return [*_config_facts(config), *_file_facts(source)]


def _config_facts(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    vision = config.get("vision_config")
    architecture = (config.get("architectures") or [config.get("model_type", "unknown")])[0]
    yield "architecture", str(architecture)
    yield from _stack("decoder", text or {}, ("num_hidden_layers", "n_layer"), ("hidden_size", "n_embd"))
    heads, groups = (text or {}).get("num_attention_heads"), (text or {}).get("num_key_value_heads")
    if heads:
        yield "attention", f"{heads} heads" + (f", {groups} for keys and values" if groups and groups != heads else "")
    if (text or {}).get("vocab_size"):
        yield "vocabulary", f"{(text or {})['vocab_size']:,} tokens"
    if isinstance(vision, dict):
        yield from _stack("vision", vision, ("depth", "num_hidden_layers"), ("hidden_size", "embed_dim"))
    dtype = (
        config.get("dtype") or config.get("torch_dtype") or (text or {}).get("dtype") or (text or {}).get("torch_dtype")
    )
    if dtype:
        yield "dtype", str(dtype)


def _stack(
    name: str, config: Mapping[str, Any], depths: tuple[str, ...], widths: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    depth = next((config[key] for key in depths if config.get(key)), None)
    width = next((config[key] for key in widths if config.get(key)), None)
    if depth and width:
        yield name, f"{depth} layers of width {width}"


def _file_facts(source: Source) -> Iterator[tuple[str, str]]:
    weights = None if source.path is None else find_weights(source.path, source.gguf)
    if weights is None:
        yield "weights", "none: opens shape-only"
    else:
        yield "weights", f"{in_bytes(weights.size())}{_parameters(weights)}"
    if source.preset is not None and source.preset.source:
        yield "published", source.preset.source
    if source.path is not None:
        yield "path", str(source.path)


def _parameters(weights: Weights) -> str:
    """How many parameters the headers of safetensors files name; nothing for files that would have to be read whole."""
    if not weights.safetensors:
        return ""
    try:
        headers = [read_header(file) for file in weights.files]
    except TraceError as error:
        return f", damaged: {error}"
    count = sum(math.prod(tensor["shape"]) for header in headers for tensor in header.values())
    return f", {in_short(count)} parameters"


def _trace_facts(file: Path) -> list[tuple[str, str]]:
    """The model of a saved trace, from the beginning of the file alone: it may be very large."""
    try:
        with file.open(encoding="utf-8") as opened:
            head = opened.read(HEAD)
        model, _ = json.JSONDecoder().raw_decode(head, head.index('"model":') + len('"model":'))
        rows = [("trace of", model["reference"]), ("architecture", model["class"])]
        rows.append(("parameters", in_short(model["parameters"])))
        rows.append(("ran on", f"{model['device']} · {model['dtype']} · {model['attention'] or 'own attention'}"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InspectorError(f"{file} cannot be read as a trace: {error}") from error
    return [*rows, ("size", in_bytes(file.stat().st_size)), ("path", str(file.parent))]


def _listed(detail: str, weights: int | None) -> str:
    return detail if weights is None else f"{detail} · {in_bytes(weights)}"


def _kind(reference: str) -> str:
    return "trace" if is_trace(Path(reference)) else ""


def _is_recent(reference: str) -> bool:
    """Whether a recent reference can still be opened, as far as a look at the disk says, and is not listed anyway."""
    bundled = reference.startswith("demo:")
    return not bundled and (not Path(reference).is_absolute() or Path(reference).exists())


def _traces(place: Path) -> list[Path]:
    try:
        return [place] if is_trace(place) else sorted(filter(is_trace, place.iterdir()))
    except OSError:
        return []
