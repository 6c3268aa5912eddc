"""What stands beside the code: README, changelog, constraints, and nothing of the machine that it was written on."""

from __future__ import annotations

import re
import tomllib
from datetime import date

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.hygiene.tree import ROOT, files

MACHINE = re.compile(r"(?<![\w.])/(?:home/(?!me\b)|root/|Users/|work/|private/)\w+|[A-Z]:\\Users")
"""Where people and programs keep their files; `/home/me` is nobody's."""


def project() -> dict[str, object]:
    data: dict[str, dict[str, object]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return data["project"]


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = []
    for file in files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{file.relative_to(ROOT)}: {match[0]}" for match in MACHINE.finditer(text)]
    assert found == []


def section(heading: str) -> list[str]:
    """The indented lines under a heading of README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    body = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert body is not None, f"README.md has no heading '## {heading}'"
    return [line.strip() for line in body[1].splitlines() if line.startswith("    ")]


def test_both_commands_of_readme_are_one_line_with_an_environment_of_their_own() -> None:
    for heading, environment in (("Run it", ".venv"), ("Test it", ".venv-test")):
        (command,) = section(heading)
        assert command.startswith(
            f"python3 -m venv {environment} && {environment}/bin/pip install -q -c constraints.txt"
        )


def test_ci_runs_the_command_of_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert '"## Test it"' in script
    assert "pip install -q -c constraints.txt -e '.[qwen,video,test]'" not in script


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_every_dependency_is_pinned_to_a_version_that_it_allows() -> None:
    data = project()
    extras = data["optional-dependencies"]
    assert isinstance(extras, dict)
    wanted = [Requirement(text) for texts in (data["dependencies"], *extras.values()) for text in texts]  # type: ignore[attr-defined]
    pinned = pins()
    for requirement in wanted:
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, requirement
    assert pinned["torch"] == "2.13.0", "with a local suffix, pip could not take the build that is at hand"


def test_the_changelog_keeps_its_form() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Changelog"
    releases = [line for line in lines if line.startswith("## ")]
    assert releases[0] == "## [Unreleased]"
    dates = []
    for line in releases[1:]:
        match = re.fullmatch(r"## \[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d)", line)
        assert match is not None, line
        dates.append(date.fromisoformat(match[1]))
    assert dates == sorted(dates, reverse=True)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {line.removeprefix("### ") for line in lines if line.startswith("### ")} <= kinds
