"""What the processors would have made of a recorded step with other settings: no forward, only the recorded logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from inspector.errors import GenerationError
from inspector.generation.branches import Branch
from inspector.generation.measure import stages
from inspector.generation.pipeline import Scores, run
from inspector.generation.processors import Entry, parameters_of
from inspector.generation.record import LOG_SOFTMAX
from inspector.trace.stages import Stages
from inspector.trace.steps import Step

Read = Mapping[str, Tensor]


@torch.no_grad()
def reapply(entries: Sequence[Entry], step: Step, input_ids: Tensor, read: Read) -> list[Scores]:
    """The scores before, between and after `entries`, f32 [rows, vocabulary], from a step's recorded logits.

    `input_ids` i64 [rows, tokens] is what had been there before the step. Raises `GenerationError` where the logits
    were not kept, where a processor fails, and for one that cannot be applied twice unless nothing before it changed.
    """
    if step.logits is None:
        raise GenerationError(
            f"The raw logits of step {step.index} were not kept, so nothing can be reapplied to them."
        )
    scores = read[step.logits].to(input_ids.device, torch.float32)
    noted = [Scores(None, scores)]
    if step.rows[0].beams or "log_softmax" in step.processors.names:
        scores = torch.log_softmax(scores, dim=-1)
        noted.append(Scores(LOG_SOFTMAX, scores))
    for entry in entries:
        if entry.is_stateful:
            scores = _kept([*(item.entry for item in noted), entry], step.processors, read).to(input_ids.device)
            noted.append(Scores(entry, scores))
        else:
            scores = run(entry, input_ids, scores, noted, {})
    return noted


def input_ids_at(branch: Branch, index: int) -> Tensor:
    """The tokens that went into a step, i64 [rows, tokens]; in beam search those of the beams that were alive."""
    assert branch.decoding is not None or branch.parent is not None
    prompt = prompt_of(branch)
    beams = {beam.row: beam.tokens for row in branch.steps[index - 1].rows for beam in row.beams} if index else {}
    if beams:
        new = [list(beams[row]) for row in range(prompt.shape[0])]
    else:
        taken = [step.rows for step in branch.steps[:index]]
        new = [[rows[row].chosen.id for rows in taken] for row in range(prompt.shape[0])]  # type: ignore[union-attr]
    return torch.cat([prompt, torch.tensor(new, dtype=prompt.dtype, device=prompt.device).view(len(new), -1)], dim=1)


def prompt_of(branch: Branch) -> Tensor:
    if branch.decoding is not None and branch.decoding.started:
        return branch.decoding.prepared.prompt
    assert branch.parent is not None
    return prompt_of(branch.parent)


def measured(noted: Sequence[Scores], step: Step, top: int, texts: Mapping[int, str], row: int) -> Stages:
    """Reapplied scores of one row as a record."""
    chosen = [None if taken.chosen is None else taken.chosen.id for taken in step.rows]
    return stages(noted, chosen, top, texts)[row]


def _kept(entries: Sequence[Entry | None], recorded: Stages, read: Read) -> Tensor:
    """What the last of some processors had made of the scores, where all of them were asked the same."""
    asked = [("raw", {}) if entry is None else (entry.name, parameters_of(entry.processor)) for entry in entries]
    place = len(entries) - 1
    if asked == [(stage.name, stage.parameters) for stage in recorded[: place + 1]] and recorded[place].scores:
        return read[recorded[place].scores]  # type: ignore[index]
    raise GenerationError(
        f"{asked[place][0]} depends on the steps before it, so it cannot be applied to a single step again with other "
        "settings, or after other processors. Branch here to see it run."
    )
