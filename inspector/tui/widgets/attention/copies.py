"""What `y` offers to copy of a look: the command that prints it, Python that works it out, and the numbers."""

from __future__ import annotations

from inspector.tui.commands import command
from inspector.tui.copying import source
from inspector.tui.runs import Run
from inspector.tui.screens.menu import Choice
from inspector.tui.widgets.attention import words
from inspector.tui.widgets.attention.looking import Sight


def copies(run: Run, sight: Sight) -> list[Choice]:
    """The choices for a look, the likeliest first."""
    from inspector.views import BUILT_IN

    options = _options(sight)
    chosen = ["trace", repr(options["layer"]), str(sight.spot.step)]
    chosen += [repr(options["picture"])] if "picture" in options else []
    place = f", place {sight.query} in window order" if sight.patches is not None and sight.patches.reordered else ""
    lines = [
        "import inspector",
        "from inspector.analysis.attention import Attention",
        "from inspector.analysis.layers import choose",
        "",
        *source(run),
        f"attention = Attention(choose({', '.join(chosen)}), row={sight.spot.row})",
        f"heads = attention.of_query({sight.query})  # [heads, keys]{place}",
    ]
    found = [Choice("command", command(run, BUILT_IN["attention"], options)), Choice("Python", "\n".join(lines) + "\n")]
    if sight.probabilities is not None:
        numbers = " ".join(f"{value:.6g}" for value in sight.probabilities.tolist())
        found.append(Choice("probabilities", numbers))
    return [*found, Choice("module", sight.kernel.path)]


def _options(sight: Sight) -> dict[str, str]:
    """The look as the view of attention is asked for it."""
    spot = sight.spot
    kind, number = spot.heads
    head = {"mean": "mean", "group": f"group.{number}", "head": str(number)}[kind]
    query = str(spot.token) if sight.patches is None else words.patch_option(sight)
    options = {"layer": words.layer_words(sight), "head": head, "query": query, "step": str(spot.step)}
    if spot.vision and words.several(sight) and sight.regions:
        region = sight.regions[spot.picture]
        options["picture"] = f"{region.kind}.{region.number + 1}"
    return {**options, "row": str(spot.row)} if sight.kernel.batch > 1 else options
