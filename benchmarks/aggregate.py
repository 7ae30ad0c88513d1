"""Time from verdicts to report: all protocols with bootstrap intervals, against a plain loop over videos.

    python benchmarks/aggregate.py [--write]

The verdicts are synthetic and of the published benchmark's size: 96,825 questions over 1,027 videos and five sections.
The loop groups the same verdicts in dictionaries and draws videos one by one; it does one protocol with a few draws,
and its time for five protocols and all draws is what those parts come to. ``--write`` replaces the table in
docs/benchmarks/aggregate.md.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from scoring.protocols.rules import PROTOCOLS
from scoring.report.build import build_report
from scoring.report.facts import RunFacts
from vdc.sections import SECTIONS

Made = TypeVar("Made")

VIDEOS, QUESTIONS, RESAMPLES, LOOP_RESAMPLES = 1_027, 96_825, 2_000, 20
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "aggregate.md"
FACTS = RunFacts("benchmark", {"kind": "synthetic", "comparable": False}, {"name": "none"}, {"name": "synthetic"})


def synthetic_verdicts(distinct_texts: bool, seed: int = 0) -> pd.DataFrame:
    """Verdicts of the published size.

    Args:
        distinct_texts: Every judge text is another (a judge that explains itself), so that none is read only once.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    pairs = VIDEOS * len(SECTIONS)
    lengths = np.full(pairs, QUESTIONS // pairs)
    lengths[: QUESTIONS - lengths.sum()] += 1
    pair = np.repeat(np.arange(pairs), lengths)
    index = np.arange(QUESTIONS) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    match = rng.random(QUESTIONS) < np.repeat(rng.beta(3, 5, pairs), lengths)
    score = np.where(match, rng.integers(3, 6, QUESTIONS), rng.integers(0, 3, QUESTIONS))
    status = np.where(rng.random(QUESTIONS) < 0.003, "unparsed", "judged")
    judged = status == "judged"
    why = [f", 'why': 'reason {number}'" if distinct_texts else "" for number in range(QUESTIONS)]
    texts = [
        f"{{'pred': '{'yes' if hit else 'no'}', 'score': {points}{reason}}}" if known else "I cannot say."
        for hit, points, known, reason in zip(match, score, judged, why, strict=True)
    ]
    return pd.DataFrame(
        {
            "video_id": pd.array([f"video-{number % VIDEOS:04d}" for number in pair], dtype="string"),
            "section": pd.array([SECTIONS[number // VIDEOS] for number in pair], dtype="string"),
            "question_index": index,
            "match": pd.Series(match).astype("boolean").where(judged),
            "score": pd.Series(score).astype("Float64").where(judged),
            "status": pd.array(status.astype(object), dtype="string"),
            "raw": pd.array(texts, dtype="string"),
            "suspicious": pd.array([""] * QUESTIONS, dtype="string"),
        }
    )


def loop_means(verdicts: pd.DataFrame) -> dict[str, dict[str, tuple[float, float]]]:
    """Strict by a plain loop: section -> video -> (accuracy, score); reads every judge text by itself."""
    grouped: dict[tuple[str, str], list[tuple[bool, float]]] = defaultdict(list)
    for row in verdicts.itertuples(index=False):
        try:
            fields = ast.literal_eval(str(row.raw))
            grouped[str(row.section), str(row.video_id)].append((fields["pred"] == "yes", float(fields["score"])))
        except (SyntaxError, ValueError):
            grouped[str(row.section), str(row.video_id)].append((False, 0.0))
    means: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for (section, video), rows in grouped.items():
        means[section][video] = (sum(hit for hit, _ in rows) / len(rows), sum(score for _, score in rows) / len(rows))
    return means


def loop_draws(means: dict[str, dict[str, tuple[float, float]]], draws: int, seed: int = 0) -> list[float]:
    """Average accuracies of drawn videos, by a plain loop; scores are added up beside them, as a report needs both."""
    drawn = random.Random(seed)
    videos = sorted(next(iter(means.values())))
    averages = []
    for _ in range(draws):
        chosen = drawn.choices(videos, k=len(videos))
        section_means = []
        for by_video in means.values():
            accuracy = score = 0.0
            for video in chosen:
                accuracy += by_video[video][0]
                score += by_video[video][1]
            section_means.append(accuracy / len(chosen))
        averages.append(sum(section_means) / len(section_means))
    return averages


def timed(make: Callable[[], Made]) -> tuple[Made, float]:
    """What ``make`` returns, and its seconds."""
    start = time.perf_counter()
    made = make()
    return made, time.perf_counter() - start


def measure() -> dict[str, Any]:
    """Best of three for the report, one run of the loop; both on the same verdicts."""
    found: dict[str, Any] = {"questions": QUESTIONS, "videos": VIDEOS, "resamples": RESAMPLES}
    for name, distinct in (("few_texts", False), ("distinct_texts", True)):
        verdicts = synthetic_verdicts(distinct)
        runs = [timed(partial(build_report, verdicts, FACTS, resamples=RESAMPLES)) for _ in range(3)]
        report = runs[0][0]
        means, loop_s = timed(partial(loop_means, verdicts))
        _, draws_s = timed(partial(loop_draws, means, LOOP_RESAMPLES))
        looped = [np.mean([pair[0] for pair in by_video.values()]) for by_video in means.values()]
        if abs(float(np.mean(looped)) - report["average"]["accuracy"]) > 1e-9:
            raise SystemExit("the loop and the report do not agree on the average")
        report_s = min(seconds for _, seconds in runs)
        whole_loop_s = len(PROTOCOLS) * (loop_s + draws_s * RESAMPLES / LOOP_RESAMPLES)
        found[name] = {"report_s": report_s, "loop_s": whole_loop_s, "ratio": whole_loop_s / report_s}
    return found


def page(found: dict[str, Any]) -> str:
    """The table for the docs."""
    what = (
        f"{found['questions']:,} verdicts of {found['videos']:,} videos in five sections, five protocols, "
        f"{found['resamples']:,} bootstrap draws of whole videos: all numbers of `report.json`. Goal: under 5 seconds. "
        "Made by `python benchmarks/aggregate.py --write`."
    )
    how = (
        f"The loop's time is measured for one protocol and {LOOP_RESAMPLES} draws in the same run, and multiplied up. "
        "Seconds depend on the machine; the ratio much less."
    )
    lines = [
        "# Aggregating verdicts",
        "",
        what,
        "",
        "| judge texts | report, s | plain loop, s | ratio |",
        "| --- | --- | --- | --- |",
    ]
    for name, words in (("few_texts", "a few distinct ones"), ("distinct_texts", "every one different")):
        row = found[name]
        lines.append(f"| {words} | {row['report_s']:.2f} | {row['loop_s']:.0f} | {row['ratio']:.0f} |")
    return "\n".join([*lines, "", how]) + "\n"


def main() -> None:
    """Measure and print JSON; write the page where asked."""
    parser = argparse.ArgumentParser(description="Time from verdicts to report, against a plain loop over videos.")
    parser.add_argument("--write", action="store_true", help="replace docs/benchmarks/aggregate.md")
    arguments = parser.parse_args()
    found = measure()
    print(json.dumps(found, indent=2))
    if arguments.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
