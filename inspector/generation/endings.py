"""How a generation ends, and how it fails: told in words that say what can be done."""

from __future__ import annotations

from inspector.analysis.checks import counted
from inspector.errors import GenerationError, InputError, InspectorError
from inspector.generation.branches import Branch
from inspector.generation.decoding import Decoding
from inspector.generation.options import sentence


def check_end(branch: Branch, *, changed: bool) -> None:
    """Raise `GenerationError` where a branch has ended and nothing was changed that would let it go on."""
    rows = range(len(branch.steps[-1].rows)) if branch.steps else ()
    over = all(branch.has_ended(row, len(branch.steps)) for row in rows)
    if changed and not over and not branch.is_beam_search:
        return
    advice = "" if over else " A larger max_new_tokens lets it go on: set(max_new_tokens=…)."
    raise GenerationError(
        f"{branch.name} ended after {counted(len(branch.steps), 'step')}: {branch.reason}.{advice} Going back and "
        "stepping from there begins a branch."
    )


def told(error: Exception, decoding: Decoding, made: int) -> InspectorError:
    """What went wrong in a loop outside of the model's forwards, after `made` steps, as an error of ours."""
    begun = decoding.started and decoding.run.watch.forwards > 0
    if not begun and isinstance(error, (ValueError, TypeError)):
        return InputError(sentence(error))
    if decoding.started and decoding.run.watch.logits_are_nan():
        return GenerationError(
            f"The model put out NaN for step {made}, and nothing can be chosen from that: {sentence(error)} "
            "trace_step shows the forward; float32 or bfloat16 in place of float16 may help."
        )
    where = f"at step {made}" if decoding.started else "before its first step"
    return GenerationError(f"The generation failed {where}: {type(error).__name__}: {sentence(error)}")
