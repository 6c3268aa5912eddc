from __future__ import annotations

from types import SimpleNamespace

from inspector.hookspecs import hookimpl
from inspector.parts import View
from inspector.plugins import Plugins
from inspector.views import BUILT_IN, all_views


@hookimpl
def inspector_views() -> list[View]:
    return [View("norms", "Norms", lambda trace: []), View("calls", "Not the built-in one", lambda trace: [])]


def test_plugins_views_stand_beside_the_built_in_ones() -> None:
    views = all_views(Plugins(SimpleNamespace(__name__="theirs", inspector_views=inspector_views)))
    assert list(views) == [*BUILT_IN, "norms"]
    assert views["calls"] is BUILT_IN["calls"]
