"""Kill ``vdc score`` at random points and resume it: how many calls are made twice, and is the result the same?

    python benchmarks/kill_points.py [--kills 20] [--concurrency 64] [--videos 60] [--benchmark FOLDER] [--write]

Each kill is SIGKILL to the process after a random number of calls. A run is then resumed to its end. Calls repeated
are counted by the server: requests beyond two per question. Exits 1 if any kill repeats more than were in flight, or
changes a number.
"""

from __future__ import annotations

import argparse
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from full_size import environment, fake_server, numbers, score_command, server_stats, write_benchmark, write_predictions

TABLE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "kill_points.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--videos", type=int, default=60)
    parser.add_argument("--latency-ms", type=float, default=20)
    parser.add_argument("--benchmark", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="replace the table in docs/benchmarks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows, wrong = run_all(options, Path(scratch))
    table = "\n".join(rows)
    print(table)
    if options.write:
        TABLE.write_text(page(options, table), encoding="utf-8")
    sys.exit(1 if wrong else 0)


def run_all(options: argparse.Namespace, scratch: Path) -> tuple[list[str], bool]:
    points = random.Random(options.seed)
    benchmark = options.benchmark or write_benchmark(scratch / "benchmark")
    predictions = write_predictions(scratch / "predictions.jsonl", benchmark)
    more = ("--concurrency", str(options.concurrency), "--limit", str(options.videos))
    latency = ("--latency-ms", str(options.latency_ms))
    with fake_server(*latency) as server:
        command = score_command(predictions, benchmark, server, scratch / "whole", *more)
        subprocess.run(command, env=environment(scratch / "whole-user"), check=True, capture_output=True)
        calls = server_stats(server)["requests"]
    expected = numbers(scratch / "whole")
    rows = ["| kill | after calls | in flight at most | calls repeated | same result |", "|" + " --- |" * 5]
    wrong = False
    for kill in range(1, options.kills + 1):
        target = points.randrange(1, calls)
        out, user = scratch / f"run-{kill}", scratch / f"user-{kill}"
        with fake_server(*latency) as server:
            command = score_command(predictions, benchmark, server, out, *more)
            process = subprocess.Popen(
                command, env=environment(user), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while (made := server_stats(server)["requests"]) < target and process.poll() is None:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            done = subprocess.run(command, env=environment(user), capture_output=True, text=True, check=False)
            repeated = server_stats(server)["requests"] - calls
        same = done.returncode == 0 and numbers(out) == expected
        wrong |= not same or repeated > options.concurrency
        rows.append(f"| {kill} | {made:,} | {options.concurrency} | {repeated} | {'yes' if same else 'NO'} |")
        print(rows[-1], flush=True)
    return rows, wrong


def page(options: argparse.Namespace, table: str) -> str:
    return (
        "# Killed and resumed\n\n"
        f"`python benchmarks/kill_points.py --kills {options.kills} --videos {options.videos} --write`: "
        f"SIGKILL to `vdc score` at random points, then the same command again; {options.concurrency} calls in flight "
        f"at most, replies after {options.latency_ms:g} ms.\n\n"
        f"Machine: {platform.system()} {platform.machine()}, Python {platform.python_version()}.\n\n{table}\n"
    )


if __name__ == "__main__":
    main()
