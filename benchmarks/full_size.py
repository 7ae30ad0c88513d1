"""A benchmark and predictions of the published size, and the pieces to score them against a fake server.

The published question files are not part of this project. Without ``--benchmark FOLDER`` a made-up set of the same
shape is written: 1,027 videos in five sections, 96,825 questions, rows of 11 to 38.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

VIDEOS = 1027
QUESTIONS = {"short": 19512, "background": 19156, "main_object": 19234, "camera": 19112, "detailed": 19811}
"""Questions per section after the last-row rule, as published."""

WORDS = (
    "person walks quiet street camera pans left light fades old houses near water child holds paper boat runs slowly "
    "towards bridge while two birds circle above market stalls red cloth moves wind distant hills turn blue evening"
).split()


def sentence(words: random.Random, count: int) -> str:
    """Made-up words; what they say does not matter to a fake judge."""
    return " ".join(words.choice(WORDS) for _ in range(count))


def write_benchmark(folder: Path) -> Path:
    """The published layout at the published size."""
    folder.mkdir(parents=True, exist_ok=True)
    words = random.Random(0)
    for section, total in QUESTIONS.items():
        sizes = [11 + words.randrange(16) for _ in range(VIDEOS)]
        while sum(sizes) != total:
            place = words.randrange(VIDEOS)
            step = 1 if sum(sizes) < total else -1
            if 11 <= sizes[place] + step <= 38:
                sizes[place] += step
        with (folder / f"{section}.jsonl").open("w", encoding="utf-8") as file:
            for number, size in enumerate(sizes):
                row = [
                    {"question": f"Question {index}: {sentence(words, 7)}?", "answer": sentence(words, 2)}
                    for index in range(size)
                ]
                file.write(json.dumps({f"video-{number:04}": row}) + "\n")
    return folder


def write_predictions(path: Path, benchmark: Path) -> Path:
    """A caption of 30 to 120 words for every video and section of a folder in the published layout."""
    from vdc.benchmark.load import load_benchmark

    words = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for video_id, section in load_benchmark(benchmark).questions:
            caption = " ".join(
                f"In the {section} of clip {video_id} a {sentence(words, 2)} is near the {sentence(words, 3)}."
                for _ in range(words.randint(3, 10))
            )
            file.write(json.dumps({"video_id": video_id, "section": section, "caption": caption}) + "\n")
    return path


@contextmanager
def fake_server(*options: str) -> Iterator[str]:
    """The fake judge server in a process of its own; yields its address."""
    command = [sys.executable, "-m", "vdc.llm.fake_server", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        address = next(word for word in process.stdout.readline().split() if word.startswith("http"))
        yield address
    finally:
        process.kill()
        process.wait()


def server_stats(base_url: str) -> dict[str, Any]:
    """What the server has counted so far."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/stats", timeout=10) as reply:
        stats: dict[str, Any] = json.load(reply)
    return stats


def score_command(predictions: Path, benchmark: Path, base_url: str, out: Path, *more: str) -> list[str]:
    """``vdc score`` against the fake server."""
    return [
        *(sys.executable, "-m", "vdc", "score", str(predictions), "--benchmark", str(benchmark)),
        *("--judge", "openai", "--base-url", base_url, "--model", "fake", "--out", str(out), "--overwrite", *more),
    ]


def environment(user_folder: Path) -> dict[str, str]:
    """The caller's environment with a user folder (and so a reply store) of its own."""
    return {**os.environ, "VDC_HOME": str(user_folder), "PYTHONPATH": str(ROOT)}


def numbers(out: Path) -> dict[str, Any]:
    """The part of a report that must not depend on how its calls went."""
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return {key: report[key] for key in ("sections", "average", "protocols", "coverage", "incomplete")}
