"""Score a whole prediction set (1,027 videos x 5 captions) against a fake server, with and without faults.

    python benchmarks/full_benchmark.py [--benchmark FOLDER] [--concurrency 256] [--latency-ms 20] [--write]

Four runs in a row: fault-free; the same again, which must make no call; with 10 % errors, 5 % rate limits, 2 % hanging
and 2 % dropped connections; with 3 % malformed verdicts. Exits 1 if a count is off or faults change a number.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from full_size import environment, fake_server, numbers, score_command, server_stats, write_benchmark, write_predictions

TABLE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "full_benchmark.md"
FAULTS = ("--error", "0.10", "--rate-limit", "0.05", "--hang", "0.02", "--drop", "0.02")
GARBLED = ("--garbled", "0.03")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: what it took, what the server saw, what the report says."""

    name: str
    seconds: float
    cpu_s: float
    peak_mb: float
    requests: int
    report: dict[str, Any]

    def row(self) -> str:
        """A line of the table."""
        cells = (
            self.name,
            f"{self.requests:,}",
            f"{self.report['benchmark']['questions']:,}",
            f"{sum(row['unparsed'] for row in self.report['sections'].values()):,}",
            f"{self.seconds:.0f}",
            f"{self.requests / self.seconds:,.0f}",
            f"{1000 * self.cpu_s / self.requests:.2f}" if self.requests else "-",
            f"{self.peak_mb:.0f}",
        )
        return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmark", type=Path)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--latency-ms", type=float, default=20)
    parser.add_argument("--write", action="store_true", help="replace the table in docs/benchmarks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs, wrong = run_all(options, Path(scratch))
    head = "| run | requests | verdicts | unparsed | seconds | requests/s | CPU s per 1,000 | peak MB |"
    table = "\n".join([head, "|" + " --- |" * 8, *(run.row() for run in runs)])
    print(table)
    for line in wrong:
        print(f"WRONG: {line}")
    if options.write:
        TABLE.write_text(page(options, table), encoding="utf-8")
    sys.exit(1 if wrong else 0)


def run_all(options: argparse.Namespace, scratch: Path) -> tuple[list[Measured], list[str]]:
    benchmark = options.benchmark or write_benchmark(scratch / "benchmark")
    predictions = write_predictions(scratch / "predictions.jsonl", benchmark)
    runs = []
    for faults, names in (((), ("fault-free", "again")), (FAULTS, ("19 % faults",)), (GARBLED, ("3 % malformed",))):
        user = scratch / f"user-{len(runs)}"
        with fake_server("--latency-ms", str(options.latency_ms), *faults) as server:
            for name in names:
                out = scratch / name.replace(" ", "-").replace("%", "pc")
                command = score_command(predictions, benchmark, server, out, "--concurrency", str(options.concurrency))
                runs.append(measure(name, command, environment(user), server, out))
                print(runs[-1].row(), file=sys.stderr, flush=True)
    return runs, check(runs, scratch)


def measure(name: str, command: list[str], env: dict[str, str], server: str, out: Path) -> Measured:
    before = server_stats(server)["requests"]
    started = time.perf_counter()
    process = os.posix_spawn(
        command[0], command, env, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{name}: exit status {os.waitstatus_to_exitcode(status)}")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    requests = server_stats(server)["requests"] - before
    return Measured(name, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, requests, report)


def check(runs: list[Measured], scratch: Path) -> list[str]:
    clean, again, faulty, garbled = runs
    questions = clean.report["benchmark"]["questions"]
    unparsed = sum(row["unparsed"] for row in garbled.report["sections"].values())
    strict = garbled.report["protocols"]["strict"]
    rules = {
        f"the fault-free run made {clean.requests:,} requests, not two per question": clean.requests == 2 * questions,
        f"the second run made {again.requests:,} requests": again.requests == 0,
        "faults changed a number": numbers(scratch / "19-pc-faults") == numbers(scratch / "fault-free"),
        f"{unparsed:,} of {questions:,} verdicts are unparsed, though each was asked for twice": 0
        < unparsed
        < questions / 50,
        "strict dropped a video": strict["dropped_videos"] == 0 and faulty.report["incomplete"] is False,
    }
    return [text for text, right in rules.items() if not right]


def page(options: argparse.Namespace, table: str) -> str:
    source = "the published question files" if options.benchmark else "a made-up set of the published size"
    return (
        "# A whole prediction set\n\n"
        f"`python benchmarks/full_benchmark.py --write` on {source}: {options.concurrency} calls in flight at most; "
        f"the fake server replies after {options.latency_ms:g} ms and shares the machine with the client.\n\n"
        f"Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}. "
        "Seconds, processor time and memory are of the whole command, report included.\n\n"
        f"{table}\n\n"
        "19 % faults: 10 % status 500, 5 % status 429 with `Retry-After: 1`, 2 % calls that never answer, 2 % "
        "dropped connections; the numbers of the report are those of the fault-free run. 3 % malformed: verdicts that "
        "are none, asked for once more, counted as unparsed where the second is none either.\n"
    )


if __name__ == "__main__":
    main()
