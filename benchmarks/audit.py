"""Time and memory of the audit, and near-duplicate rows against comparing all pairs.

    python benchmarks/audit.py [FOLDER] [--write]

FOLDER holds the section files of a benchmark; without it a synthetic benchmark of the published size is audited. The
audit runs in processes of its own, so that its peak memory is its own. Near-duplicate rows are searched among
synthetic rows, so that this part is the same everywhere. ``--write`` replaces the tables in docs/benchmarks/audit.md.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from builders.audit.near_duplicates import similar_pairs
from vdc.sections import SECTIONS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "audit.md"
VIDEOS, PER_ROW, RUNS = 1_027, 19, 3
SIZES = (500, 1_000, 2_000, 4_000)

AUDIT = (
    "import json, sys; from builders.audit import *; a = audit_json(audit_benchmark(sys.argv[1])); print(json.dumps(a))"
)


def synthetic_benchmark(folder: Path, seed: int = 0) -> None:
    """Write section files of the published size, of random words."""
    rng = random.Random(seed)
    words = [f"{'aeiou'[number % 5]}word{chr(97 + number % 26)}{number}" for number in range(9_000)]
    for section in SECTIONS:
        with (folder / f"{section}.jsonl").open("w", encoding="utf-8") as file:
            for video in range(VIDEOS):
                questions = [
                    {
                        "question": f"What {' '.join(rng.choices(words, k=6))}?",
                        "answer": " ".join(rng.choices(words, k=3)),
                    }
                    for _ in range(PER_ROW)
                ]
                file.write(json.dumps({f"video-{video:04d}": questions}) + "\n")


def audit_once(folder: Path) -> dict[str, Any]:
    """One audit in a process of its own: seconds from start to exit, and what it found."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, str(folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    record = json.loads(done.stdout)
    return {
        "seconds": time.perf_counter() - start,
        "questions": sum(section["questions"] for section in record["sections"].values()),
        "rows": sum(section["rows"] for section in record["sections"].values()),
        "findings": sum(rule["count"] for section in record["sections"].values() for rule in section["rules"].values()),
    }


def synthetic_sets(rows: int, seed: int = 0) -> list[frozenset[int]]:
    """Rows of questions as sets: some questions are asked everywhere, and one row in twenty copies another one."""
    rng = random.Random(seed)
    sets: list[frozenset[int]] = []
    for _ in range(rows):
        if sets and rng.random() < 0.05:
            kept = rng.sample(sorted(rng.choice(sets)), k=PER_ROW - 6)
            sets.append(frozenset([*kept, *rng.sample(range(100, 1_000_000), k=6)]))
        else:
            sets.append(frozenset([*rng.sample(range(100), k=4), *rng.sample(range(100, 1_000_000), k=PER_ROW - 4)]))
    return sets


def all_pairs(sets: list[frozenset[int]]) -> list[tuple[int, int]]:
    """What ``similar_pairs`` finds, by comparing every row with every other."""
    found = []
    for second, members in enumerate(sets):
        for first in range(second):
            common = len(members & sets[first])
            if 2 * common >= len(members) + len(sets[first]) - common:
                found.append((first, second))
    return found


def near_duplicates(rows: int) -> dict[str, float]:
    """Seconds of both ways for one number of rows; they must agree."""
    sets = synthetic_sets(rows)
    start = time.perf_counter()
    found = [(pair.first, pair.second) for pair in similar_pairs(sets)]
    index_s = time.perf_counter() - start
    start = time.perf_counter()
    naive = all_pairs(sets)
    naive_s = time.perf_counter() - start
    if found != naive:
        raise SystemExit("the two ways do not find the same pairs")
    return {"rows": rows, "pairs": len(found), "index_s": index_s, "naive_s": naive_s, "ratio": naive_s / index_s}


def measure(folder: Path | None) -> dict[str, Any]:
    """All figures of the page."""
    with tempfile.TemporaryDirectory() as made:
        if folder is None:
            synthetic_benchmark(Path(made))
        runs = [audit_once(folder or Path(made)) for _ in range(RUNS)]
    # The largest of all child processes so far; kibibytes on Linux.
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "benchmark": "synthetic" if folder is None else "given",
        **min(runs, key=lambda run: float(run["seconds"])),
        "slowest_seconds": max(run["seconds"] for run in runs),
        "peak_mb": peak_mb,
        "near_duplicates": [near_duplicates(rows) for rows in SIZES],
    }


def page(found: dict[str, Any]) -> str:
    """The tables for the docs."""
    which = (
        "a synthetic benchmark of the published size" if found["benchmark"] == "synthetic" else "the published files"
    )
    what = (
        f"Whole audit of {which} ({found['rows']:,} rows, {found['questions']:,} questions) in a process of its own, "
        f"start of Python included, {RUNS} runs. Goal: under 15 seconds and under 1 GB on two cores. Made by "
        "`python benchmarks/audit.py [FOLDER] --write`."
    )
    pairs = (
        f"Pairs with a Jaccard of one half or more among synthetic rows of {PER_ROW} questions, against comparing "
        "every row with every other in the same run; both find the same pairs. Seconds depend on the machine; the "
        "ratio much less, and it grows with the rows."
    )
    lines = [
        "# Auditing a benchmark",
        "",
        what,
        "",
        "| fastest, s | slowest, s | peak memory, MB | findings |",
        "| ---: | ---: | ---: | ---: |",
        f"| {found['seconds']:.1f} | {found['slowest_seconds']:.1f} | {found['peak_mb']:.0f} | {found['findings']:,} |",
        "",
        "## Near-duplicate rows",
        "",
        pairs,
        "",
        "| rows | pairs found | index, s | all pairs, s | ratio |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['rows']:,} | {row['pairs']:,} | {row['index_s']:.3f} | {row['naive_s']:.2f} | {row['ratio']:.0f} |"
        for row in found["near_duplicates"]
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print JSON; write the page where asked."""
    parser = argparse.ArgumentParser(description="Time and memory of the audit.")
    parser.add_argument("folder", nargs="?", type=Path, help="section files; default: a synthetic benchmark")
    parser.add_argument("--write", action="store_true", help="replace docs/benchmarks/audit.md")
    arguments = parser.parse_args()
    found = measure(arguments.folder.resolve() if arguments.folder else None)
    print(json.dumps(found, indent=2))
    if arguments.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
