"""The judge's replies of submissions under way: one reply store per submission, so that they can be forgotten with it.

A reply holds what a judge read out of a caption, and captions may be private. A submission that has ended needs its
replies no more: its verdicts keep the judge's words.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

_ENDING: Final = ".sqlite"
# SQLite's write-ahead log and its index lie beside the file.
_PARTS: Final = ("", "-wal", "-shm", "-journal")
_NAME: Final = re.compile(r"[0-9a-f]{32}")


class JobReplies:
    """Reply stores by submission.

    Args:
        folder: Where they lie; workers that share it ask nothing twice when one takes over a job of another.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def store_of(self, submission_id: str) -> Path:
        """The reply store of a submission; made when the first reply is kept."""
        if not _NAME.fullmatch(submission_id):
            raise ValueError("a submission's id is 32 hexadecimal digits")
        return self.folder / f"{submission_id}{_ENDING}"

    def forget(self, submission_id: str) -> None:
        """Delete a submission's replies; no error where there are none."""
        path = self.store_of(submission_id)
        for part in _PARTS:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + part).unlink()

    def kept(self) -> list[str]:
        """The submissions that have replies here."""
        found = (path.name.removesuffix(_ENDING) for path in self.folder.glob(f"*{_ENDING}"))
        return sorted(name for name in found if _NAME.fullmatch(name))

    def keep_only(self, needed: Collection[str]) -> list[str]:
        """Forget the replies of all submissions but these; returns whose were forgotten."""
        gone = [name for name in self.kept() if name not in needed]
        for name in gone:
            self.forget(name)
        return gone
