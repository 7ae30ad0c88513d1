"""Is anything lost, or judged twice, when workers are killed and the API restarts in the middle of a rush?

    python benchmarks/leaderboard_nothing_lost.py [--database sqlite|URL] [--submissions 100] [--clients 20]
                                                  [--workers 3] [--kill-every 4] [--write]

Every submission is another file of captions for the bundled sample. The judge is a real HTTP server on this machine
(``vdc.llm.fake_server``), so that every call is counted: two per question, and none twice but those that were in
flight when a worker was killed. Kills are SIGKILL; a new worker is started after each. The API is stopped and started
once, when half of the submissions are in. Exits 1 if a submission is not published, has not exactly one run with one
verdict per question, or more calls are repeated than were in flight.

    PostgreSQL: --database postgresql+psycopg://USER@HOST/NAME (the database must exist and be empty)
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import platform
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running_board import RunningBoard, board_environment, running_board
from sqlalchemy import func, select

from leaderboard.client import BoardClient, FormFile
from leaderboard.db.models import Run, Submission, SubmissionFile, Transition
from leaderboard.db.session import reading, writing
from leaderboard.services import init_board, open_board
from leaderboard.settings import BoardSettings
from leaderboard.tokens import create_token
from vdc.benchmark.load import load_benchmark
from vdc.errors import RunFailed
from vdc.llm.fake_server import FakeServer, FakeServerConfig, default_reply

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "leaderboard_nothing_lost.md"
CONCURRENCY = 16


@dataclass
class Counts:
    """What happened."""

    kills: int = 0
    restarts: int = 0
    elapsed_s: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--submissions", type=int, default=100)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kill-every", type=float, default=4.0, help="seconds; 0 kills nobody")
    parser.add_argument("--latency-ms", type=float, default=5.0)
    parser.add_argument("--no-restart", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="add the result to docs/benchmarks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vdc-nothing-lost-") as scratch:
        facts, problems = measure(options, Path(scratch))
    for name, value in facts.items():
        print(f"{name}: {value}")
    for problem in problems:
        print(f"PROBLEM: {problem}")
    if options.write:
        write_page(facts)
    sys.exit(1 if problems else 0)


def measure(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Run the whole thing; returns figures and what is wrong."""
    url = f"sqlite:///{folder / 'board.sqlite'}" if options.database == "sqlite" else options.database
    plain = BoardSettings(database_url="", queue_url="", files_url=str(folder / "files"), benchmarks=("sample",))
    settings = plain.with_database(url)
    init_board(settings)
    keys = []
    with open_board(settings) as board, writing(board.engine) as session:
        keys = [create_token(session, f"client {number}").key for number in range(options.clients)]
    files = write_files(folder, options.submissions)
    calls = 2 * count_questions()
    counts = Counts()
    config = FakeServerConfig(latency_s=options.latency_ms / 1000)
    with FakeServer(reply, config) as judge:
        environment = board_environment(
            folder,
            url,
            VDC_LEADERBOARD_JUDGE="openai",
            VDC_BASE_URL=judge.base_url,
            VDC_MODEL="fake",
            VDC_CONCURRENCY=str(CONCURRENCY),
            VDC_LEADERBOARD_OPEN="1000",
            VDC_LEADERBOARD_PER_HOUR="1000",
        )
        with running_board(folder, environment, options.workers) as running:
            started = time.monotonic()
            with killing(running, options, counts):
                accepted: list[str] = []
                half = threading.Event()
                jobs = [(keys[number % len(keys)], path) for number, path in enumerate(files)]

                def send(job: tuple[str, Path]) -> dict[str, Any]:
                    key, path = job
                    client = BoardClient(running.url, key)
                    view = patiently(lambda: client.submit({"model_name": path.stem}, [FormFile("predictions", path)]))
                    accepted.append(view["id"])
                    if len(accepted) >= len(files) // 2:
                        half.set()
                    return client.wait(view["id"], lambda _: None, poll_s=0.5)

                def restart() -> None:
                    if half.wait(300):
                        running.stop_api()
                        running.start_api()
                        counts.restarts += 1

                restarter = threading.Thread(target=restart, daemon=True)
                if not options.no_restart:
                    restarter.start()
                with ThreadPoolExecutor(options.clients) as pool:
                    views = list(pool.map(send, jobs))
            counts.elapsed_s = time.monotonic() - started
            stats = judge.stats
            problems = check(settings, views, calls)
    most_repeated = counts.kills * CONCURRENCY
    distinct, repeated = stats.distinct, stats.requests - stats.distinct
    if distinct != calls * len(files):
        problems.append(f"{distinct:,} different calls instead of {calls * len(files):,}")
    if repeated > most_repeated:
        problems.append(f"{repeated} calls repeated, more than the {most_repeated} that can have been in flight")
    facts = {
        "database": "SQLite" if settings.is_sqlite else "PostgreSQL",
        "submissions": len(files),
        "clients": options.clients,
        "workers": options.workers,
        "workers killed": counts.kills,
        "API restarts": counts.restarts,
        "final states": json.dumps(Counter(view["state"] for view in views)),
        "different judge calls": f"{distinct:,}",
        "calls repeated": repeated,
        "at most in flight at the kills": most_repeated,
        "taken over": taken_over(settings),
        "seconds": f"{counts.elapsed_s:.0f}",
        "problems": len(problems),
    }
    return facts, problems


def write_files(folder: Path, count: int) -> list[Path]:
    """Different captions for every submission, so that no judge call of one is one of another."""
    lines = (ROOT / "vdc" / "sample" / "predictions_strong.jsonl").read_text(encoding="utf-8").splitlines()
    paths = []
    for number in range(count):
        path = folder / f"captioner-{number:03}.jsonl"
        rows = [json.loads(line) for line in lines]
        for row in rows:
            row["caption"] = f"{row['caption']} Take {number} of {row['section']}, {row['video_id']}."
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def reply(body: dict[str, Any]) -> str:
    """As the server's own, but no two different questions get the same answer: then no two calls are the same."""
    text = default_reply(body)
    if not text.startswith("answer"):
        return text
    return f"answer {hashlib.sha256(json.dumps(body['messages']).encode()).hexdigest()}"


def count_questions() -> int:
    """Questions of the sample; every one is asked twice: to answer, and to match."""
    return load_benchmark("sample").question_count


def patiently(call: Any, patience_s: float = 60.0) -> Any:
    """Repeat what fails because the API is away, as its users would."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return call()
        except RunFailed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


@contextlib.contextmanager
def killing(running: RunningBoard, options: argparse.Namespace, counts: Counts) -> Iterator[None]:
    """Kill a worker every few seconds and start another, until the block is left."""
    stop = threading.Event()
    choose = random.Random(options.seed)

    def kill() -> None:
        while not stop.wait(options.kill_every):
            running.kill(choose.choice(running.workers))
            counts.kills += 1
            running.start_worker()

    killer = threading.Thread(target=kill, daemon=True)
    if options.kill_every:
        killer.start()
    try:
        yield
    finally:
        stop.set()
        if options.kill_every:
            killer.join(30)


def check(settings: BoardSettings, views: list[dict[str, Any]], calls: int) -> list[str]:
    """Everything that is not as it should be."""
    problems = [f"{view['id']} is {view['state']}: {view['reason']}" for view in views if view["state"] != "published"]
    if len({view["id"] for view in views}) != len(views):
        problems.append("two clients got one submission")
    with open_board(settings) as board, reading(board.engine) as session:
        runs = session.scalars(select(Run)).all()
        if len(runs) != len(views) or len({run.submission_id for run in runs}) != len(views):
            problems.append(f"{len(runs)} runs for {len(views)} submissions")
        for run in runs:
            asked = run.report["benchmark"]["questions"]
            if asked * 2 != calls or run.report["incomplete"]:
                problems.append(f"run {run.id} has {asked} verdicts")
        scored = select(Transition.submission_id, func.count()).where(Transition.after == "scored")
        for submission_id, count in session.execute(scored.group_by(Transition.submission_id)):
            if count != 1:
                problems.append(f"{submission_id} was scored {count} times")
        files = session.scalar(select(func.count()).select_from(SubmissionFile)) or 0
        if files != 3 * len(views):
            problems.append(f"{files} files for {len(views)} submissions")
        if session.scalar(select(func.count()).select_from(Submission)) != len(views):
            problems.append("there are submissions that nobody was told of")
    return problems


def taken_over(settings: BoardSettings) -> int:
    """How often a worker took a job over."""
    with open_board(settings) as board, reading(board.engine) as session:
        query = select(func.count()).where(Transition.before == "scoring", Transition.after == "scoring")
        return session.scalar(query) or 0


def write_page(facts: dict[str, Any]) -> None:
    """Put the result of this database in its place on the page."""
    head = (
        "# Nothing lost\n\nMade by `benchmarks/leaderboard_nothing_lost.py`. Clients submit at once while workers are "
        "killed (SIGKILL) and the API is restarted; the judge is an HTTP server that counts its calls.\n"
    )
    kept = PAGE.read_text(encoding="utf-8").split("\n## ")[1:] if PAGE.is_file() else []
    sections = {text.splitlines()[0]: text for text in kept}
    name = facts["database"]
    rows = "\n".join(f"| {key} | {value} |" for key, value in facts.items())
    machine = f"{platform.system()}, Python {platform.python_version()}, 2 cores, everything on one machine."
    sections[name] = f"{name}\n\n| | |\n| --- | --- |\n{rows}\n\n{machine}\n"
    PAGE.write_text(head + "".join(f"\n## {text.rstrip()}\n" for _, text in sorted(sections.items())), encoding="utf-8")


if __name__ == "__main__":
    main()
