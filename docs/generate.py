"""Write the generated parts of the documentation again: ``docs/cli.md`` from the commands' own help.

python docs/generate.py [--check]
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "cli.md"
WIDTH = "100"
EXIT_CODES = (
    "Exit codes: 0 done, 1 the run failed (the same command resumes it), 2 bad usage or bad input, 130 stopped by "
    "Ctrl-C. Data goes to stdout, progress and warnings to stderr. Keys are read from the environment only."
)


@functools.cache
def help_text(*words: str) -> str:
    """What ``vdc ... --help`` prints, at a fixed width and without colours."""
    env = {**os.environ, "COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "vdc", *words, "--help"], capture_output=True, text=True, check=True, env=env, cwd=ROOT
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def subcommands(*words: str) -> list[str]:
    """Names under ``Commands:`` in a group's help; empty for a single command."""
    lines = help_text(*words).splitlines()
    if "Commands:" not in lines:
        return []
    rows = lines[lines.index("Commands:") + 1 :]
    return [row.split()[0] for row in rows if row.startswith("  ") and not row.startswith("   ")]


def sections(*words: str) -> list[str]:
    """The section of a command and of everything below it, as deep as the commands go."""
    own = f"{'#' * (len(words) + 1)} vdc {' '.join(words)}\n\n```\n{help_text(*words)}\n```"
    return [own, *(part for name in subcommands(*words) for part in sections(*words, name))]


def page() -> str:
    """The whole page."""
    from vdc.commands import COMMANDS

    parts = [
        "# Commands",
        "Written by `make docs` from the commands' own help; `tests/test_docs.py` checks that it is current.",
        EXIT_CODES,
        f"```\n{help_text()}\n```",
    ]
    for command in COMMANDS:
        parts += sections(command.name)
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the page, or with ``--check`` say whether it is current."""
    text = page()
    if "--check" in sys.argv[1:]:
        sys.exit(0 if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text else "docs/cli.md is old: make docs")
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
