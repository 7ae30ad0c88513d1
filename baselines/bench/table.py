"""The table of ``vdc bench tokens``: as JSON, as text, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vdc.errors import InputError, Problem, unknown_name
from vdc.textio import read_json

if TYPE_CHECKING:
    from baselines.bench.measure import Measurement

HEADINGS: Final = (
    "reduction",
    "visual tokens",
    "per frame",
    "GFLOPs",
    "of none",
    "encode ms",
    "prefill ms",
    "peak MB",
    "accuracy",
    "score",
)


@dataclass(frozen=True, slots=True)
class TokenTable:
    """All measurements of one run.

    Args:
        shape: Name of the shape.
        frames: Frames of the video.
        device: Kind of device in words, for example ``CPU, 2 threads``.
        dtype: Of weights and pixels.
        repeats: Timed runs of each; 0 where nothing was run.
        rows: In the order measured.
    """

    shape: str
    frames: int
    device: str
    dtype: str
    repeats: int
    rows: tuple[Measurement, ...]

    @property
    def circumstances(self) -> str:
        """Where and how it was measured, in words."""
        return f"{self.device}, {self.dtype}, median of {self.repeats} runs" if self.repeats else self.device

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; times in seconds, memory in bytes."""
        return {
            "schema_version": 1,
            "shape": self.shape,
            "frames": self.frames,
            "device": self.device,
            "dtype": self.dtype,
            "repeats": self.repeats,
            "rows": [
                {
                    "reduction": row.name,
                    "visual_tokens": row.visual_tokens,
                    "visual_tokens_per_frame": row.visual_tokens / self.frames,
                    "flops": {
                        "encoder": row.flops.encoder,
                        "projector": row.flops.projector,
                        "prefill": row.flops.prefill,
                        "total": row.flops.total,
                    },
                    "encode_s": row.encode_s,
                    "prefill_s": row.prefill_s,
                    "peak_bytes": row.peak_bytes,
                    "accuracy": row.accuracy,
                    "score": row.score,
                }
                for row in self.rows
            ],
        }

    def cells(self) -> list[tuple[str, ...]]:
        """The table's cells, without headings; what was not measured is ``-``."""
        whole = self.rows[0].flops.total if self.rows else 1
        return [
            (
                row.name,
                f"{row.visual_tokens:,}",
                f"{row.visual_tokens / self.frames:,.1f}",
                f"{row.flops.total / 1e9:,.1f}",
                f"{row.flops.total / whole:.2f}",
                _milliseconds(row.encode_s),
                _milliseconds(row.prefill_s),
                "-" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:,.1f}",
                "" if row.accuracy is None else f"{100 * row.accuracy:.1f} %",
                "" if row.score is None else f"{row.score:.2f}",
            )
            for row in self.rows
        ]

    def to_text(self) -> str:
        """For a terminal."""
        lines = [HEADINGS, *self.cells()]
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
        shown = [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        title = f"shape {self.shape}, {self.frames} frames, {self.circumstances}"
        return "\n".join([title, "", *shown])

    def to_markdown(self) -> str:
        """As a table of a page."""
        lines = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *self.cells()]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def read_scores(runs: Mapping[str, Path], names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Average accuracy and score of scored runs.

    Args:
        runs: Name of a reduction -> run folder of ``vdc score``.
        names: Reductions there are.

    Raises:
        InputError: Unknown names, and folders without a report or an average; all of them.
    """
    problems: list[Problem] = []
    scores: dict[str, tuple[float, float]] = {}
    for name, folder in runs.items():
        if name not in names:
            problems.append(unknown_name("reduction", name, names, "--score"))
            continue
        try:
            report = read_json(folder / "report.json", problems)
        except InputError as error:
            problems.extend(error.problems)
            continue
        average = report.get("average") if isinstance(report, dict) else None
        if isinstance(average, dict) and average.get("accuracy") is not None:
            scores[name] = (float(average["accuracy"]), float(average["score"]))
        elif report is not None:
            problems.append(
                Problem("a report without an average", "a run over all five sections", "score all five", str(folder))
            )
    if problems:
        raise InputError(problems)
    return scores


def add_scores(table: TokenTable, scores: Mapping[str, tuple[float, float]]) -> TokenTable:
    """The table with accuracy and score beside the reductions they belong to."""
    rows = [
        replace(row, accuracy=scores[row.name][0], score=scores[row.name][1]) if row.name in scores else row
        for row in table.rows
    ]
    return replace(table, rows=tuple(rows))


def parse_scores(given: Sequence[str]) -> dict[str, Path]:
    """``NAME=RUN`` pairs.

    Raises:
        InputError: One is none.
    """
    wrong = [text for text in given if not all(text.partition("=")[::2])]
    if wrong:
        raise InputError(
            [
                Problem(f"--score {text!r}", "--score 'merging 0.2=RUN'", "name a reduction and a folder")
                for text in wrong
            ]
        )
    return {name: Path(run) for name, _, run in (text.partition("=") for text in given)}


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:,.1f}"
