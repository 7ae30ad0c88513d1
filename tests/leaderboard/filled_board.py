"""A board with everything that pages must be able to show, made once and copied."""

from __future__ import annotations

import atexit
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final
from unittest.mock import patch

from leaderboard.arena import Arena
from leaderboard.db.models import State, SubmissionKind
from leaderboard.db.queries import run_file, state_counts
from leaderboard.db.session import reading, writing
from leaderboard.import_rows import import_published
from leaderboard.queue import job
from leaderboard.queue.interface import HeldQueue
from leaderboard.scoring_job import Outcome
from leaderboard.scoring_steps import SCORED_RECORD, SCORED_VERDICTS
from leaderboard.services import Services, init_board, open_board
from leaderboard.settings import BoardSettings
from leaderboard.views import NewSubmission, SubmissionView
from tests.leaderboard.board_kit import (
    STRONG,
    WEAK,
    new_holder,
    predictions_submission,
    submit_and_score,
    uploaded,
)
from vdc.fileio import file_sha256
from vdc.sections import SECTIONS

STRONG_NAME: Final = "Harbour 7B"
WEAK_NAME: Final = "Lantern 2B"
GAPS_NAME: Final = "Driftwood 1B"
CLAIMED_NAME: Final = "Paper Boat 3B"
SECRET_NAME: Final = "Secret captioner"
HOSTILE_NAME: Final = "<script>alert(1)</script> ![x](http://127.0.0.1:9/x.png) '; drop table run; --"


def board_settings(folder: Path) -> BoardSettings:
    """The settings of a SQLite board in a folder; the environment of ``browser_kit`` says the same."""
    plain = BoardSettings("", "", str(folder / "files"), benchmarks=("sample",), judge="lexical")
    return plain.with_database(f"sqlite:///{folder / 'board.sqlite'}")


@contextmanager
def held_board(folder: Path) -> Iterator[Services]:
    """The board in a folder, made if need be; its jobs wait until the test runs them."""
    settings = board_settings(folder)
    init_board(settings)
    with open_board(settings, HeldQueue()) as opened:
        yield opened


@cache
def filled_folder() -> Path:
    """A folder with a filled board, made once per process: to be copied, never to be written to."""
    folder = Path(mkdtemp(prefix="vdc-filled-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with held_board(folder) as board:
        (folder / "key").write_text(fill(board), encoding="utf-8")
    return folder


def copy_filled(folder: Path) -> Path:
    """A filled board of the caller's own; the file ``key`` in it holds a token."""
    shutil.copytree(filled_folder(), folder, dirs_exist_ok=True)
    return folder


def fill(board: Services, votes: int = 12) -> str:
    """Published rows, verified rows, a row only reported, a hostile name, a private run, votes; returns a token's key.

    Args:
        board: Empty, with a held queue.
        votes: In the arena.
    """
    with writing(board.engine) as session:
        import_published(session)
    holder, key = new_holder(board)

    def score(path: Path, name: str, **fields: object) -> SubmissionView:
        return submit_and_score(board, holder, predictions_submission(path, name, **fields))

    with TemporaryDirectory() as scratch, _scored_once():
        strong = score(
            STRONG, STRONG_NAME, frames=32, tokens_per_frame=64, model_url="https://example.org/harbour", note="Greedy."
        )
        score(WEAK, WEAK_NAME, frames=8, tokens_per_frame=144)
        score(WEAK, SECRET_NAME, private=True)
        score(with_gaps(Path(scratch) / "gaps.jsonl"), GAPS_NAME, frames=16, tokens_per_frame=16)
        score(with_hostile_text(Path(scratch) / "hostile.jsonl"), HOSTILE_NAME)
        submit_and_score(board, holder, claimed_run(board, strong.run_id or "", Path(scratch)))
    with reading(board.engine) as session:
        counts = state_counts(session)
    assert counts[State.PUBLISHED] == 5 and counts[State.SCORED] == 1, counts
    _vote(Arena(board), votes)
    return key


@contextmanager
def _scored_once() -> Iterator[None]:
    """One scoring per file, and no plots, which no page shows."""
    real, kept = job.score_files, dict[str, Outcome]()

    with TemporaryDirectory() as scratch:

        def score_files(kind: SubmissionKind, folder: Path, *rest: object) -> Outcome:
            key = "".join(file_sha256(path) for path in sorted(folder.iterdir()))
            if key not in kept:
                found = real(kind, folder, *rest)  # type: ignore[arg-type]
                place = Path(scratch) / str(len(kept))
                place.mkdir()
                verdicts, record = (
                    Path(shutil.copy(path, place / path.name)) for path in (found.verdicts, found.record_path)
                )
                kept[key] = replace(found, verdicts=verdicts, record_path=record)
            return kept[key]

        with patch.object(job, "score_files", score_files), patch("scoring.report.plots._png", return_value=b"none"):
            yield


def with_gaps(path: Path) -> Path:
    """The weak captions without some, and with some that are empty."""
    rows = [json.loads(line) for line in WEAK.read_text(encoding="utf-8").splitlines()]
    kept = [{**row, "caption": " "} if number % 11 == 3 else row for number, row in enumerate(rows) if number % 3]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in kept), encoding="utf-8")
    return path


def with_hostile_text(path: Path) -> Path:
    """Captions of one section that try to be markup."""
    rows = [json.loads(line) for line in WEAK.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["section"] == SECTIONS[0]]
    for row in rows:
        row["caption"] += " <img src=x onerror=alert(1)> ![x](http://127.0.0.1:9/x.png) $x^2$ :material/home:"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def claimed_run(board: Services, run_id: str, scratch: Path) -> NewSubmission:
    """A run without its captions: nothing in it can be judged again."""
    paths = {"run.json": SCORED_RECORD, "verdicts.parquet": SCORED_VERDICTS}
    with reading(board.engine) as session:
        found = {name: run_file(session, run_id, role) for name, role in paths.items()}
    for name, sha256 in found.items():
        board.store.fetch(sha256 or "", scratch / name)
    files = tuple(uploaded(scratch / name, name) for name in paths)
    return NewSubmission(CLAIMED_NAME, SubmissionKind.RUN, files, frames=4, tokens_per_frame=64)


def _vote(arena: Arena, count: int) -> None:
    for seed in range(count):
        pair = arena.next_pair(seed)
        if pair is not None:
            arena.vote(pair, "left" if seed % 3 else "tie", f"voter {seed}")
