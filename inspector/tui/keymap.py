"""Keys of the user's own, from `keys.toml`: binding ids on the left, keys on the right.

"forward.zoom" = "f"
"app.quit" = "ctrl+x,q"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode

from inspector.errors import InspectorError, near

FILE = "keys.toml"


def known_bindings() -> dict[str, Binding]:
    """Every binding with an id, of every widget, screen and plugin tab that is loaded, by id."""
    found: dict[str, Binding] = {}
    for owner in _subclasses(DOMNode):
        for binding in vars(owner).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                found.setdefault(binding.id, binding)
    return dict(sorted(found.items()))


def shown(app: App[Any], name: str) -> str:
    """The first key of the action with the id `name`, as the footer shows it and the keymap of `app` has it.

    Raises `KeyError` for an id that there is not.
    """
    binding = known_bindings()[name]
    changed = replace(binding, key=app._keymap.get(name, binding.key))
    return app.get_key_display(next(iter(Binding.make_bindings([changed]))))


def read_keymap(file: Path, known: Mapping[str, Binding]) -> tuple[dict[str, str], list[str]]:
    """The keymap of a file, and a sentence on each entry that was left out. A missing file is an empty keymap.

    Raises `InspectorError` for a file that is no TOML or cannot be read.
    """
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        raise InspectorError(f"{file} cannot be read: {error}. The usual keys are in use.") from error
    except tomllib.TOMLDecodeError as error:
        raise InspectorError(f"{file} is no TOML: {error}. The usual keys are in use.") from error
    keymap: dict[str, str] = {}
    problems: list[str] = []
    for name, keys in _entries(data):
        problem = _problem(name, keys, known)
        if problem:
            problems.append(f"{file.name}: {problem}")
        else:
            keymap[name] = str(keys)
    return keymap, problems + [f"{file.name}: {clash}" for clash in _clashes(keymap, known)]


def load_screens() -> None:
    """Import every screen that has keys: these bring all others along."""
    for screen in ("help", "within"):
        import_module(f"inspector.tui.screens.{screen}")


def install(app: App[Any], file: Path) -> None:
    """Use the keys of a file, and tell what is wrong with it. Screens are imported for their keys, so a paint comes
    first.
    """
    load_screens()
    try:
        keys, problems = read_keymap(file, known_bindings())
    except InspectorError as error:
        keys, problems = {}, [str(error)]
    app.set_keymap(keys)
    for problem in problems:
        app.notify(problem, title="Keys", severity="warning", timeout=10, markup=False)


def write_template(file: Path) -> None:
    """Write a keymap that changes nothing and lists everything; one that is there stays. Raises `OSError`."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(template(known_bindings()), encoding="utf-8")


def template(known: Mapping[str, Binding]) -> str:
    """The text of such a keymap."""
    lines = ["# Keys of the Inspector. Take away the # and change the key; several keys stand between commas.", ""]
    lines += [
        f'# "{name}" = "{binding.key}"    # {binding.tooltip or binding.description}' for name, binding in known.items()
    ]
    return "\n".join(lines) + "\n"


def _clashes(keymap: Mapping[str, str], known: Mapping[str, Binding]) -> Iterator[str]:
    """A sentence on each action that has to give up a key to one beside it, that is with the same first word."""
    keys = {name: _keys(binding, keymap.get(name, binding.key)) for name, binding in known.items()}
    for name in keymap:
        for other in known:
            beside = other.partition(".")[0] == name.partition(".")[0] and other != name and other not in keymap
            for key in sorted(keys[name] & keys[other]) if beside else ():
                yield f"{key!r} goes to {name!r} now, and no longer to {other!r}."


def _keys(binding: Binding, keys: str) -> set[str]:
    """The single keys of a list between commas, under Textual's names for them."""
    return {each.key for each in Binding.make_bindings([replace(binding, key=keys)])}


def _problem(name: str, keys: object, known: Mapping[str, Binding]) -> str:
    if name not in known:
        return f"{name!r} is no action.{near(name, known)}"
    if not isinstance(keys, str) or not all(key.strip() for key in keys.split(",")):
        return f'{name!r} needs a key, such as "{known[name].key}"; {keys!r} is none.'
    return ""


def _entries(data: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted names with their values: TOML reads an unquoted `forward.zoom` as a table."""
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _entries(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _subclasses(owner: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for subclass in owner.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
