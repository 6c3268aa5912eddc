"""The built-in views, and those of plugins beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.views import (
    attention,
    beams,
    branches,
    cache,
    calls,
    masks,
    memory,
    modules,
    positions,
    processors,
    steps,
    template,
    tensor,
    tokens,
    vision,
)

if TYPE_CHECKING:
    from inspector.parts import View
    from inspector.plugins import Plugins

BUILT_IN = {
    view.name: view
    for view in (
        *(modules.VIEW, calls.VIEW, tokens.VIEW, tensor.VIEW, memory.VIEW, positions.VIEW, masks.VIEW, attention.VIEW),
        cache.VIEW,
        *(vision.VIEW, template.VIEW),
        *(steps.VIEW, processors.VIEW, beams.VIEW, branches.VIEW),
    )
}


def all_views(plugins: Plugins) -> dict[str, View]:
    """Every view by name, the built-in ones first. A plugin's view does not replace a built-in one."""
    return {**BUILT_IN, **{name: view for name, view in plugins.views.items() if name not in BUILT_IN}}
