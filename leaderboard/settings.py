"""What a board is configured by: variables ``VDC_LEADERBOARD_...``, each with a default that needs no server."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from vdc.errors import InputError, MissingExtra, Problem
from vdc.settings import home, lookup

PREFIX: Final = "VDC_LEADERBOARD_"

MEGABYTE: Final = 1 << 20
"""Bytes in the unit of the settings and of the pages' upload limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one token may ask of the board.

    Args:
        upload_bytes: Largest submission, all files of it together.
        per_hour: Submissions in any 60 minutes.
        open_submissions: Submissions that have not reached a final state.
        unpacked_bytes: Largest content of a packed predictions file.
    """

    upload_bytes: int = 64 * MEGABYTE
    per_hour: int = 60
    open_submissions: int = 20
    unpacked_bytes: int = 128 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Verification:
    """When a submitted run is believed.

    Args:
        questions: Questions that are judged again, chosen at random.
        agreement: Smallest share of them with the same status and match.
        p_value: A one-sided sign test on the disagreements must stay above this: errors of an honest run go both
            ways, those of an embellished one go up.
    """

    questions: int = 1000
    agreement: float = 0.95
    p_value: float = 0.01


@dataclass(frozen=True, slots=True)
class BoardSettings:
    """Everything a process of the board needs to know.

    Args:
        database_url: SQLAlchemy URL; SQLite file or ``postgresql+psycopg://``.
        queue_url: Database of the job queue; on PostgreSQL the same database (a schema of its own).
        files_url: fsspec URL of the folder or bucket for submitted files and verdicts.
        replies: Folder for the judge's replies of submissions under way, see ``leaderboard.job_replies``.
        benchmarks: Benchmarks that submissions may be scored on, the first is the board's main one.
        judge: Judge of this board: ``lexical`` or ``openai``; model, address and prompts as ``vdc config`` shows them.
        limits: See :class:`Limits`.
        verification: See :class:`Verification`.
        heartbeat_s: How often a worker says that it is alive.
        stale_s: Silence after which a worker counts as dead and its job is taken over.
        poll_s: How often a worker looks into the queue.
        concurrency: Jobs one worker process scores at a time.
    """

    database_url: str
    queue_url: str
    files_url: str
    replies: Path = field(default_factory=lambda: _folder() / "replies")
    benchmarks: tuple[str, ...] = ("vdc", "sample")
    judge: str | None = None
    limits: Limits = field(default_factory=Limits)
    verification: Verification = field(default_factory=Verification)
    heartbeat_s: float = 2.0
    stale_s: float = 15.0
    poll_s: float = 1.0
    concurrency: int = 1

    @property
    def is_sqlite(self) -> bool:
        """Whether the board lives in a file."""
        return self.database_url.startswith("sqlite")

    def with_database(self, url: str) -> BoardSettings:
        """The same board on another database."""
        return replace(self, database_url=_driver(url), queue_url=_queue_url(_driver(url), None))


def read_settings() -> BoardSettings:
    """The settings of this process, from the environment.

    Raises:
        InputError: A number that is none or outside its range, a judge or a benchmark that cannot be; lists all of
            them.
    """
    folder = _folder()
    database = _driver(_text("DATABASE", f"sqlite:///{folder / 'board.sqlite'}"))
    problems: list[Problem] = []

    def number(name: str, default: float, least: float, most: float = float("inf")) -> float:
        text = _text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most or value == float("inf"):
            expected = (
                f"a number, at least {least:g}" if most == float("inf") else f"a number from {least:g} to {most:g}"
            )
            problems.append(Problem(f"{PREFIX}{name} = {text!r}", expected, "correct or unset the variable"))
            return default
        return value

    limits = Limits(
        upload_bytes=int(number("UPLOAD_MB", 64, 1) * MEGABYTE),
        per_hour=int(number("PER_HOUR", 60, 1)),
        open_submissions=int(number("OPEN", 20, 1)),
        unpacked_bytes=int(number("UNPACKED_MB", 128, 1) * MEGABYTE),
    )
    verification = Verification(
        questions=int(number("VERIFY_QUESTIONS", 1000, 1)), agreement=number("VERIFY_AGREEMENT", 0.95, 0, 1)
    )
    names = tuple(name.strip() for name in _text("BENCHMARKS", "vdc,sample").split(",") if name.strip())
    if not names:
        problems.append(Problem(f"{PREFIX}BENCHMARKS is empty", "one benchmark or more", "set it to vdc, or unset it"))
    judge = os.environ.get(f"{PREFIX}JUDGE") or None
    problems += [*_unknown_judge(judge), *_unknown_benchmarks(names), *_unusable_places()]
    settings = BoardSettings(
        database_url=database,
        queue_url=_queue_url(database, os.environ.get(f"{PREFIX}QUEUE")),
        files_url=_text("FILES", str(folder / "files")),
        replies=Path(_text("REPLIES", str(folder / "replies"))),
        benchmarks=names,
        judge=judge,
        limits=limits,
        verification=verification,
        heartbeat_s=number("HEARTBEAT_S", 2, 0.1),
        stale_s=number("STALE_S", 15, 0.5),
        poll_s=number("POLL_S", 1, 0.05),
        concurrency=int(number("CONCURRENCY", 1, 1)),
    )
    if settings.stale_s < 2 * settings.heartbeat_s:
        found = f"{PREFIX}STALE_S = {settings.stale_s:g} with a heartbeat every {settings.heartbeat_s:g} s"
        problems.append(Problem(found, "at least two heartbeats", "raise it, or lower the heartbeat"))
    if problems:
        raise InputError(problems)
    return settings


def require_extra(feature: str = "the leaderboard") -> None:
    """Fail early, in one sentence, where the packages of the leaderboard are not installed.

    Raises:
        MissingExtra: One of them cannot be imported.
    """
    from importlib.util import find_spec

    for package in ("sqlalchemy", "alembic", "fastapi", "uvicorn", "dbos", "fsspec", "prometheus_client", "streamlit"):
        if find_spec(package) is None:
            raise MissingExtra(feature, "leaderboard")


def judge_options(settings: BoardSettings) -> dict[str, Any]:
    """Keyword arguments for ``scoring.options.JudgeOptions``: the board's judge, the rest as ``vdc config`` shows."""
    return {} if settings.judge is None else {"judge": settings.judge}


def judge_in_use(settings: BoardSettings) -> str:
    """The judge that this process would score with, in words; its model where it is named."""
    from scoring.judges.build import choose_judge
    from scoring.options import JudgeOptions

    name = choose_judge(JudgeOptions(**judge_options(settings)))
    model = lookup("model").value if name == "openai" else None
    return f"{name}, model {model}" if model else name


def _unknown_judge(name: str | None) -> list[Problem]:
    from scoring.judges.registry import judge_names

    # A run that is replayed is no judge of captions that nobody has judged.
    known = [one for one in judge_names() if one != "recorded"]
    if name is None or name in known:
        return []
    return [Problem(f"{PREFIX}JUDGE = {name!r}", f"one of {', '.join(known)}", "correct or unset the variable")]


def _unusable_places() -> list[Problem]:
    """A queue that is no database of these kinds, a folder for replies that is none."""
    problems = []
    queue, replies = _text("QUEUE", ""), _text("REPLIES", "")
    if queue and not queue.startswith(("sqlite:///", "postgres://", "postgresql://", "postgresql+psycopg://")):
        expected = "sqlite:///FILE or postgresql://USER@HOST/NAME"
        problems.append(Problem(f"{PREFIX}QUEUE of another kind", expected, "correct or unset the variable"))
    if "://" in replies or (replies and Path(replies).exists() and not Path(replies).is_dir()):
        expected = "a folder of this machine"
        problems.append(Problem(f"{PREFIX}REPLIES = {replies!r}", expected, "correct or unset the variable"))
    return problems


def _unknown_benchmarks(names: tuple[str, ...]) -> list[Problem]:
    """Names that can be no benchmark, whatever the disk or the Hub hold later."""
    from vdc.benchmark.hub import HUB_ALIASES, is_hub_name
    from vdc.benchmark.load import SAMPLE_NAME

    short = (SAMPLE_NAME, *HUB_ALIASES)
    expected = f"{', '.join(short)}, an owner/set of the Hub, or an existing folder"
    return [
        Problem(f"{PREFIX}BENCHMARKS names {name!r}", expected, "correct or unset the variable")
        for name in names
        if name not in short and not is_hub_name(name) and not Path(name).is_dir()
    ]


def _folder() -> Path:
    return home() / "leaderboard"


def _text(name: str, default: str) -> str:
    return os.environ.get(f"{PREFIX}{name}") or default


def _driver(url: str) -> str:
    """The URL with the driver named: hosting services hand out plain ``postgres://`` addresses."""
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _queue_url(database: str, given: str | None) -> str:
    if given:
        return _driver(given)
    if database.startswith("sqlite:///"):
        path = Path(database.removeprefix("sqlite:///"))
        return f"sqlite:///{path.with_name(path.stem + '-queue.sqlite')}"
    return database
