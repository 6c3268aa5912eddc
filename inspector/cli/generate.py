"""`inspector generate`: generate step by step and print what each step saw, did to the scores and chose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.generation_options import chosen, generation_options
from inspector.cli.invocation import Invocation
from inspector.cli.narration import Narration
from inspector.cli.options import INPUTS, KEPT, MODEL, STATS, formats, options
from inspector.cli.output import put, put_text
from inspector.cli.running import load, question
from inspector.errors import ForwardError, InputError
from inspector.parts import Part, Text

if TYPE_CHECKING:
    from inspector.generation.generation import Generation
    from inspector.trace.steps import Step

STEPPING = (
    click.option("--seed", type=int, help="Begin with these random numbers; without it, with new ones."),
    click.option("--assistant", metavar="MODEL", help="A draft model for assisted decoding; prompt lookup needs none."),
    click.option(
        "--processor",
        "processors",
        multiple=True,
        metavar="NAME",
        help="A logits processor that a plugin offers; again for several.",
    ),
    click.option(
        "--force-token",
        "forced",
        multiple=True,
        metavar="STEP:TOKEN",
        help="Force a token, by its text or its id, on a step; again for other steps.",
    ),
    click.option("--until", metavar="CONDITION", help="Stop earlier, such as at token:TEXT, text:TEXT or entropy>2.5."),
    click.option(
        "--top", type=click.IntRange(1), default=10, show_default=True, help="Length of the tables of tokens."
    ),
    click.option("--calls", is_flag=True, help="Record the model's calls of every step."),
)


@click.command(context_settings={"token_normalize_func": lambda word: word.replace("_", "-")})
@click.argument("model")
@options(INPUTS, STEPPING, tuple(generation_options()), (STATS, *KEPT))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Save the trace as a directory.")
@click.option("--force", is_flag=True, help="Replace a trace that is there already.")
@formats("text", "jsonl", "csv")
@options(MODEL)
@click.pass_obj
def command(invocation: Invocation, /, model: str, output: Path | None, force: bool, form: str, **given: Any) -> None:
    """Generate with MODEL step by step, and print for each step every logits processor, the choice and what it cost.

    The options of transformers' generate stand under their own names. What fails on the way is told; the steps up to
    there are printed, and kept where -o asks for it.
    """
    from inspector.trace.store import check_free

    request = question(model, given)
    if output is not None:
        check_free(output, replace=force)
        invocation.keep_in(output, replace=force)
    narration = Narration()
    session = load(model, given, narration)
    arguments = chosen(given)
    if given["assistant"] is not None:
        arguments["assistant_model"] = load(given["assistant"], given, narration)
    generation = session.generate(
        inputs=session.encode(request),
        seed=given["seed"],
        logits_processor=given["processors"],
        calls=given["calls"],
        stats=given["stats"],
        values=given["values"],
        budget=given["budget"],
        top=given["top"],
        **arguments,
    )
    try:
        run(generation, form, forcing(given["forced"]), given["until"], narration)
    except ForwardError:  # what is kept of a failed forward is kept where all such errors are told
        show(generation, form, narration)
        raise
    except BaseException:
        finish(generation, form, output, replace=force, narration=narration)
        raise
    finish(generation, form, output, replace=force, narration=narration)


def run(
    generation: Generation, form: str, forced: Mapping[int, int | str], until: str | None, narration: Narration
) -> None:
    """Make the steps; as JSON lines they are printed as they are made."""
    from inspector import render
    from inspector.generation.until import parse

    condition = None if until is None else parse(until)
    met = False
    narration.notices(generation.notices)

    def stops(generation: Generation, step: Step) -> bool:
        nonlocal met
        met = condition is not None and condition(generation, step)
        return met

    def told(step: Step) -> None:
        narration.steps(step.index + 1)
        if form == "jsonl":
            put(render.encode(line) + "\n" for line in step.lines())

    for index in sorted(forced):
        if index > len(generation.steps):
            generation.run(stops, steps=index - len(generation.steps), on_step=told)
        if met or generation.finished:
            return
        generation.force(forced[index])
    generation.run(stops, on_step=told)


def finish(generation: Generation, form: str, output: Path | None, *, replace: bool, narration: Narration) -> None:
    """Save what was made, then print it: whoever reads the pipe may leave early."""
    try:
        keep(generation, output, replace=replace, narration=narration)
    finally:
        show(generation, form, narration)


def show(generation: Generation, form: str, narration: Narration) -> None:
    """Print what was made, however it ended."""
    from inspector import render
    from inspector.views import steps

    narration.done()
    generation.close()
    if not generation.steps:
        return
    name = generation.tree.current.name
    if form == "jsonl":
        put([render.encode(last_line(generation)) + "\n"])
    elif form == "csv":
        put(render.csv(steps.table(name, generation.steps)))
    else:
        put_text(parts(generation))


def parts(generation: Generation) -> list[Part]:
    """The steps of every row, or the beams, and the texts."""
    from inspector.views import beams, steps

    name, made = generation.tree.current.name, generation.steps
    texts = [
        Text("Text" if len(generation.texts) == 1 else f"Text {row}", text) for row, text in enumerate(generation.texts)
    ]
    if any(row.beams for row in made[0].rows):
        return [beams.tree(name, made), beams.table(name, made), *texts]
    return [*(steps.table(name, made, row) for row in range(len(made[0].rows))), *texts]


def keep(generation: Generation, output: Path | None, *, replace: bool, narration: Narration) -> None:
    """Save what was made, where that was asked for."""
    if output is not None and generation.steps:
        generation.save(output, replace=replace)
        narration.notices([f"saved in {output}; `inspector view processors {output}` shows it."])


def last_line(generation: Generation) -> dict[str, Any]:
    """The line that ends a listing: the whole sequences, the generated texts, and why it ended."""
    sequences = generation.sequences
    return {
        "done": True,
        "sequences": [] if sequences is None else sequences.tolist(),
        "texts": generation.texts,
        "reason": generation.reason,
        "seed": generation.seed,
    }


def forcing(given: tuple[str, ...]) -> dict[int, int | str]:
    """`3:Paris` as the token to force, by step. Raises `InputError`."""
    found: dict[int, int | str] = {}
    for words in given:
        step, colon, token = words.partition(":")
        if not colon or not token or not step.isdecimal():
            raise InputError(f"--force-token {words!r}: a step and a token were expected, such as 3:Paris or 0:1234.")
        found[int(step)] = int(token) if token.isdecimal() else token
    return found
