"""Known against measured accuracy: captions of known quality, scored end to end by each judge.

    python benchmarks/synthetic_truth.py [--videos 50] [--seed 0] [--judge lexical ...] [--write]

For a ladder of 11 recalls at two precisions, captions are written, scored with ``vdc.score`` and held against the truth
that the writer knows. Gold captions and captions of other videos are scored too. ``--judge openai`` needs a server, as
for ``vdc score``. ``--write`` replaces docs/benchmarks/synthetic_truth.md and its plot.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

import vdc
from builders.synthetic import draw_scene, gold_caption, plan_scene, write_captions
from builders.synthetic.files import write_lines, write_texts
from builders.synthetic.scene import Scene
from vdc.sections import SECTIONS

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "synthetic_truth.md"
RECALLS = [step / 10 for step in range(11)]
PRECISIONS = [1.0, 0.8]


def measured_accuracy(captions: Sequence[tuple[str, str, str]], folder: Path, judge: str) -> float:
    """Average accuracy of (video_id, section, caption) rows under the strict protocol."""
    path = folder / "predictions.jsonl"
    write_lines(path, ({"video_id": video, "section": name, "caption": text} for video, name, text in captions))
    run = vdc.score(path, benchmark=folder / "toy", judge=judge, out=folder / "run", overwrite=True)
    return float(run.report["average"]["accuracy"])


def gold_captions(scenes: Sequence[Scene], shift: int) -> list[tuple[str, str, str]]:
    """Gold captions, each handed in for the video ``shift`` places before its own."""
    plans = [plan_scene(scene) for scene in scenes]
    owners = [(place + shift) % len(scenes) for place in range(len(scenes))]
    return [
        (scene.video_id, section, gold_caption(scenes[owner], plans[owner][section]))
        for scene, owner in zip(scenes, owners, strict=True)
        for section in SECTIONS
    ]


def measure(judge: str, videos: int, seed: int) -> dict[str, Any]:
    """All figures for one judge."""
    scenes = [draw_scene(seed, index) for index in range(videos)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = {"seed": seed, "videos": videos, "size": 224, "seconds": 4.0, "fps": 12, "predictions": {}}
        write_texts(folder / "toy", scenes, record)
        ladder = []
        for precision in PRECISIONS:
            for recall in RECALLS:
                written = write_captions(scenes, recall, precision, seed)
                rows = [(row.video_id, row.section, row.caption) for row in written.predictions]
                found = measured_accuracy(rows, folder, judge)
                known = written.accuracy()
                ladder.append({"recall": recall, "precision": precision, "known": known, "measured": found})
        return {
            "judge": judge,
            "videos": videos,
            "gold": measured_accuracy(gold_captions(scenes, 0), folder, judge),
            "other_videos": measured_accuracy(gold_captions(scenes, 1), folder, judge),
            "rank_correlation": {
                str(precision): _rank_correlation([row for row in ladder if row["precision"] == precision])
                for precision in PRECISIONS
            },
            "largest_difference": max(abs(row["known"] - row["measured"]) for row in ladder),
            "ladder": ladder,
        }


def _rank_correlation(rows: Sequence[dict[str, float]]) -> float:
    return float(spearmanr([row["recall"] for row in rows], [row["measured"] for row in rows]).statistic)


def page(results: Sequence[dict[str, Any]]) -> str:
    """The tables for the docs."""
    what = (
        f"{results[0]['videos']} synthetic videos, five sections; captions of known recall and precision, scored end "
        "to end (strict protocol, average of the sections). Made by `python benchmarks/synthetic_truth.py --write`."
    )
    lines = [
        "# Known against measured accuracy",
        "",
        what,
        "",
        "![Known against measured accuracy](synthetic_truth.png)",
    ]
    for found in results:
        ranks = ", ".join(f"{value:.3f} at precision {name}" for name, value in found["rank_correlation"].items())
        summary = (
            f"Gold captions {100 * found['gold']:.1f} %, captions of other videos {100 * found['other_videos']:.1f} %. "
            f"Rank correlation of recall and measured accuracy: {ranks}. "
            f"Largest difference from the truth: {100 * found['largest_difference']:.2f} points."
        )
        lines += [
            "",
            f"## Judge `{found['judge']}`",
            "",
            summary,
            "",
            "| recall | precision | known accuracy, % | measured accuracy, % |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {row['recall']:.1f} | {row['precision']:.1f} | {100 * row['known']:.2f} | {100 * row['measured']:.2f} |"
            for row in found["ladder"]
        ]
    return "\n".join(lines) + "\n"


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Known accuracy along, measured accuracy up, a line where they agree."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color="0.7", linewidth=1, label="measured = known")
    markers = iter("os^vDP")
    for found in results:
        for precision in PRECISIONS:
            rows = [row for row in found["ladder"] if row["precision"] == precision]
            known, measured = ([100 * row[key] for row in rows] for key in ("known", "measured"))
            axes.plot(known, measured, next(markers, "o"), label=f"{found['judge']}, precision {precision:g}")
    axes.set(xlabel="known accuracy, %", ylabel="measured accuracy, %", aspect="equal")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Measure and print JSON; write page and plot where asked."""
    parser = argparse.ArgumentParser(description="Known against measured accuracy of captions of known quality.")
    parser.add_argument("--videos", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge", action="append", help="judge kind, repeatable; default lexical")
    parser.add_argument("--write", action="store_true", help="replace docs/benchmarks/synthetic_truth.md and its plot")
    arguments = parser.parse_args()
    results = [measure(judge, arguments.videos, arguments.seed) for judge in arguments.judge or ["lexical"]]
    print(json.dumps(results, indent=2))
    if arguments.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(results), encoding="utf-8")
        plot(results, PAGE.with_suffix(".png"))


if __name__ == "__main__":
    main()
