"""Builds small verdict tables and run folders for the tests of protocols, reports and comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scoring.report.facts import RunFacts
from scoring.report.folder import report_files, write_report
from vdc.records import write_record


@dataclass(frozen=True)
class Row:
    """What became of one question."""

    status: str
    raw: str | None = None
    match: bool | None = None
    score: float | None = None
    suspicious: str = ""
    raw_retry: str | None = None


def said(raw: str, match: bool, score: float, retry: str | None = None) -> Row:
    """A judged question with the judge's text as given and what our parser made of it."""
    return Row("judged", raw, match, score, raw_retry=retry)


def yes(score: int = 5) -> Row:
    return said(f"{{'pred': 'yes', 'score': {score}}}", True, score)


def no(score: int = 0) -> Row:
    return said(f"{{'pred': 'no', 'score': {score}}}", False, score)


def unparsed(raw: str = "I cannot say.") -> Row:
    return Row("unparsed", raw)


MISSING = Row("missing")
EMPTY = Row("empty")
FAILED = Row("failed")

Captions = Mapping[tuple[str, str], Sequence[Row]]


def frame(captions: Captions) -> pd.DataFrame:
    """(section, video) -> its questions, as a verdict table."""
    rows = [
        (video, section, index, f"question {index}?", f"gold {index}", "an answer", row)
        for (section, video), questions in captions.items()
        for index, row in enumerate(questions)
    ]
    text = pd.StringDtype("pyarrow")

    def texts(values: list[Any]) -> Any:
        return pd.array(values, dtype=text)

    return pd.DataFrame(
        {
            "video_id": texts([row[0] for row in rows]),
            "section": texts([row[1] for row in rows]),
            "question_index": [row[2] for row in rows],
            "question": texts([row[3] for row in rows]),
            "gold": texts([row[4] for row in rows]),
            "answer": texts([row[5] for row in rows]),
            "match": pd.array([row[6].match for row in rows], dtype="boolean"),
            "score": pd.array([row[6].score for row in rows], dtype="Float64"),
            "status": texts([row[6].status for row in rows]),
            "raw": texts([row[6].raw for row in rows]),
            "raw_retry": texts([row[6].raw_retry for row in rows]),
            "answer_key": texts([None for _ in rows]),
            "match_key": texts([None for _ in rows]),
            "retry_key": texts([None for _ in rows]),
            "suspicious": texts([row[6].suspicious for row in rows]),
            "error": texts(["" for _ in rows]),
        }
    )


def one_section(*videos: Sequence[Row], section: str = "short") -> pd.DataFrame:
    """A table of one section with the videos v0, v1, ..."""
    return frame({(section, f"v{number}"): rows for number, rows in enumerate(videos)})


def record(**changes: Any) -> dict[str, Any]:
    """A run record without its file hashes."""
    return {
        "run_id": "0123456789abcdef",
        "tool": {"name": "vdc-toolkit", "version": "0", "git_commit": None},
        "judge": {"kind": "openai", "model": "judge-1", "comparable": True},
        "prompts": {"name": "vdc-1", "sha256": "ab"},
        "benchmark": {"name": "toy", "revision": "r1", "files": {"short.jsonl": "cd"}, "limit": None},
        "predictions": {"path": "predictions.jsonl", "sha256": "ef", "format": "jsonl"},
        "coverage": {"captions": 3, "expected": 4, "missing": 1, "unknown": 0, "duplicates": 0},
        "calls": {"made": 10, "from_store": 2, "retries": 1, "input_tokens": 100, "output_tokens": 20},
        "seeds": {"bootstrap": 7},
        "started": "2025-01-02T03:04:05Z",
        "elapsed_s": 1.5,
        "notes": [],
        **changes,
    }


def write_run(folder: Path, verdicts: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    """A whole run folder; returns its report."""
    folder.mkdir(parents=True, exist_ok=True)
    verdicts.to_parquet(folder / "verdicts.parquet", index=False)
    content = record(**changes)
    report = write_report(folder, verdicts, RunFacts.from_record(content), resamples=200)
    write_record(folder, content, ["verdicts.parquet", *report_files()])
    return report
