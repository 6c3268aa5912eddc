"""How transformers made the masks of a trace: by which function and rule, or that it left them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from inspector.analysis.kernels import PORT, Kernel
from inspector.analysis.mask_rules import Place, spans, words
from inspector.analysis.spans import Spans
from inspector.trace import Call, TensorInfo, Trace

MADE = re.compile(r"(masks\[\d+\])\.made")
NUMBERED = re.compile(r"masks\[\d+\]")
OFFSETS = ("query_offset", "key_offset")


@dataclass(frozen=True, slots=True)
class Made:
    """A mask as transformers made it, or left it out (`skipped`): its maker, its rule and the tensors that it names."""

    maker: str
    rule: str
    skipped: bool
    queries: int
    keys: int
    query_offset: int
    key_offset: int
    tensors: Mapping[str, Any]

    def words(self, row: int) -> str:
        """The rule as a reader says it of a row."""
        padding = [tensor for name, tensor in self.tensors.items() if name.startswith("padding")]
        return words(self.rule, padded=any(not bool(tensor[row % len(tensor)].all()) for tensor in padding))

    def spans(self, row: int) -> Spans:
        """Raises `NoRule` where the rule is not understood."""
        place = Place(self.queries, self.keys, self.query_offset, self.key_offset, row)
        return spans(self.rule, self.tensors, place)


def maker(kernel: Kernel) -> Made | None:
    """How the mask of a kernel was made; None where that was not seen."""
    origin = kernel.mask.origin if isinstance(kernel.mask, TensorInfo) else None
    name = str(kernel.call.inputs.get(f"{PORT}mask_made", ""))
    if origin is not None and (match := MADE.fullmatch(origin[1])):
        return _made(kernel.trace, kernel.trace.calls[origin[0]], match[1])
    if name:
        call, _, port = name.partition("/")
        return _made(kernel.trace, kernel.trace.calls[int(call)], port)
    return None


def left_out(kernel: Kernel) -> list[Made]:
    """The masks that transformers left out in the calls around a kernel's, since the kernel could do without."""
    found = []
    parent = kernel.call.parent
    while parent is not None:
        call = kernel.trace.calls[parent]
        found += [made for made in makers(kernel.trace, call) if made.skipped]
        parent = call.parent
    return found


def makers(trace: Trace, call: Call) -> Iterator[Made]:
    """The masks that were made in a call."""
    names = dict.fromkeys(match[0] for port in call.inputs if (match := NUMBERED.match(port)))
    return (_made(trace, call, name) for name in names)


def _made(trace: Trace, call: Call, name: str) -> Made:
    ports = {port.removeprefix(f"{name}."): port for port in call.inputs if port.startswith(f"{name}.")}

    def number(field: str) -> int:
        value = call.inputs[ports[field]]
        return (
            int(trace.values[value.value].item()) if isinstance(value, TensorInfo) and value.value else int(str(value))
        )

    infos = {field: call.inputs[port] for field, port in ports.items() if field not in ("made", *OFFSETS)}
    tensors = {
        field: trace.values[info.value]
        for field, info in infos.items()
        if isinstance(info, TensorInfo) and info.value is not None
    }
    return Made(
        maker=str(call.inputs[ports["maker"]]),
        rule=str(call.inputs[ports["rule"]]),
        skipped=bool(call.inputs[ports["skipped"]]),
        queries=number("queries"),
        keys=number("keys"),
        query_offset=number("query_offset"),
        key_offset=number("key_offset"),
        tensors=tensors,
    )
