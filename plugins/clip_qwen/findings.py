"""Where the original would go wrong with what a trace was asked: each of its known quirks, as a finding.

They were recorded on the original itself, with its own error texts and places. This model does the sound thing in every
case, unless `faithful` asks for the original's numbers. A finding has the fields of `inspector doctor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .reading import Forward, forwards, text_config

if TYPE_CHECKING:
    from inspector import Trace

Severity = Literal["error", "warning", "note"]
LOGN_TABLE = 32767
"""So many log-n factors the original computes in advance."""

CRASH = "The original raises here"
SILENT = "The original goes on here with other numbers"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know. `path` names the module where it happens, `evidence` holds the numbers."""

    id: str
    severity: Severity
    message: str
    path: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    advice: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "severity": self.severity,
            "message": self.message,
            "path": self.path,
            "evidence": dict(self.evidence),
            "advice": self.advice,
        }


Rule = Callable[[Forward], Iterator[Finding]]


def findings(trace: Trace) -> list[Finding]:
    """The quirks that would bite in a trace, each once, those that raise first; none for a model without an original.

    Raises `InputError` for a trace of another kind of model.
    """
    found: dict[str, Finding] = {}
    for forward in forwards(trace):
        if "seq_length" in text_config(trace):
            for rule in RULES:
                for finding in rule(forward):
                    found.setdefault(finding.id, finding)
    order = ("error", "warning", "note")
    return sorted(found.values(), key=lambda finding: order.index(finding.severity))


def placeholders(forward: Forward) -> Iterator[Finding]:
    """One picture and one placeholder a row is all that the original can do."""
    counts = forward.placeholders()
    evidence = {"placeholders": counts, "pictures": forward.pictures, "token": forward.image_token_id}
    if not forward.pictures:
        if sum(counts) and not forward.past:
            message = "A placeholder without a picture: its own embedding is used, as that of any token."
            yield Finding("placeholder-without-picture", "warning", message, None, evidence, "Give the picture.")
        return
    if forward.past or not counts or all(count == 1 for count in counts):
        return
    if sum(counts) == 0:
        message = f"{CRASH}: a picture and no placeholder (RuntimeError: stack expects a non-empty TensorList)."
    elif sum(counts) == forward.batch == forward.pictures:
        message = (
            f"{SILENT}: it takes the k-th placeholder of the whole batch for row k, so that rows lose a text token "
            "and keep a placeholder."
        )
    else:
        message = f"{CRASH}: it takes one picture a row (IndexError: index is out of bounds)."
    yield Finding("placeholders", "error", message, _path(forward.merge), evidence, "One placeholder a row, or none.")


def mask_not_widened(forward: Forward) -> Iterator[Finding]:
    """The mask of the ids is shorter than the merged sequence."""
    if forward.pictures and forward.mask is not None and forward.ids is not None and not forward.past:
        given, merged = forward.mask.shape[1], forward.tokens
        if merged is not None and given == forward.ids.shape[1] != merged:
            message = (
                f"{CRASH}: the mask covers {given} ids and is not widened to the {merged} positions after the merge. "
                "With one row its generate drops the mask."
            )
            evidence = {"mask": given, "merged": merged, "rows": forward.batch}
            severity: Severity = "error" if forward.batch > 1 else "note"
            yield Finding(
                "mask-not-widened", severity, message, _path(forward.merge), evidence, "Widen the mask first."
            )


def decoding_with_mask(forward: Forward) -> Iterator[Finding]:
    """On its sdpa path the original reads the causal mask that it made only for a prefill."""
    on_sdpa = not text_config(forward.trace).get("use_cache_quantization")
    uncached = forward.root.inputs.get("input.use_cache") is False
    if forward.mask is None or forward.batch == 1 or not on_sdpa or uncached:
        return
    when = CRASH if forward.past else "The original raises in the next step"
    message = (
        f"{when}: decoding with a mask under sdpa (AttributeError: 'NoneType' object has no attribute 'size'). Batches "
        "and beams always have a mask."
    )
    advice = "The original decodes batches on its eager path, or without a cache."
    yield Finding("sdpa-decoding-with-mask", "error", message, None, {"rows": forward.batch}, advice)


def cached_tokens_not_causal(forward: Forward) -> Iterator[Finding]:
    """Several tokens in one cached call see each other, later ones too."""
    tokens = forward.tokens or 0
    if tokens > 1 and forward.past:
        message = f"{SILENT}: {tokens} tokens in one cached call see each other, also those that come later."
        evidence = {"tokens": tokens, "cached": forward.past}
        yield Finding("cached-tokens-not-causal", "error", message, None, evidence, "Feed one token a call.")


def past_length(forward: Forward) -> Iterator[Finding]:
    """The cached length is read from the axis of the heads; the position ids made of it are used for nothing."""
    config = text_config(forward.trace)
    heads = config.get("num_attention_heads")
    if forward.past and not config.get("use_cache_quantization") and heads != forward.past:
        message = (
            f"The original takes the number of heads, {heads}, for the cached length, {forward.past}. The position ids "
            "that it computes from it are not used: no number changes."
        )
        evidence = {"computed": heads, "cached": forward.past}
        yield Finding("past-length-from-head-axis", "note", message, _path(forward.rotary), evidence)


def ntk(forward: Forward) -> Iterator[Finding]:
    """What the original does with the NTK factor beyond `seq_length`."""
    config = text_config(forward.trace)
    longest, keys = int(config["seq_length"]), forward.keys or 0
    if not config.get("use_dynamic_ntk") or keys <= longest:
        return
    evidence, path = {"tokens": keys, "seq_length": longest}, _path(forward.rotary)
    if not forward.past:
        message = (
            f"The original rotates all {keys} tokens by the factor of their number. Here a token's factor follows from "
            "its own position, so that a cached and a whole forward agree: the numbers differ by design."
        )
        yield Finding("ntk-alpha-of-the-whole", "note", message, path, evidence, "--faithful gives the original's.")
        return
    message = (
        f"{SILENT}: the NTK factor is whatever the last prefill left on the module, also one of another conversation."
    )
    yield Finding("ntk-alpha-kept-on-the-module", "warning", message, path, evidence)
    prompt = _prompt(forward)
    if prompt is None or prompt <= longest:
        message = f"{SILENT}: the factor of a prompt of at most {longest} tokens stays 1 while decoding beyond them."
        yield Finding("ntk-alpha-stays-1", "warning", message, path, {**evidence, "prompt": prompt})


def logn_table(forward: Forward) -> Iterator[Finding]:
    """The original's log-n factors are a table that ends."""
    if text_config(forward.trace).get("use_logn_attn") and (forward.keys or 0) > LOGN_TABLE:
        message = f"{CRASH}: its table of log-n factors ends after {LOGN_TABLE} tokens."
        yield Finding("logn-table-ends", "error", message, _path(forward.rotary), {"tokens": forward.keys})


def training(forward: Forward) -> Iterator[Finding]:
    """In training the original does without dynamic NTK and log-n."""
    call, longest = forward.rotary, int(text_config(forward.trace)["seq_length"])
    if call is not None and call.outputs.get("output.training") is True:
        message = "In training mode the original switches dynamic NTK and log-n scaling off, beyond seq_length tokens."
        severity: Severity = "warning" if (forward.keys or 0) > longest else "note"
        yield Finding("training-mode", severity, message, call.path, {"seq_length": longest}, "model.eval()")


def ignored(forward: Forward) -> Iterator[Finding]:
    """What the original takes and does not look at."""
    inputs = forward.root.inputs
    if forward.step == 0 and "input.position_ids" in inputs and inputs["input.position_ids"] is not None:
        message = "The original does not look at position_ids: it counts from the first column, padding included."
        yield Finding("position-ids-ignored", "note", message, _path(forward.rotary))
    if forward.trace.model.attention != "eager" and inputs.get("input.output_attentions") is True:
        message = f"{CRASH}: attention weights exist on its eager path only (ValueError)."
        yield Finding("output-attentions-under-sdpa", "error", message, None, {}, "--attn eager")


def generation(forward: Forward) -> Iterator[Finding]:
    """What becomes of the tokens in the end."""
    if forward.past and forward.tokens == 1 and forward.trace.config.get("model_type") == "clip_qwen":
        message = "The original's generate returns the new tokens without the last one."
        yield Finding("last-token-dropped", "warning", message, None, {}, "Ask for one token more.")


def pictures(forward: Forward) -> Iterator[Finding]:
    """Pictures are made ready in one way in training and in another when the model is asked."""
    media = [item for item in forward.trace.media if item.kind == "image"]
    if not forward.pictures or not media:
        return
    sizes = [f"{item.width}×{item.height}" for item in media]
    squeezed = any(item.width != item.height for item in media)
    how = (
        "squeezed into a square, with ImageNet's mean and std" if squeezed else "normalised by ImageNet's mean and std"
    )
    if text_config(forward.trace).get("faithful"):
        message = f"As when the original is asked, pictures were {how}; in training it crops and takes CLIP's."
    else:
        message = f"Pictures were made ready as in training; when the original is asked, they are {how}."
    yield Finding("pictures-differ-from-training", "warning", message, "vision_tower", {"sizes": sizes})


def quantisation(forward: Forward) -> Iterator[Finding]:
    """What 8 bits do."""
    if not text_config(forward.trace).get("use_cache_quantization"):
        return
    message = "Quantising cuts fractions off: keys and values come back half a step too low on average."
    yield Finding("quantisation-cuts-off", "note", message)
    if forward.mask is not None and not bool(forward.mask.bool().all()):
        message = (
            "Padding counts in the scale of a row's keys and values, so that a row depends on how far it is padded."
        )
        yield Finding("padding-in-the-scale", "note", message, None, {"padding": int((forward.mask == 0).sum())})


RULES: Sequence[Rule] = (
    *(placeholders, mask_not_widened, decoding_with_mask, cached_tokens_not_causal, past_length, ntk, logn_table),
    *(training, ignored, generation, pictures, quantisation),
)


def _prompt(forward: Forward) -> int | None:
    """The length of the last prefill before a decoding step, where the trace holds it."""
    before = [each for each in forwards(forward.trace) if each.step < forward.step and not each.past]
    return before[-1].tokens if before else None


def _path(call: Any) -> str | None:
    return None if call is None else call.path
