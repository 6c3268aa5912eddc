"""What a conversation may hold, and what is said of what it should not."""

from __future__ import annotations

from pathlib import Path

import inspector
from tests.fakes import save_tiny


def test_a_role_that_templates_do_not_know_is_told_of(tmp_path: Path) -> None:
    session = inspector.load(str(save_tiny("qwen2", tmp_path / "model")))
    notices = session.encode(inspector.Request(messages=([{"role": "usr", "content": "Hi"}],))).notices
    assert any("the role 'usr'" in notice and "Did you mean user" in notice for notice in notices)
    assert not session.encode(inspector.Request(messages=([{"role": "user", "content": "Hi"}],))).notices
