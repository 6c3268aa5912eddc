"""What the keys of the tab call, by the name that stands in their bindings. They are done one after the other."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from inspector.tui.generate import asking, looking

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
