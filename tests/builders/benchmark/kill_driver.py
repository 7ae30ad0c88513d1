"""Kills one build with SIGKILL at moment after moment until it is done; run as a process of its own by the test.

``python kill_driver.py CONFIG BASE_URL WORK`` prints a line of JSON per run. Every run is a forked child, so that the
packages are imported once.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import urllib.request
from pathlib import Path

import av  # noqa: F401 - imported once, before the first fork, and the following too
import hypothesis  # noqa: F401
import PIL.JpegImagePlugin  # noqa: F401
import scenedetect.detectors  # noqa: F401
import scipy.fft  # noqa: F401

from builders.benchmark import BuildOptions, build_benchmark
from builders.benchmark.manifest import read_ledger
from vdc.llm.store import ReplyStore

MOMENTS = (
    ("inspected/", 2),
    ("sources/kept.jsonl", 1),
    ("clips/videos/second-001.mp4", 1),
    ("clips/dropped.jsonl", 1),
    ("frames/pictures/second-000/01.jpg", 1),
    ("steps.json", 1),
    ("reply", 3),
    ("captions/dropped.jsonl", 1),
    ("reply", 5),
    ("questions/kept.jsonl", 1),
    ("audit/questions/camera.jsonl", 1),
    ("review/kept.jsonl", 1),
    ("published/questions.parquet", 1),
    ("published/checksums.sha256", 1),
    ("publish/dropped.jsonl", 1),
)
"""What is about to be written when a run dies, and for which time; ``reply``: a reply was just stored. In the order of
the steps, at least once in each."""


def die_at(name: str, occurrence: int) -> None:
    """Arranges the death of this process."""
    count = 0

    def tick() -> None:
        nonlocal count
        count += 1
        if count == occurrence:
            os.kill(os.getpid(), signal.SIGKILL)

    if name == "reply":
        put_many = ReplyStore.put_many

        def put_and_tick(self: ReplyStore, entries: list[object]) -> None:
            put_many(self, entries)  # type: ignore[arg-type]
            for _ in entries:
                tick()

        ReplyStore.put_many = put_and_tick  # type: ignore[method-assign,assignment]
        return
    replace = Path.replace

    def tick_and_replace(self: Path, target: Path) -> Path:
        if name in str(target):
            tick()
        return replace(self, target)

    Path.replace = tick_and_replace  # type: ignore[method-assign,assignment]


def run(config: Path, base_url: str, out: Path, moment: tuple[str, int] | None) -> int:
    """Builds in a child; returns its wait status."""
    child = os.fork()
    if child == 0:
        try:
            if moment is not None:
                die_at(*moment)
            store = out.parent / f"{out.name}.sqlite"
            build_benchmark(config, BuildOptions(out=out, base_url=base_url, store=store))
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - nothing of the child may run on in the parent's code
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(3)
    return os.waitpid(child, 0)[1]


def requests_made(base_url: str) -> int:
    """Calls the server has seen."""
    with urllib.request.urlopen(base_url.replace("/v1", "/stats"), timeout=10) as response:
        return int(json.load(response)["requests"])


def stored(path: Path) -> int:
    """Replies in a store."""
    if not path.exists():
        return 0
    with ReplyStore(path) as store:
        return store.info().replies


def tree_hash(folder: Path) -> str:
    """Hash over names and contents; caches of single items are no result."""
    caches = ("inspected", "divided", "taken")
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name not in caches and path.name != ".lock":
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """A build that is left alone, then one that dies at every moment in turn."""
    config, base_url, work = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    assert run(config, base_url, work / "whole", None) == 0
    total = requests_made(base_url)
    print(json.dumps({"tree": tree_hash(work / "whole"), "requests": total}), flush=True)
    out = work / "killed"
    for moment in (*MOMENTS, None):
        before = requests_made(base_url)
        status = run(config, base_url, out, moment)
        line = {
            "moment": moment,
            "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
            "finished": status == 0,
            "stored": stored(work / f"{out.name}.sqlite"),
            "requests": requests_made(base_url) - before,
            "done": sorted(read_ledger(out)),
        }
        print(json.dumps(line), flush=True)
    print(json.dumps({"tree": tree_hash(out)}), flush=True)


if __name__ == "__main__":
    main()
