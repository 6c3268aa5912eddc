"""Keys of the user's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from textual.binding import Binding

from inspector.errors import InspectorError
from inspector.tui.keymap import FILE, install, known_bindings, read_keymap, template, write_template
from inspector.tui.messages import Painted
from inspector.tui.screens.forward import ForwardTab
from inspector.tui.screens.menu import MenuScreen
from inspector.tui.settings import config_dir
from tests.traces import small_trace
from tests.tui.apps import Quiet, on_screen, opened

KNOWN = {
    "forward.zoom": Binding("z", "zoom", "Zoom", id="forward.zoom"),
    "trace.quit": Binding("q", "quit", "Quit", id="trace.quit"),
}


EVERY_KEY = """
import pkgutil
from importlib import import_module
import inspector.tui.app, inspector.tui.keymap as keymap
keymap.load_screens()
known = set(keymap.known_bindings())
for module in pkgutil.walk_packages(inspector.tui.__path__, "inspector.tui."):
    import_module(module.name)
print(sorted(set(keymap.known_bindings()) - known))
"""


def written(place: Path, text: str) -> Path:
    file = place / "keys.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_action_of_the_program_is_known_when_the_keys_are_read() -> None:
    done = subprocess.run([sys.executable, "-c", EVERY_KEY], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_file_changes_nothing(tmp_path: Path) -> None:
    assert read_keymap(tmp_path / "keys.toml", KNOWN) == ({}, [])


def test_names_may_be_quoted_or_tables(tmp_path: Path) -> None:
    file = written(tmp_path, '"forward.zoom" = "f"\n[trace]\nquit = "ctrl+x,x"\n')
    assert read_keymap(file, KNOWN) == ({"forward.zoom": "f", "trace.quit": "ctrl+x,x"}, [])


def test_a_misspelled_name_is_told_with_what_is_near_and_the_rest_holds(tmp_path: Path) -> None:
    keys, problems = read_keymap(written(tmp_path, '"forward.zom" = "f"\n"trace.quit" = "x"\n'), KNOWN)
    assert keys == {"trace.quit": "x"}
    assert problems == ["keys.toml: 'forward.zom' is no action. Did you mean forward.zoom?"]


def test_a_key_that_is_taken_from_the_action_beside_it_is_told(tmp_path: Path) -> None:
    zoomed = KNOWN | {"forward.back": Binding("[,?", "back", "Back", id="forward.back")}
    taken = written(tmp_path, '"forward.zoom" = "question_mark"\n')
    assert read_keymap(taken, zoomed)[1] == [
        "keys.toml: 'question_mark' goes to 'forward.zoom' now, and no longer to 'forward.back'."
    ]
    exchanged = written(tmp_path, '"forward.zoom" = "["\n"forward.back" = "z"\n"trace.quit" = "z"\n')
    assert read_keymap(exchanged, zoomed)[1] == []


@pytest.mark.parametrize("key", ["3", "true", '""', '"a,,b"', "[]"])
def test_what_is_no_key_is_told(tmp_path: Path, key: str) -> None:
    keys, problems = read_keymap(written(tmp_path, f'"trace.quit" = {key}\n'), KNOWN)
    assert keys == {}
    assert "'trace.quit' needs a key, such as \"q\"" in problems[0]


@pytest.mark.parametrize("content", [b"no = toml = at all", b"\xff\xfe"])
def test_a_file_that_cannot_be_understood_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys.toml"
    file.write_bytes(content)
    with pytest.raises(InspectorError, match=r"keys\.toml .* The usual keys are in use\."):
        read_keymap(file, KNOWN)


def test_every_binding_of_ours_has_an_id_of_its_own_a_description_and_a_tooltip() -> None:
    from textual.dom import DOMNode

    from inspector.tui import keymap
    from inspector.tui.screens import ask, failure, help, inspector, launcher, menu, message, progress, save  # noqa: F401

    seen: dict[str, str] = {}
    for owner in keymap._subclasses(DOMNode):
        if not owner.__module__.startswith("inspector."):
            continue
        for binding in vars(owner).get("BINDINGS", ()):
            assert isinstance(binding, Binding), owner
            assert binding.id, (owner, binding)
            assert binding.description, binding.id
            assert binding.tooltip, binding.id
            before = seen.setdefault(binding.id, binding.action)
            assert before == binding.action, f"{binding.id} is given twice"


def test_the_template_names_everything_and_changes_nothing(tmp_path: Path) -> None:
    known = known_bindings()
    assert "forward.zoom" in known
    file = tmp_path / "new" / "keys.toml"
    write_template(file)
    assert read_keymap(file, known) == ({}, [])
    uncommented = "\n".join(line.removeprefix("# ") for line in template(known).splitlines()[1:])
    keys, problems = read_keymap(written(tmp_path, uncommented), known)
    assert problems == []
    assert keys == {name: binding.key for name, binding in known.items()}


class Keys(Quiet):
    """Reads the keymap, as the program does after its first paint."""

    def on_painted(self, event: Painted) -> None:
        event.prevent_default()
        install(self, config_dir() / FILE)


async def test_a_remapped_key_acts_in_place_of_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    written(tmp_path / "config", '"forward.zoom" = "f7"\n')

    async with Keys().run_test(size=(160, 50)) as pilot:
        await opened(pilot, small_trace(values=False))
        tab = pilot.app.screen.query_one(ForwardTab)
        await pilot.press("z")
        assert not tab.zoomed
        await pilot.press("f7")
        assert tab.zoomed


async def test_what_is_wrong_with_the_keymap_is_told_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    written(tmp_path / "config", '"trace.copy" = "r"\n"trace.nothing" = "x"\n')

    async with Keys().run_test(size=(160, 50)) as pilot:
        await opened(pilot, small_trace(values=False))
        told = [notification.message for notification in pilot.app._notifications]
        assert "keys.toml: 'trace.nothing' is no action. Did you mean trace.notices" in told[0]
        assert told[1] == "keys.toml: 'r' goes to 'trace.copy' now, and no longer to 'trace.ask'."
        await pilot.press("r")
        await on_screen(pilot, MenuScreen)
