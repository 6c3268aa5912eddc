"""From the picture to the decoder: patches, the class token that is dropped, the projector, and how large it all is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector import Call, Column, Part, Table, TensorInfo, Text, Trace, View

from ..reading import Forward, chosen, kept  # noqa: TID252 - the package has another name here

STAGES = (
    Column("stage"),
    Column("module"),
    Column("shape"),
    Column("mean norm", "right"),
    Column("what"),
)
Row = tuple[str, str, str, float | None, str]


def show(trace: Trace, *, step: str = "") -> Sequence[Part]:
    forward = chosen(trace, step)
    if forward.projector is None:
        return [Text("Projector", "No picture was given in this forward, so the projector did not run.")]
    return [Table("From picture to decoder", STAGES, list(_stages(forward)), _note(forward))]


def _stages(forward: Forward) -> Iterator[Row]:
    trace, projector = forward.trace, forward.projector
    assert projector is not None
    tower = next(call for call in forward.calls if call.class_name == "CLIPVisionModel")
    yield _row(trace, "pixels", tower, "input.pixel_values", "after the image processor")
    embedded = forward.at(f"{tower.path}.embeddings")
    if embedded is not None:
        info = embedded.outputs.get("output")
        patches = f"{info.shape[1] - 1:,} patches behind one class token" if isinstance(info, TensorInfo) else ""
        yield _row(trace, "patches", embedded, "output", patches)
    layers = [call for call in forward.calls if call.class_name == "CLIPEncoderLayer"]
    if layers:
        yield _row(trace, "vision tower", layers[-1], "output", f"after {len(layers)} layers, without a final norm")
    yield _row(trace, "class token dropped", projector, "input.image_features", _dropped(layers, projector))
    for number, (name, what) in enumerate((("linear_1", "to the middle"), ("linear_2", "to the decoder's width"))):
        layer = forward.at(f"{projector.path}.{name}")
        if layer is not None:
            yield _row(trace, f"projector, layer {number + 1}", layer, "output", what)
    embedding = next((call for call in forward.calls if call.role == "token_embedding"), None)
    if embedding is not None:
        yield _row(trace, "token embeddings", embedding, "output", "what the features are spliced between")


def _row(trace: Trace, stage: str, call: Call, port: str, what: str) -> Row:
    info = call.ports().get(port)
    value = kept(trace, call, port)
    norm = None if value is None or value.ndim != 3 else float(value.float().norm(dim=-1).mean())
    return stage, call.path, str(info) if isinstance(info, TensorInfo) else "", norm, what


def _dropped(layers: list[Call], projector: Call) -> str:
    before, after = (
        info.shape[1] if isinstance(info, TensorInfo) else None
        for info in (
            layers[-1].outputs.get("output") if layers else None,
            projector.inputs.get("input.image_features"),
        )
    )
    if before is None or after is None:
        return ""
    if before == after:
        return "the class token goes on with the patches"
    return f"{before:,} states become {after:,}: the class token, the first of them, is left out"


def _note(forward: Forward) -> str:
    media = [f"{item.source} is {item.width}×{item.height}" for item in forward.trace.media if item.kind == "image"]
    return "; ".join(media) + ("." if media else "")


VIEW = View(
    "projector",
    "From the picture to the decoder: patches, the class token that is dropped, the projector, and how large it all is",
    show,
    {"step": "The forward, counted from 0."},
    values=(
        *("*vision_tower.embeddings", "*vision_tower.encoder.layers.*:output", "*multi_modal_projector*"),
        *("*wte:output", "*embed_tokens:output"),
    ),
)
