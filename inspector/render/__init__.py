"""Parts as text, JSON, JSON lines, CSV or SVG: one function a format, which yields what is to be written as it goes."""

from __future__ import annotations

from inspector.render.data import Tabular, as_json, csv, encode, jsonl
from inspector.render.paper import Paper
from inspector.render.svg import svg
from inspector.render.text import text

__all__ = ["Paper", "Tabular", "as_json", "csv", "encode", "jsonl", "svg", "text"]
