"""Which tokens the keys of a step stand for, also where the cache was filled before the trace began."""

from __future__ import annotations

import torch

import inspector
from inspector.analysis.conversation import conversation
from inspector.analysis.kernels import kernels
from inspector.analysis.mask_words import names_of
from inspector.analysis.placement import placements
from inspector.analysis.sequence import sequence
from inspector.trace import Token
from tests.attention_cases import model, text


def test_tokens_that_the_cache_held_before_the_trace_are_there_without_being_known() -> None:
    subject = model("qwen2")
    with torch.no_grad():
        cache = subject(**text(), use_cache=True).past_key_values
        with inspector.capture(subject, values="*") as trace:
            for token in (72, 73):
                subject(input_ids=torch.tensor([[token]]), past_key_values=cache)
    found = sequence(trace, 1, 0)
    assert (found.before, found.first, len(found.places)) == (17, 18, 19)
    assert [(place.index, place.id) for place in found.places[16:]] == [(16, -1), (17, 72), (18, 73)]
    names = names_of(kernels(trace, 1)[0], 0)
    assert (names.key(0), names.query(0)) == ("key 0", "query 0 (token 18, id 73)")
    talk = conversation(trace, placements(trace), 1, 0)
    assert talk.at(16) is None
    standing = talk.at(18)
    assert standing is not None
    assert (standing.placement.forward.step, standing.local) == (1, 0)
    assert talk.index_of(standing.placement, 0) == 18


def test_tokens_that_the_cache_held_are_known_where_the_trace_keeps_them() -> None:
    subject = model("qwen2")
    with torch.no_grad():
        cache = subject(**text(), use_cache=True).past_key_values
        with inspector.capture(subject, values="*") as trace:
            subject(input_ids=torch.tensor([[72]]), past_key_values=cache)
    ids = [*text()["input_ids"][0].tolist(), 72]
    trace.tokens = [[Token(at, id, f"t{at}", "text") for at, id in enumerate(ids)]]
    found = sequence(trace, 0, 0)
    assert (found.before, found.first) == (17, 17)
    assert [(place.id, place.text) for place in found.places] == [(id, f"t{at}") for at, id in enumerate(ids)]
