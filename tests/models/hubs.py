"""A local stand-in for the Hugging Face hub, and its cache, laid out as `huggingface_hub` lays it out."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def cache(repository: str, files: Path, cache_directory: Path) -> Path:
    """Put the files of a directory into a cache as a download of `repository` would; returns the snapshot."""
    folder = cache_directory / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / COMMIT
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "blobs").mkdir()
    snapshot.mkdir(parents=True)
    for file in files.iterdir():
        blob = folder / "blobs" / _etag(file)
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(blob)
    return snapshot


class Hub(ThreadingHTTPServer):
    """Serves directories as repositories; `gated` ones refuse, all others are not found. `requests` keeps the paths."""

    def __init__(self, repositories: dict[str, Path], gated: tuple[str, ...] = ()) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.gated = gated
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Send everything there that would go to the hub, as HF_ENDPOINT does for a new process."""
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.partition("/{repo_id}")
        monkeypatch.setattr(constants, "ENDPOINT", self.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", self.address + "".join(template[1:]))


@contextmanager
def serving(repositories: dict[str, Path], gated: tuple[str, ...] = ()) -> Iterator[Hub]:
    with Hub(repositories, gated) as hub:
        thread = Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0].strip("/")
        self.server.requests.append(path)
        name = "/".join(path.removeprefix("api/models/").split("/")[:2])
        if name in self.server.gated:
            return self._send(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"}, b"", body)
        if name not in self.server.repositories:
            return self._send(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "not found"}, b"", body)
        files = self.server.repositories[name]
        if "/resolve/" in path:
            return self._file(files / path.rpartition("/")[2], body)
        listing = [_entry(file) for file in sorted(files.iterdir())]
        if "/tree/" in path:
            return self._json(listing, body)
        siblings = [{"rfilename": item["path"], "size": item["size"]} for item in listing]
        return self._json({"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}, body)

    def _file(self, file: Path, body: bool) -> None:
        self._send(200, {"ETag": f'"{_etag(file)}"', "X-Repo-Commit": COMMIT}, file.read_bytes(), body)

    def _json(self, data: Any, body: bool) -> None:
        self._send(200, {"Content-Type": "application/json"}, json.dumps(data).encode(), body)

    def _send(self, status: int, headers: dict[str, str], content: bytes, body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


def _entry(file: Path) -> dict[str, Any]:
    return {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _etag(file)}


def _etag(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()
