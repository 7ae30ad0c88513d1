"""The predictions file while it grows: append-only, synced per record, whole after every interruption.

predictions.jsonl                   {"video_id", "section", "caption"} per line: what vdc validate and vdc score read
predictions.jsonl.failures.jsonl    what the last run could not caption, and why
predictions.jsonl.run.json          what the captions were made with, see record.py
predictions.jsonl.part*.jsonl       captions of parallel workers that are not in the file yet
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from baselines.captioning.types import ClipCaptions
from vdc.errors import InputError, Problem, RunFailed
from vdc.fileio import show_path
from vdc.sections import SECTIONS, Section

logger = logging.getLogger(__name__)

Key = tuple[str, Section]

FAILURES: Final = ".failures.jsonl"
RECORD: Final = ".run.json"
PART: Final = ".part"


def beside(out: Path, ending: str) -> Path:
    """The companion of a predictions file with that ending."""
    return out.with_name(out.name + ending)


class CaptionFile:
    """A predictions file that is being written by one run. Use as ``with``.

    Args:
        path: The file; made with its folders where it is missing.

    Raises:
        InputError: Another run writes to it, or a line in it is no caption.
        RunFailed: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: set[Key] = set()
        self._file: IO[bytes] | None = None
        self._failures: IO[bytes] | None = None

    def __enter__(self) -> CaptionFile:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab+")
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        try:
            _lock(self._file, self.path)
            self.done = _repair(self._file, self.path)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def start_failures(self) -> None:
        """Empty the list of failures: what failed last time is tried again."""
        beside(self.path, FAILURES).unlink(missing_ok=True)

    def add(self, result: ClipCaptions) -> None:
        """Write a result; it is on the disk when this returns. Captions that are there already are left out."""
        for section, caption in result.captions.items():
            if (result.video_id, section) not in self.done:
                self._append(self._opened(), {"video_id": result.video_id, "section": section, "caption": caption})
                self.done.add((result.video_id, section))
        for section, problem in result.failures.items():
            if self._failures is None:
                self._failures = beside(self.path, FAILURES).open("ab")
            reason = {"found": problem.found, "expected": problem.expected, "do_next": problem.do_next}
            where = {"where": Path(problem.where).name} if problem.where else {}
            self._append(self._failures, {"video_id": result.video_id, "section": section, **reason, **where})

    def absorb_parts(self) -> int:
        """Take over what workers of a run that was killed had written; returns the captions taken."""
        taken = 0
        for part in part_files(self.path):
            for line in part.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    before = len(self.done)
                    # failures are tried again anyway
                    self.add(replace(decode_result(line.decode("utf-8")), failures={}))
                    taken += len(self.done) - before
            part.unlink()
        return taken

    def _append(self, file: IO[bytes], row: Mapping[str, Any]) -> None:
        try:
            file.write(encode_row(row))
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            raise RuntimeError("the file is not open; use it in a with block")
        return self._file

    def _close(self) -> None:
        for file in (self._file, self._failures):
            if file is not None:
                file.close()
        self._file = self._failures = None


def encode_row(row: Mapping[str, Any]) -> bytes:
    """A row as one line; lone surrogates, which a model may not make but a file name can, become "?"."""
    return (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def part_files(out: Path) -> list[Path]:
    """Files of parallel workers beside a predictions file."""
    pattern = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in out.name)
    return sorted(out.parent.glob(f"{pattern}{PART}*.jsonl"))


def encode_result(result: ClipCaptions) -> str:
    """A result as one line of JSON, to travel between processes."""
    failures = {section: asdict(problem) for section, problem in result.failures.items()}
    return json.dumps({"video_id": result.video_id, "captions": dict(result.captions), "failures": failures})


def decode_result(text: str) -> ClipCaptions:
    """The inverse of :func:`encode_result`."""
    row = json.loads(text)
    failures = {section: Problem(**problem) for section, problem in row["failures"].items()}
    return ClipCaptions(row["video_id"], row["captions"], failures)


def _repair(file: IO[bytes], path: Path) -> set[Key]:
    """Mend the end of the file and return the captions in it."""
    file.seek(0)
    data = file.read()
    whole, _, rest = data.rpartition(b"\n")
    if rest:
        try:
            _key(json.loads(rest))
            file.write(b"\n")
            whole = data
        except (ValueError, KeyError, TypeError):
            logger.warning("%s: a half-written last line of %d bytes is removed", path, len(rest))
            file.truncate(len(data) - len(rest))
        file.flush()
    done: set[Key] = set()
    problems = []
    for number, line in enumerate(whole.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            done.add(_key(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            problems.append(
                Problem(
                    f"a line that is no caption ({line[:40]!r})",
                    'lines such as {"video_id": ..., "section": ..., "caption": ...}, written by vdc caption',
                    "remove the line, or choose another --out",
                    f"{show_path(path)}:{number}",
                )
            )
    if problems:
        raise InputError(problems)
    return done


def _key(row: Any) -> Key:
    video_id, section, caption = row["video_id"], row["section"], row["caption"]
    if not isinstance(video_id, str) or section not in SECTIONS or not isinstance(caption, str):
        raise ValueError("not a caption")
    return video_id, section


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no such lock; two runs on one file are then the user's to avoid
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            Problem("a file that another run writes to", "one run per file", "wait, or choose another --out", str(path))
        ) from error
    except OSError as error:  # some network file systems cannot lock
        logger.warning("%s cannot be locked (%s); do not start a second run on it", path, error)


def _cannot_write(path: Path, error: OSError) -> RunFailed:
    return RunFailed(
        f"{show_path(path)}: found that it cannot be written ({error.strerror or error}); expected a writable "
        "place with room; do next: free some, then repeat the command (it goes on where it was)"
    )
