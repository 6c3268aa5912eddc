"""What the keys of the tab call, by the name that stands in their bindings. They are done one after the other."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from inspector.tui.generate import asking, looking, words

if TYPE_CHECKING:
    from inspector.tui.generate.tab import GenerateTab

ACTIONS: Mapping[str, Callable[[GenerateTab], Coroutine[Any, Any, None]]] = {
    work.__name__: work
    for work in (
        *(asking.start, asking.step, asking.run, asking.record, asking.until, asking.force, asking.change),
        *(asking.adopt, asking.forget, asking.branch, asking.rename),
        *(looking.what_if, looking.follow, looking.forward, looking.views),
    )
}

OF_A_STEP = frozenset({"what_if", "adopt", "follow", "forward", "views", "rename"})
"""What is asked of the step that is looked at; before the first one there is nothing to ask."""


def leads_on(tab: GenerateTab, name: str) -> bool:
    """Whether a key leads anywhere: a trace that was saved can be walked through, and a model without weights rests."""
    if name in OF_A_STEP and not tab.steps:
        return tab.waiting > 0  # a first step may be under way, and keys are done one after the other
    if tab.driver.live or not words.hindrance(tab.run):
        return True
    saved = tab.run.trace
    return saved.generation is not None and (name == "step" or (name == "forward" and bool(saved.calls)))
