"""The small form of ``benchmarks/leaderboard_nothing_lost.py``: real processes, real sockets, real kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_killed_workers_and_a_restarted_api_lose_nothing_and_judge_nothing_twice(database_url: str) -> None:
    database = "sqlite" if database_url.startswith("sqlite") else database_url
    process = subprocess.Popen(
        [sys.executable, "benchmarks/leaderboard_nothing_lost.py", "--database", database, "--submissions", "3",
         "--clients", "3", "--workers", "2", "--kill-every", "3.5", "--latency-ms", "2"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        told, complaints = process.communicate(timeout=200)
    finally:
        # In order, so that it takes its workers with it.
        process.terminate()
        process.wait(30)
    assert process.returncode == 0, told + complaints
    assert 'final states: {"published": 3}' in told
    assert "API restarts: 1" in told
