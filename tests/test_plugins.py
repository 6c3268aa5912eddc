"""Plugins are found, isolated and listed, and each hook does what `hookspecs.py` says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

import inspector
from inspector import Family, Pen, Plugins, Preset, Probe, Tab, Text, View, hookimpl
from tests.fakes import save_tiny, tiny_config
from tests.traces import small_trace

SHIPPED = sorted(
    point.name for point in entry_points(group="inspector") if point.module.startswith("inspector_plugins")
)


class Installer:
    """Installs plugins in a directory on the path, each as a distribution with an entry point of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, name: str, code: str) -> None:
        (self.directory / f"{name}_plugin.py").write_text(f"from inspector import View, hookimpl\n{code}\n")
        info = self.directory / f"{name}_plugin-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[inspector]\n{name} = {name}_plugin\n")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installer:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("INSPECTOR_DISABLE_PLUGINS", raising=False)
    return Installer(tmp_path)


def view(name: str) -> str:
    """The code of a plugin with one view of no parts."""
    return f"@hookimpl\ndef inspector_views():\n    return [View({name!r}, {name!r}, lambda trace: [])]"


def module(**hooks: Any) -> SimpleNamespace:
    """A plugin without a file."""
    return SimpleNamespace(__name__="mine", **{name: hookimpl(hook) for name, hook in hooks.items()})


def test_what_ships_is_found_as_an_outsiders_plugin_is(install: Installer) -> None:
    install("zebra", view("stripes"))
    found = list(Plugins.installed())
    assert [plugin.name for plugin in found] == ["zebra", *SHIPPED], "those of others come before those that ship"
    assert (found[0].distribution, found[0].version, found[0].hooks) == ("zebra-plugin", "1.2", ("inspector_views",))
    assert found[1].distribution == "inspector"


def test_what_is_handed_over_comes_before_what_is_installed(install: Installer) -> None:
    install("zebra", view("stripes"))
    mine = View("stripes", "mine", lambda trace: [])
    plugins = Plugins.installed(module(inspector_views=lambda: [mine]))
    assert [plugin.name for plugin in plugins] == ["mine", "zebra", *SHIPPED]
    assert plugins.views["stripes"] is mine, "the first to offer a name keeps it"


def test_a_plugin_that_fails_to_import_stops_nobody(install: Installer) -> None:
    install("broken", "import nowhere_to_be_found")
    install("zebra", view("stripes"))
    plugins = Plugins.installed()
    assert [plugin.name for plugin in plugins] == ["zebra", *SHIPPED]
    (problem,) = plugins.problems
    assert (problem.plugin, problem.message) == (
        "broken",
        "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
    )
    assert "broken_plugin.py" in problem.details


def test_a_misspelled_hook_is_reported_and_the_rest_works(install: Installer) -> None:
    install("hasty", f"{view('stripes')}\n\n@hookimpl\ndef inspector_screen():\n    return []")
    plugins = Plugins.installed()
    assert "stripes" in plugins.views
    (problem,) = plugins.problems
    assert "There is no hook 'inspector_screen'. Did you mean inspector_screens" in problem.message


def test_a_hook_that_raises_leaves_the_others_their_say(install: Installer) -> None:
    install("aardvark", "@hookimpl\ndef inspector_views():\n    raise RuntimeError('not today')")
    install("zebra", view("stripes"))
    plugins = Plugins.installed()
    assert "stripes" in plugins.views
    assert "stripes" in plugins.views, "what was asked once is not asked again"
    (problem,) = plugins.problems
    assert (problem.plugin, problem.message) == ("aardvark", "inspector_views: RuntimeError: not today")
    assert "Traceback" in problem.details


def test_a_hook_that_returns_no_list_is_a_problem_too(install: Installer) -> None:
    install("empty", "@hookimpl\ndef inspector_views():\n    pass")
    install("zebra", view("stripes"))
    plugins = Plugins.installed()
    assert "stripes" in plugins.views
    assert "inspector_views: TypeError" in plugins.problems[0].message


def test_plugins_can_be_disabled_by_name(install: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    install("zebra", view("stripes"))
    install("broken", "import nowhere_to_be_found")
    monkeypatch.setenv("INSPECTOR_DISABLE_PLUGINS", "broken, qwen2")
    plugins = Plugins.installed()
    assert [plugin.name for plugin in plugins] == ["zebra", *(name for name in SHIPPED if name != "qwen2")]
    assert plugins.problems == []


def test_the_same_plugin_twice_is_reported() -> None:
    mine = module()
    plugins = Plugins(mine)
    plugins.register(mine, "again")
    assert "already registered" in plugins.problems[0].message


def test_hook_inspector_probes(tmp_path: Path) -> None:
    class Attempts:
        """Notes the rows that each MLP gets, in its own way."""

        @contextmanager
        def attach(self, pen: Pen) -> Iterator[None]:
            mlps = [module for path, module in pen.modules if path.endswith("mlp")]

            def noted(mlp: Any, forward: Any) -> Any:
                def run(x: Any) -> Any:
                    call = pen.call(mlp)
                    assert call is not None
                    pen.ports(call)["counts"] = {"rows": x.shape[1], "input": pen.note(x)}
                    return forward(x)

                return run

            for mlp in mlps:
                mlp.forward = noted(mlp, mlp.forward)
            try:
                yield
            finally:
                for mlp in mlps:
                    del mlp.forward

    class Broken:
        def attach(self, pen: Pen) -> Any:
            raise RuntimeError("not today")

    class Plugin:
        @hookimpl
        def inspector_probes(self) -> list[Probe]:
            return [Broken(), Attempts()]

    session = inspector.load(save_tiny("qwen2", tmp_path), plugins=Plugins.installed(Plugin()))
    trace = session.trace("Hi", raw=True)
    call = trace.call("model.layers.1.mlp")
    assert call.inputs["counts.rows"] == 2
    assert str(call.inputs["counts.input"]) == "f32[1,2,32]"
    assert "forward" not in vars(session.model.model.layers[0].mlp)
    assert "Broken records nothing: RuntimeError: not today" in trace.notices


def test_hook_inspector_families(tmp_path: Path) -> None:
    class Mine(Family):
        name = "mine"

        def matches(self, config: Any) -> bool:
            return bool(config.model_type == "qwen2")

        def role(self, path: str, module: Any) -> str | None:
            return "gate" if path.endswith("gate_proj") else super().role(path, module)

    class Plugin:
        @hookimpl
        def inspector_families(self) -> list[Family]:
            return [Mine()]

    session = inspector.load(save_tiny("qwen2", tmp_path), plugins=Plugins.installed(Plugin()))
    assert session.family.name == session.info.family == "mine"
    assert session.trace("Hi").call("model.layers.0.mlp.gate_proj").role == "gate"


def test_hook_inspector_presets() -> None:
    class Plugin:
        @hookimpl
        def inspector_presets(self) -> list[Preset]:
            return [Preset("Small-1M", tiny_config("qwen2").to_dict())]

    session = inspector.load("preset:Small-1M", plugins=Plugins(Plugin()))
    assert session.shape_only
    assert session.config.hidden_size == 32


def test_hook_inspector_views() -> None:
    from inspector.views import all_views

    class Plugin:
        @hookimpl
        def inspector_views(self) -> list[View]:
            shout = View("shout", "Say it", lambda trace: [Text("", trace.texts[0].upper())])
            return [shout, View("calls", "A name that is taken", lambda trace: [])]

    views = all_views(Plugins(Plugin()))
    assert "USER" in views["shout"](small_trace())[0].text  # type: ignore[union-attr]
    assert views["calls"].help != "A name that is taken"


def test_hook_inspector_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from inspector.__main__ import main
    from inspector.cli import running

    class Plugin:
        @hookimpl
        def inspector_commands(self) -> list[click.Command]:
            return [click.Command("greet", callback=lambda: click.echo("hello"), help="Say hello")]

    monkeypatch.setattr(running, "installed", lambda: Plugins(Plugin()))
    assert main(["greet"]) == 0
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("hello\n")


async def test_hook_inspector_screens() -> None:
    from textual.widgets import Label

    from tests.tui.apps import Quiet, opened, settled

    class Plugin:
        @hookimpl
        def inspector_screens(self) -> list[Tab]:
            return [Tab("shout", "Shout", lambda trace: Label(trace.model.reference.upper(), classes="loud"))]

    app = Quiet()
    app.library.plugins = Plugins(Plugin())
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, small_trace())
        await pilot.press("9")
        await settled(pilot)
        (label,) = app.screen.query(".loud")
        assert label.is_on_screen
        assert "DEMO:TINY-VL" in str(label.render())
