"""Where a generation stands, and the steps along a branch of a record."""

from __future__ import annotations

import pytest

from inspector import Session
from inspector.tui.generate import moves
from inspector.tui.generate.moment import moment_of, recorded, steps_along


def test_the_steps_along_a_branch_are_those_that_it_shares_and_its_own(text: Session) -> None:
    generation = text.generate("Hi", max_new_tokens=6)
    generation.run()
    moves.force(generation, 3, 66, None)
    moves.force(generation, 1, 67, None)
    record = generation.record()
    for name in record.branches:
        along = steps_along(record, name)
        assert list(along) == record.steps(name)
        assert along[-1] is record.steps(name)[-1]
        assert list(along[1:3]) == record.steps(name)[1:3]
    with pytest.raises(IndexError):
        steps_along(record, "branch 1")[4]
    assert recorded(record, "branch 1").at == 3
    assert recorded(record).branch == "branch 2"
    moment = moment_of(generation)
    assert (moment.at, moment.branch, moment.rows, moment.is_beam_search) == (1, "branch 2", 1, False)
