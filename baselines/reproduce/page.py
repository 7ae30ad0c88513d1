"""Output of ``vdc reproduce`` inside a page, written again when the tables change.

python -m baselines.reproduce.page docs/reproduce.md

A page marks such places with a comment that holds the command, and ends them with another:

    <!-- vdc reproduce llavolta stage_ratios -->
    ...
    <!-- end -->
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Final

from baselines.reproduce.run import list_tables, show_tables
from vdc.fileio import write_atomic

PLACE: Final = re.compile(r"<!-- vdc reproduce(?P<words>[^>]*?) -->\n.*?<!-- end -->", re.DOTALL)


def refresh(page: str) -> str:
    """The page with every marked place as the command prints it now.

    Raises:
        InputError: A place names a table that does not exist.
    """
    return PLACE.sub(lambda found: _place(found["words"]), page)


def _place(words: str) -> str:
    given = shlex.split(words)
    names = [word for word in given if not word.startswith("--")]
    flagged = "--flagged" in given
    shown = show_tables(*names, flagged=flagged) if len(names) == 2 or flagged else list_tables(*names)
    if "--markdown" in given:
        output = "\n" + shown.render("markdown") + "\n"
    else:
        output = f"\n```console\n$ vdc reproduce{words}\n{shown.render('text')}\n```\n"
    return f"<!-- vdc reproduce{words} -->\n{output}\n<!-- end -->"


def main() -> None:
    """Write the pages that the command line names again."""
    for name in sys.argv[1:]:
        path = Path(name)
        write_atomic(path, refresh(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
