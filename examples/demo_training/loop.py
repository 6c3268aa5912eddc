"""The training loop, the same for every model: curriculum, optimisers, schedule, progress.

Muon moves the matrices of the layers, AdamW the rest. What a model has to offer stands in `Trainee`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .auxiliary import AuxiliaryHeads
from .lessons import Lesson, Plan, lessons

WARM_UP = 100
"""Steps until the learning rate is reached."""


class Trainee(Protocol):
    """A model that can be trained."""

    model: nn.Module
    width: int
    """Of the states that the auxiliary losses are asked of."""
    sizes: Sequence[tuple[int, int]]
    """Width and height of the pictures; the first is the usual one."""
    clips: Sequence[int]
    """How many frames a clip may have; none where the model takes no clips."""
    settings: Mapping[str, Any]
    """How it is trained otherwise than `Settings` says."""

    def losses(self, batch: list[Lesson], heads: AuxiliaryHeads) -> tuple[Tensor, Tensor]:
        """The mean loss of the answers' tokens, and the auxiliary loss."""

    def save(self, directory: Path) -> None:
        """Write a checkpoint that loads by itself: weights in bfloat16, tokenizer, settings."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How long and how to train. Time is CPU time on the CPU, and time by the clock elsewhere."""

    seconds: float
    pictures: int = 32
    muon: float = 2e-3
    adamw: float = 1.5e-3
    decay: float = 0.05
    seed: int = 0
    device: str = "cpu"
    bfloat16: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """Where training stands: the share that is done, and the losses of this step."""

    step: int
    done: float
    seconds: float
    answers: float
    auxiliary: float


def train(trainee: Trainee, settings: Settings) -> Iterator[Report]:
    """Train until the time is up; a step each time the caller asks for the next."""
    torch.manual_seed(settings.seed)
    model = trainee.model.to(settings.device).train()
    heads = AuxiliaryHeads(trainee.width).to(settings.device)
    optimizers = _optimizers(model, heads, settings)
    parameters = [*model.parameters(), *heads.parameters()]
    clock = time.process_time if settings.device == "cpu" else time.perf_counter
    begun, step, done = clock(), 0, 0.0
    while done < 1:
        random = Random(f"{settings.seed}/{step}")
        with _autocast(settings):
            answers, auxiliary = trainee.losses(lessons(plan(trainee, settings, done, random), random), heads)
        (answers + auxiliary * (1.0 if done < 0.5 else 0.33)).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        _step(optimizers, min(1.0, (step + 1) / WARM_UP) * _cosine(done))
        step += 1
        done = min((clock() - begun) / settings.seconds, 1.0)
        yield Report(step, done, clock() - begun, answers.item(), auxiliary.item())
    model.eval()


def plan(trainee: Trainee, settings: Settings, done: float, random: Random) -> Plan:
    """What the next batch holds: simple scenes first; clips and other sizes once the usual ones are understood."""
    simple = 0.6 if done < 0.1 else 0.3 if done < 0.25 else 0.0
    usual = trainee.sizes[0]
    if trainee.clips and done > 0.2 and random.random() < 0.12:
        frames = random.choice(list(trainee.clips))
        return Plan(max(settings.pictures // 2, 1), *usual, frames=frames)
    size = random.choice(list(trainee.sizes[1:])) if done > 0.25 and random.random() < 0.4 else usual
    return Plan(settings.pictures, *size, simple=simple)


def _cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done)) + 0.005


def _autocast(settings: Settings) -> AbstractContextManager[Any]:
    if not settings.bfloat16:
        return nullcontext()
    return torch.autocast(torch.device(settings.device).type, torch.bfloat16)


def _optimizers(model: nn.Module, heads: nn.Module, settings: Settings) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and _in_a_layer(name)]
    known = {id(parameter) for parameter in matrices}
    rest = [p for p in (*model.parameters(), *heads.parameters()) if id(p) not in known]
    groups = [
        {"params": [p for p in rest if p.ndim > 1], "weight_decay": settings.decay},
        {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizers = [
        torch.optim.Muon(matrices, lr=settings.muon, weight_decay=settings.decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=settings.adamw, betas=(0.9, 0.98)),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return optimizers


def _in_a_layer(name: str) -> bool:
    return any(part in name for part in (".layers.", ".blocks.", ".h."))


def _step(optimizers: Sequence[torch.optim.Optimizer], factor: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["full_lr"] * factor
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def thinned(reports: Iterator[Report], every: int, say: Callable[[str], None]) -> Iterator[Report]:
    """The same reports; of `every` so many, `say` gets a line with the mean losses."""
    answers, auxiliary = 0.0, 0.0
    for report in reports:
        answers, auxiliary = answers + report.answers / every, auxiliary + report.auxiliary / every
        if report.step % every == 0:
            say(f"{report.done:4.0%}  step {report.step}  answers {answers:.3f}  auxiliary {auxiliary:.3f}")
            answers, auxiliary = 0.0, 0.0
        yield report
