"""Steps of generations, written by hand: text, emoji and Chinese over several tokens, a batch, beams, drafts."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence

from inspector.trace.stages import Parameter, Stage, Stages, Standing, Top
from inspector.trace.steps import (
    Beam,
    BranchRecord,
    Choice,
    Criterion,
    Draft,
    GenerationRecord,
    Step,
    StepRow,
    Timings,
)

TEXT = (
    "The cup holds a cappuccino ☕ with a rosetta of milk foam on top. In Chinese one would say 这是一杯咖啡, "
    "and a reader from Kyōto 抹茶ラテ.\n\nIt stands on a wooden table; to its right lies a spoon.<|im_end|>"
)
OTHERS = (" the", " a", "\n", " cup", " foam", " 咖啡", " latte", "\x1b[31m", " [b]", " of", " milk", "☕")
PROCESSORS: tuple[tuple[str, Mapping[str, Parameter]], ...] = (
    ("raw", {}),
    ("repetition_penalty", {"repetition_penalty": 1.1}),
    ("temperature", {"temperature": 0.7}),
    ("top_k", {"top_k": 50}),
    ("top_p", {"top_p": 0.9, "min_tokens_to_keep": 1}),
)
VOCABULARY = 151_936


def tokens_of(text: str) -> list[str]:
    """Text as a byte-level vocabulary would split it, characters outside of ASCII into two or three tokens of bytes."""
    found: list[str] = []
    for piece in re.findall(r"<\|\w+\|>|\n+| ?[A-Za-z]+| ?[^\sA-Za-z]| ", text):
        if piece.isascii():
            found.append(piece)
            continue
        raw = piece.strip().encode()
        written = ["".join(f"<0x{byte:02X}>" for byte in part) for part in (raw[:2], raw[2:]) if part]
        found += [" " * piece.startswith(" ") + written[0], *written[1:]] if len(raw) > 2 else [piece]
    return found


TOKENS = tokens_of(TEXT)
TEXTS = {1000 + number: text for number, text in enumerate(dict.fromkeys([*TOKENS, *OTHERS]))}
IDS = {text: token for token, text in TEXTS.items()}


def softmax(scores: Mapping[int, float]) -> dict[int, float]:
    total = sum(math.exp(score) for score in scores.values())
    return {token: math.exp(score) / total for token, score in scores.items()}


def pipeline(token: int, seed: int, processors: Sequence[tuple[str, Mapping[str, Parameter]]] = PROCESSORS) -> Stages:
    """Twelve tokens and a long tail that no table shows; `token` is chosen in the end, and never removed."""
    chance = random.Random(seed)
    scores = {IDS[text]: chance.uniform(0, 8) for text in OTHERS} | {token: chance.uniform(6, 11)}
    stages, kept = [], VOCABULARY
    before = dict(scores)
    for name, parameters in processors:
        removed = 0
        if name == "repetition_penalty":
            scores = {item: score / 1.1 if place < 2 else score for place, (item, score) in enumerate(scores.items())}
        if name == "temperature":
            scores = {item: score / float(parameters["temperature"] or 1) for item, score in scores.items()}
        if name == "top_k":
            kept, removed = 50, kept - 50
        if name == "top_p":
            best = sorted(scores, key=lambda item: -scores[item])[:6]
            scores = {item: score for item, score in scores.items() if item in best or item == token}
            kept, removed = len(scores), kept - len(scores)
        changed = (
            VOCABULARY if name == "temperature" else removed or sum(scores[item] != before[item] for item in scores)
        )
        stages.append(stage(name, parameters, scores, token, (changed, removed, kept)))
        before = dict(scores)
    return Stages(stages)


def stage(
    name: str,
    parameters: Mapping[str, Parameter],
    scores: Mapping[int, float],
    chosen: int,
    counts: tuple[int, int, int],
) -> Stage:
    probabilities = softmax(scores)
    order = sorted(scores, key=lambda item: -scores[item])
    entropy = -sum(share * math.log(share) for share in probabilities.values())
    top = Top(order[:12], [scores[i] for i in order[:12]], [probabilities[i] for i in order[:12]], TEXTS)
    standing = Standing(scores[chosen], math.log(probabilities[chosen]), order.index(chosen) + 1)
    return Stage(name, parameters, *counts, entropy, top, standing)


BEAMS: tuple[tuple[str, Mapping[str, Parameter]], ...] = (("raw", {}), ("log_softmax", {}))


def row(token: int, seed: int, *, forced: bool = False, ended: bool = False, last: bool = False) -> StepRow:
    stages = pipeline(token, seed)
    first, final = stages[0].chosen, stages[-1].chosen
    assert first is not None
    assert final is not None
    best = stages[-1].top[0].id
    logs = final.log_probability, first.log_probability
    choice = Choice(token, TEXTS[token], final.rank, *logs, token if final.rank == 1 else best, forced)
    stopping = (Criterion("max_length", False), Criterion("eos_token", last))
    return StepRow(stages, choice, stopping, (400 + seed % 1000,) * 3, ended)


def step(index: int, rows: Sequence[StepRow], draft: Draft | None = None) -> Step:
    timings = Timings(0.0321, 0.0294, 0.0018, 0.0006)
    return Step(index, 476 + index, tuple(rows), timings, index, (476 + index, 27_000_000), draft, f"logits/{index}")


def steps(texts: Sequence[str] = TOKENS, rows: int = 1, forced: Sequence[int] = (9,), seed: int = 0) -> list[Step]:
    """A step for each token. The second row of a batch ends after its tenth token, the others go on."""
    found = []
    for index, text in enumerate(texts):
        made = [row(IDS[text], seed + index, forced=index in forced, last=index == len(texts) - 1)]
        made += [
            row(IDS[text], 50 * (number + 1) + index, ended=number == 0 and index > 9) for number in range(rows - 1)
        ]
        found.append(step(index, made))
    return found


def drafted() -> Step:
    """Five tokens were proposed, three of them taken."""
    proposed = tuple(IDS[text] for text in (" with", " a", " rosetta", " latte", " foam"))
    return step(7, [row(IDS[" with"], 7)], Draft(proposed, 3))


def record() -> GenerationRecord:
    """The text, with a branch that was forced and a hotter one that parts from that."""
    main = steps()
    forced = steps([" latte", *TOKENS[10:16]], forced=(0,), seed=300)
    hot = steps(TOKENS[12:20], forced=(), seed=600)
    forced = [step(9 + number, made.rows) for number, made in enumerate(forced)]
    hot = [step(12 + number, made.rows) for number, made in enumerate(hot)]
    branches = [
        BranchRecord("main", None, 0, main, [[]], [TEXT], reason="eos_token"),
        BranchRecord("branch 1", "main", 9, forced, [[]], [""], [(9, "forced ' latte'")]),
        BranchRecord("hot", "branch 1", 12, hot, [[]], [""], [(12, "temperature=1.4")]),
    ]
    made = GenerationRecord("sample", 3, {"do_sample": True}, 476, VOCABULARY, {item.name: item for item in branches})
    made.current = "branch 1"
    return made


def beam_steps() -> list[Step]:
    """Three beams: they part at the second step, one ends at the fourth, one is outscored."""
    plan = [
        [(0, " the", -0.4, 0), (0, " a", -1.1, 1), (0, " cup", -1.9, 2)],
        [(0, " cup", -0.9, 0), (0, " foam", -1.4, 1), (1, " latte", -1.6, 2)],
        [(0, " of", -1.2, 0), (1, " of", -1.9, 1), (2, " of", -2.2, 2)],
        [(0, " milk", -1.4, 0), (0, " 咖啡", -2.0, 1), (1, " milk", -2.3, 2), (1, "☕", -1.1, None)],
    ]
    tokens: dict[int, list[int]] = {0: []}
    found = []
    for index, taken in enumerate(plan):
        beams = [
            Beam(
                parent,
                IDS[text],
                score,
                place,
                "finished" if place is None else "live",
                "eos_token" if place is None else None,
                [*tokens[parent], IDS[text]],
            )
            for parent, text, score, place in taken
        ]
        rows = []
        for number in range(3):
            mine = tuple(beam for beam in beams if beam.parent == number)
            token = mine[0].id if mine else IDS[" a"]
            made = row(token, 40 * number + index)
            choice = made.chosen if mine else None
            rows.append(StepRow(pipeline(token, 40 * number + index, BEAMS), choice, (), made.position, beams=mine))
        found.append(step(index, rows))
        tokens = {beam.row: list(beam.tokens) for beam in beams if beam.row is not None}
    return found


def long_run(count: int) -> list[Step]:
    """So many steps: the text over and over."""
    once = [made.rows for made in steps()]
    return [step(index, once[index % len(once)]) for index in range(count)]


def full_step(vocabulary: int) -> Step:
    """A step in which every table holds the whole vocabulary, most probable first."""
    texts = {token: f" token {token}" for token in range(vocabulary)}
    ids = list(range(vocabulary))
    scores = [12 * math.exp(-token / 400) for token in ids]
    total = sum(math.exp(score) for score in scores)
    top = Top(ids, scores, [math.exp(score) / total for score in scores], texts)
    first = Standing(scores[0], scores[0] - math.log(total), 1)
    stages = [Stage(name, parameters, 0, 0, vocabulary, 9.0, top, first) for name, parameters in PROCESSORS]
    choice = Choice(0, texts[0], 1, first.log_probability, first.log_probability, 0)
    return step(0, [StepRow(Stages(stages), choice, ())])
