"""What a worker keeps of submissions under way: the judge's replies and a copy of the files, apart for each submission.

Both hold captions, which may be private, and outlive a worker that is killed. So they lie under the submission's name
and are forgotten with it: once it has ended its verdicts keep the judge's words, and the file store its files.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

_ENDING: Final = ".sqlite"
# SQLite's write-ahead log and its index lie beside the file.
_PARTS: Final = ("", "-wal", "-shm", "-journal")
_NAME: Final = re.compile(r"[0-9a-f]{32}")


class JobReplies:
    """Reply stores and scratch folders by submission.

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

    @contextlib.contextmanager
    def scratch(self, submission_id: str) -> Iterator[Path]:
        """A folder for one try at a submission; gone at the end of the block, or with :meth:`forget`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = self.store_of(submission_id).stem
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=self.folder, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def forget(self, submission_id: str) -> None:
        """Delete a submission's replies and files; no error where there are none."""
        path = self.store_of(submission_id)
        for folder in self.folder.glob(f"{path.stem}-*/"):
            shutil.rmtree(folder, ignore_errors=True)
        for part in _PARTS:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + part).unlink()

    def kept(self) -> list[str]:
        """The submissions that have anything here."""
        found = {path.name.removesuffix(_ENDING).partition("-")[0] for path in self.folder.glob("*")}
        return sorted(name for name in found if _NAME.fullmatch(name))

    def keep_only(self, needed: Collection[str]) -> list[str]:
        """Forget all submissions but these; returns which were forgotten."""
        gone = [name for name in self.kept() if name not in needed]
        for name in gone:
            self.forget(name)
        return gone
