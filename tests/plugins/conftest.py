from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins import golden


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Directories of a decoder with `qwen.tiktoken`, of CLIP, and of what a training left behind."""
    directory = tmp_path_factory.mktemp("parts")
    llm, vision = golden.write_checkpoints(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECTOR_CACHE_DIR", str(directory / "cache"))
        golden.write_vocabulary(llm)
        adapter = golden.write_adapter(directory / "adapter")
        yield {"reference": llm, "vision": vision, "adapter": adapter}
