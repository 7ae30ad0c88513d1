"""Documentation that cannot lie: generated help is current, links lead somewhere, what is named exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from leaderboard.cli import app
from scoring.protocols.rules import PROTOCOLS
from vdc.commands import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_command_reference_is_what_the_commands_say() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_command_reference_goes_as_deep_as_the_commands() -> None:
    def names(command: Any, *words: str) -> list[str]:
        below = getattr(command, "commands", {})
        return [" ".join(words), *(name for one in below for name in names(below[one], *words, one))]

    found = names(typer.main.get_command(app), "vdc", "leaderboard")
    headings = re.findall(r"^#+ (vdc .+)$", (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert "vdc leaderboard token create" in found and set(found) <= set(headings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_vdc_command_in_the_docs_exists(page: Path) -> None:
    used = set(re.findall(r"(?:^|`)(?:\$ )?vdc ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert used - {command.name for command in COMMANDS} == set()


def test_every_protocol_is_explained() -> None:
    text = (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8")
    assert [name for name in PROTOCOLS if f"## `{name}`" not in text] == []


def test_readme_stays_within_its_length() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("target", ["demo", "test", "check", "fmt"])
def test_make_targets_named_in_the_readme_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
