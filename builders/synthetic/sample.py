"""The bundled sample: a small synthetic benchmark and two sets of captions of known quality, as the package ships them.

``python -m builders.synthetic.sample FOLDER`` writes it; a test holds the shipped folder equal to what it writes.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from builders.synthetic.build import build_synthetic
from builders.synthetic.predictions import parse_requests
from builders.synthetic.settings import VideoSettings
from vdc.fileio import write_atomic

VIDEOS: Final = 14
SEED: Final = 7
SETTINGS: Final = VideoSettings(size=96, seconds=2.0, fps=8)
PREDICTIONS: Final = ("strong=0.8:0.95", "weak=0.35:0.7")

LEFT_OUT: Final = (3, "camera")
EMPTIED: Final = (6, "short")
"""(video, section) of the weak set without a caption, and with an empty one: a sample has to show both."""

README: Final = """# The bundled sample

A benchmark small enough to score offline in seconds: {videos} drawn videos, five gold captions each, {questions}
questions. Made by this project's generator (`python -m builders.synthetic.sample FOLDER`, seed {seed}); nothing in it
comes from a published data set. Licence: CC0-1.0, or Apache-2.0 like the rest of the project, whichever suits you.

| file | what |
| --- | --- |
| `VDC_1k.jsonl` | gold captions |
| `VDCScore_qa/SECTION.jsonl` | questions with gold answers |
| `videos/ID.mp4` | the videos: {seconds:g} s, {size} x {size} pixels |
| `predictions_strong.jsonl` | captions that state {strong} of the facts asked for |
| `predictions_weak.jsonl` | captions that state {weak}; one is empty and one is missing |

The layout is the published one. Numbers on this sample say whether a set-up works, nothing about a captioner.
"""


def write_sample(folder: Path) -> None:
    """Write the sample into a folder, replacing what it has of the same names.

    Raises:
        InputError: The folder cannot be written.
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        built = build_synthetic(
            made, videos=VIDEOS, seed=SEED, settings=SETTINGS, predictions=parse_requests(PREDICTIONS)
        )
        for name in ("VDCScore_qa", "videos"):
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(made / name, folder / name)
        shutil.copyfile(made / "VDC_1k.jsonl", folder / "VDC_1k.jsonl")
        shutil.copyfile(made / "predictions" / "strong.jsonl", folder / "predictions_strong.jsonl")
        weak = (made / "predictions" / "weak.jsonl").read_text(encoding="utf-8")
        write_atomic(folder / "predictions_weak.jsonl", _with_gaps(weak))
    shares = {request.split("=")[0]: request.split("=")[1].split(":") for request in PREDICTIONS}
    words = {
        name: f"{float(recall):.0%} ({float(precision):.0%} of these rightly)"
        for name, (recall, precision) in shares.items()
    }
    text = README.format(
        videos=VIDEOS,
        questions=built.questions,
        seed=SEED,
        seconds=SETTINGS.seconds,
        size=SETTINGS.size,
        strong=words["strong"],
        weak=words["weak"],
    )
    write_atomic(folder / "README.md", text)


def _with_gaps(lines: str) -> str:
    rows = [json.loads(line) for line in lines.splitlines()]
    videos = sorted({row["video_id"] for row in rows})
    left_out = (videos[LEFT_OUT[0]], LEFT_OUT[1])
    emptied = (videos[EMPTIED[0]], EMPTIED[1])
    kept = []
    for row in rows:
        key = (row["video_id"], row["section"])
        if key != left_out:
            kept.append(json.dumps({**row, "caption": ""} if key == emptied else row, ensure_ascii=False))
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    write_sample(Path(sys.argv[1]))
