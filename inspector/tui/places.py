"""Where a module, or a word that is typed, leads to among the calls of a trace."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.trace import Call, Trace

MOST = 30
"""Modules that a search offers: nobody reads further, and a large model has thousands."""


def first_call(trace: Trace, path: str) -> int | None:
    """The first call of the module at `path`, or of one below it: a list of layers is not called itself."""
    direct = trace.occurrences(path)
    if direct:
        return direct[0]
    below = (trace.occurrences(module.path) for module in trace.modules if module.path.startswith(f"{path}."))
    return min((calls[0] for calls in below if calls), default=None)


def in_step(trace: Trace, call: int, step: int | None) -> int | None:
    """The call of the same module in another step, or of the whole model; None where `call` is in that step."""
    if step is None or trace.calls[call].step == step:
        return None
    for own in (trace.occurrences(trace.calls[call].path), trace.children(None)):
        found = next((index for index in own if trace.calls[index].step == step), None)
        if found is not None:
            return found
    return None


def search(trace: Trace, query: str) -> Iterator[tuple[str, int]]:
    """Label and call: the call of that number, then the modules whose path holds every word, in the model's order."""
    if query.isdecimal() and int(query) < len(trace.calls):
        call = trace.calls[int(query)]
        yield f"call {call.index} · {call.path or call.class_name}", call.index
    terms = query.lower().split()
    found = 0
    for module in trace.modules:
        if not module.path or not all(term in module.path.lower() for term in terms):
            continue
        calls = trace.occurrences(module.path)
        if calls and found < MOST:
            found += 1
            yield f"{module.path} · {module.class_name}", calls[0]


def chain(trace: Trace, index: int) -> list[Call]:
    """The calls that a call ran inside of, outermost first, and the call itself."""
    calls = [trace.calls[index]]
    while calls[0].parent is not None:
        calls.insert(0, trace.calls[calls[0].parent])
    return calls
