"""Which dimensions the code of a model's class turns with each other, read from its source.

What was put in place of that code at run time is not seen here, so that a recording can be compared with it.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache

import torch
from torch import nn

PROBE = [1.0, 2.0, 3.0, 4.0]
ROTATED = {
    (-3.0, -4.0, 1.0, 2.0): ("halves", False),
    (3.0, 4.0, -1.0, -2.0): ("halves", True),
    (-2.0, 1.0, -4.0, 3.0): ("neighbours", False),
    (2.0, -1.0, 4.0, -3.0): ("neighbours", True),
}
"""What a quarter turn makes of the probe: the pairing, and whether it turns backwards."""


def written_pairing(parent: nn.Module) -> tuple[str, bool]:
    """The pairing by which the modules below one turn queries and keys, and whether backwards.

    "halves" turns dimension i with i + d/2, "neighbours" 2i with 2i + 1; "" where the source is not at hand, has no
    function that rotates by a quarter turn, or several that differ.
    """
    kinds = {(type(module).__module__, type(module).__qualname__) for module in parent.modules()}
    found = {pairing for kind in kinds for pairing in _of_class(*kind)}
    return next(iter(found)) if len(found) == 1 else ("", False)


@cache
def _of_class(module: str, name: str) -> frozenset[tuple[str, bool]]:
    """The pairings of the functions that a class calls, directly or through others of its file."""
    nodes = _definitions(module)
    reached, waiting = set[str](), [name]
    while waiting:
        one = waiting.pop()
        if one in nodes and one not in reached:
            reached.add(one)
            waiting += _called(nodes[one])
    functions = [node for one in reached if isinstance(node := nodes[one], ast.FunctionDef) and "rot" in one]
    told = (_told(node) for node in functions)
    return frozenset(pairing for pairing in told if pairing is not None)


@cache
def _definitions(module: str) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """The functions and classes of a file by name; none where its source is not at hand."""
    if module.startswith("torch.") or module not in sys.modules:
        return {}
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, SyntaxError):
        return {}
    return {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _called(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    """The names that a definition refers to, those of other classes left out unless it derives from them."""
    bases = {base.id for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)}
    yield from bases
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and (part.id in bases or part.id.islower()):
            yield part.id


def _told(node: ast.FunctionDef) -> tuple[str, bool] | None:
    """What a function does to the probe; None where it does something else than a quarter turn.

    Neighbours are also what torch takes for a complex number. Only what is called `rotate…` and takes a tensor alone is
    run.
    """
    if any(isinstance(part, ast.Attribute) and part.attr == "view_as_complex" for part in ast.walk(node)):
        return "neighbours", False
    if not node.name.startswith("rotate") or len(node.args.args) != 1:
        return None
    alone = ast.Module([ast.parse(ast.unparse(node)).body[0]], [])
    for part in ast.walk(alone):
        if isinstance(part, ast.FunctionDef):
            part.decorator_list, part.returns = [], None
        elif isinstance(part, ast.arg):
            part.annotation = None
    names: dict[str, object] = {"torch": torch}
    try:
        exec(compile(alone, "<rotation>", "exec"), names)  # the model's own code, which runs in every forward
        rotated = names[node.name](torch.tensor(PROBE, device="cpu").reshape(1, 1, 1, -1))  # type: ignore[operator]
        return ROTATED.get(tuple(rotated.flatten().tolist()))
    except Exception:  # any function may have "rotate" in its name
        return None
