from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from inspector.errors import ModelError
from inspector.models.checkpoint import check_weights, find_weights, loaded_bytes, refuse_strays


def write_shards(directory: Path) -> Path:
    save_file({"a": torch.zeros(2, 3)}, directory / "model-00001-of-00002.safetensors")
    save_file({"b": torch.zeros(4, dtype=torch.int8)}, directory / "model-00002-of-00002.safetensors")
    weight_map = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return directory


def test_one_file_comes_before_shards_and_those_before_pickles(tmp_path: Path) -> None:
    assert find_weights(tmp_path) is None
    (tmp_path / "pytorch_model.bin").write_bytes(b"12")
    weights = find_weights(tmp_path)
    assert weights is not None
    assert (weights.size(), weights.missing()) == (2, [])
    write_shards(tmp_path)
    weights = find_weights(tmp_path)
    assert weights is not None
    assert [file.name for file in weights.files] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    weights = find_weights(tmp_path)
    assert weights is not None
    assert weights.entry == tmp_path / "model.safetensors"


def test_headers_of_all_shards_come_as_one(tmp_path: Path) -> None:
    weights = find_weights(write_shards(tmp_path))
    assert weights is not None
    headers = check_weights(weights)
    assert {name: tensor["shape"] for name, tensor in headers.items()} == {"a": [2, 3], "b": [4]}
    assert loaded_bytes(headers, 2) == 2 * 6 + 4  # the integers stay as they are


def test_missing_shard_is_named(tmp_path: Path) -> None:
    (write_shards(tmp_path) / "model-00002-of-00002.safetensors").unlink()
    weights = find_weights(tmp_path)
    assert weights is not None
    with pytest.raises(ModelError) as error:
        check_weights(weights)
    assert str(error.value) == (
        f"{tmp_path}: model-00002-of-00002.safetensors is missing; model.safetensors.index.json names 2 files, 1 are "
        "there. Copy or download the rest, or open the architecture alone with --shape-only."
    )


@pytest.mark.parametrize("kept", [0, 4, 8, 30, 100])
def test_truncated_file_is_named(kept: int, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(20)}, file)
    file.write_bytes(file.read_bytes()[:kept])
    refuse(tmp_path, "model.safetensors.*cut off|model.safetensors is no safetensors file")


def test_length_that_was_cut_off_is_told_in_bytes(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(2000)}, file)
    whole = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-1])
    refuse(tmp_path, rf"was cut off: {whole:,} bytes were expected, {whole - 1:,} are there")


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"nonsense",
        b"\xff\xfe",
        b'{"a": 1}',
        b'{"a": {}}',
        b'{"a": {"dtype": "F32", "shape": 3, "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}',
        b'{"a": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": 1, "shape": [1], "data_offsets": [0, 4]}}',
    ],
)
def test_foreign_file_is_named(header: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))
    refuse(tmp_path, r"model\.safetensors is no safetensors file")


def test_pointer_of_git_lfs_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    refuse(tmp_path, r"is a Git LFS pointer, not the weights\. Run `git lfs pull`")


def test_weights_under_other_names_are_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    (tmp_path / "training_args.bin").write_bytes(b"")
    refuse_strays(tmp_path)
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"")
    with pytest.raises(
        ModelError, match=r"holds model-00001-of-00002\.safetensors, but none of the files.*--shape-only"
    ):
        refuse_strays(tmp_path)


def refuse(directory: Path, message: str) -> None:
    weights = find_weights(directory)
    assert weights is not None
    with pytest.raises(ModelError, match=message):
        check_weights(weights)
