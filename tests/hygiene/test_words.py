"""Whatever can be typed, pressed or implemented says what it is for."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from inspector import hookspecs
from tests.hygiene.tree import ROOT, parsed, sources

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("inspector_"))


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_is_called_what_it_returns_and_how_it_is_written(name: str) -> None:
    hook = getattr(hookspecs, name)
    text = inspect.getdoc(hook) or ""
    assert "Called " in " ".join(text.split())
    assert "Example: `return [" in text
    assert inspect.signature(hook).return_annotation.startswith("Sequence[")


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_test_that_implements_it(name: str) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tests = [node for file in sources("tests") for node in ast.walk(parsed(file)) if isinstance(node, functions)]
    assert f"test_hook_{name}" in {node.name for node in tests}
    implementations = [node for node in tests if node.name == name]
    assert any("hookimpl" in ast.unparse(mark) for node in implementations for mark in node.decorator_list)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command of the program, those of the views included."""
    from inspector.cli.commands import commands as program

    def below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        yield name, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for word in command.list_commands(context):
                inner = command.get_command(context, word)
                assert inner is not None
                yield from below(f"{name} {word}", inner)

    yield from below("inspector", program)


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_a_command_its_arguments_and_its_options_have_help(name: str, command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[-1]}"
        else:
            assert parameter.human_readable_name.upper() in command.help, f"{name}: {parameter.name}"


def test_a_key_has_an_id_of_its_own_and_says_what_it_does() -> None:
    from textual.binding import Binding
    from textual.dom import DOMNode

    import inspector.tui

    for module in pkgutil.walk_packages(inspector.tui.__path__, "inspector.tui."):
        import_module(module.name)
    owners = [owner for owner in subclasses(DOMNode) if owner.__module__.startswith("inspector.")]
    by_id: dict[str, Binding] = {}
    for owner in owners:
        for binding in vars(owner).get("BINDINGS", ()):
            assert isinstance(binding, Binding), f"{owner.__name__}: {binding} has no id"
            assert binding.id, f"{owner.__name__}: {binding.key} has no id"
            assert binding.description, f"{binding.id} has no name"
            assert binding.tooltip, f"{binding.id} has no explanation"
            assert by_id.setdefault(binding.id, binding) == binding, f"two actions have the id {binding.id}"
    assert len(by_id) > 20


def subclasses(owner: type) -> Iterator[type]:
    for subclass in owner.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def test_every_module_says_what_it_is_for() -> None:
    files = [file for file in sources("inspector", "plugins", "examples") if file.read_text("utf-8").strip()]
    assert [str(file.relative_to(ROOT)) for file in files if not ast.get_docstring(parsed(file))] == []
