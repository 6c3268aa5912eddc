"""What `y` offers to copy of a mask: the query and key under the cursor in words, what prints it, its modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.tui.commands import command, view_copies
from inspector.tui.screens.menu import Choice
from inspector.tui.screens.row import as_text
from inspector.tui.widgets.masks.look import MaskLook, Seen

if TYPE_CHECKING:
    from inspector.tui.runs import Run


def copies(run: Run, found: MaskLook, seen: Seen, cell: tuple[int, int]) -> list[Choice]:
    """The choices for a mask with the cursor on a query and a key, the likeliest first."""
    from inspector.analysis.mask_words import sight
    from inspector.views import BUILT_IN

    view, options, query, key = BUILT_IN["masks"], _options(found, seen), *cell
    choices = view_copies(run, view, options)
    if seen.plane is not None:
        pair = {**options, "queries": str(query), "keys": str(key)}
        words = sight(seen.group.applied, seen.names, query, key)
        choices += [Choice("query and key", words), Choice("their command", command(run, view, pair))]
    return [*choices, Choice("why", as_text(seen.facts)), Choice("module", seen.group.kernels[0].path)]


def _options(found: MaskLook, seen: Seen) -> dict[str, str]:
    """The mask as the view of masks is asked for it."""
    from inspector.analysis.layers import run_of

    kernel = seen.group.kernels[0]
    options = {"layer": kernel.path, "step": str(found.step)}
    ran = run_of(kernel) if seen.vision else None
    options |= {} if ran is None else {"picture": f"{ran.kind}.{ran.first + 1}"}
    options |= {"row": str(found.row)} if found.rows > 1 and not seen.vision else {}
    return options | ({"head": str(seen.group.heads[0])} if seen.group.heads else {})
