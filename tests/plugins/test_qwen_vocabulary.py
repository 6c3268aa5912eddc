"""Qwen's vocabulary: the real one where its package is installed, the stand-in elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector_plugins import qwen_vocabulary
from inspector_plugins.qwen_vocabulary import ADDED, SPECIAL, qwen_tokenizer

real = pytest.mark.skipif(qwen_vocabulary.vocabulary_file() is None, reason="the extra `qwen` is not installed")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for this module: converting takes a second or two."""
    directory = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECTOR_CACHE_DIR", str(directory))
        yield directory


@real
def test_ids_are_those_of_the_published_tokenizer() -> None:
    notices: list[str] = []
    tokenizer = qwen_tokenizer("", notices)
    assert notices == []
    assert tokenizer("Hello, world!").input_ids == [9707, 11, 1879, 0]
    assert tokenizer("12 cats").input_ids == [16, 17, 19423]  # every digit by itself
    assert tokenizer("cafe\u0301").input_ids == tokenizer("caf\u00e9").input_ids  # normalised to NFC
    assert tokenizer("你好").input_ids == [108386]
    assert tokenizer("<|vision_start|><|image_pad|><|vision_end|>").input_ids == [151652, 151655, 151653]
    assert tokenizer.convert_tokens_to_ids([*SPECIAL, *ADDED]) == list(range(151643, 151665))
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token) == ("<|im_end|>", "<|endoftext|>", None)
    assert tokenizer.decode([9707, 151645, 151657], skip_special_tokens=True) == "Hello<tool_call>"


@real
def test_text_survives() -> None:
    tokenizer = qwen_tokenizer("", [])
    for text in ("  two spaces\n\n\tand 日本語 🐈‍⬛ 12345", "def f(x):\r\n    return x ** 2"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text


@real
def test_it_is_kept_and_read_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qwen_tokenizer("", [])
    kept = list(cache.glob("qwen-*.json"))
    assert len(kept) == 1
    monkeypatch.setattr(qwen_vocabulary, "_convert", lambda data: pytest.fail("converted again"))
    assert qwen_tokenizer("", [])("Hello").input_ids == [9707]


@real
def test_a_damaged_cache_is_done_without(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qwen_tokenizer("", [])
    name = next(cache.glob("qwen-*.json")).name
    (tmp_path / name).write_text('{"version"')
    monkeypatch.setenv("INSPECTOR_CACHE_DIR", str(tmp_path))
    assert qwen_tokenizer("", [])("Hello").input_ids == [9707]


def test_without_the_package_bytes_stand_in_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qwen_vocabulary, "find_spec", lambda name: None)
    notices: list[str] = []
    tokenizer = qwen_tokenizer("{{ messages[0].content }}", notices)
    assert "stand-in" in notices[0]
    assert "inspector[qwen]" in notices[0]
    assert tokenizer("Hi<|image_pad|>").input_ids == [72, 105, 151655]
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id) == (151645, 151643)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False) == "Hi"
