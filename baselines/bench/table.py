"""The table of ``vdc bench tokens``: as JSON, as text, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vdc.errors import InputError, Problem, unknown_name
from vdc.textio import read_json

if TYPE_CHECKING:
    from baselines.bench.measure import Measurement

HEADINGS: Final = (
    "reduction",
    "paper",
    "visual tokens",
    "per frame",
    "over layers",
    "GFLOPs",
    "of none",
    "encode ms",
    "prefill ms",
    "peak MB",
    "accuracy",
    "score",
)


WORDS: Final = 2
"""Columns of both tables that hold words; the others are numbers."""

SCHEME_HEADINGS: Final = ("training scheme", "stages", "over layers", "of none", "prefill GFLOPs", "prefill ms")


@dataclass(frozen=True, slots=True)
class SchemeRow:
    """One of LLaVolta's training schemes: means over its stages, each weighted by its share of the training.

    Args:
        name: The scheme.
        stages: What each stage does, in words.
        token_layers: Visual tokens summed over the decoder layers.
        prefill_flops: Operations of the decoder.
        prefill_s: Seconds of the decoder; None where a stage was not timed.
    """

    name: str
    stages: str
    token_layers: float
    prefill_flops: float
    prefill_s: float | None


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
        schemes: Training schemes whose stages are among the rows.
    """

    shape: str
    frames: int
    device: str
    dtype: str
    repeats: int
    rows: tuple[Measurement, ...]
    schemes: tuple[SchemeRow, ...] = ()

    @property
    def circumstances(self) -> str:
        """Where and how it was measured, in words."""
        return f"{self.device}, {self.dtype}, median of {self.repeats} runs" if self.repeats else self.device

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; times in seconds, memory in bytes."""
        return {
            "schema_version": 2,
            "shape": self.shape,
            "frames": self.frames,
            "device": self.device,
            "dtype": self.dtype,
            "repeats": self.repeats,
            "rows": [
                {
                    "reduction": row.name,
                    "paper": row.model or None,
                    "visual_tokens": row.visual_tokens,
                    "visual_tokens_per_frame": row.visual_tokens / self.frames,
                    "token_layers": row.token_layers,
                    "flops": {
                        "encoder": row.flops.encoder,
                        "reader": row.flops.reader,
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
            "schemes": [asdict(row) for row in self.schemes],
        }

    def cells(self) -> list[tuple[str, ...]]:
        """The table's cells, without headings; what was not measured is ``-``."""
        whole = self.rows[0].flops.total if self.rows else 1
        return [
            (
                row.name,
                row.model,
                f"{row.visual_tokens:,}",
                f"{row.visual_tokens / self.frames:,.1f}",
                f"{row.token_layers:,}",
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

    def scheme_cells(self) -> list[tuple[str, ...]]:
        """The cells of the training schemes, without headings."""
        whole = self.rows[0].token_layers if self.rows else 1
        return [
            (
                row.name,
                row.stages,
                f"{row.token_layers:,.0f}",
                f"{row.token_layers / whole:.2f}",
                f"{row.prefill_flops / 1e9:,.1f}",
                _milliseconds(row.prefill_s),
            )
            for row in self.schemes
        ]

    def to_text(self) -> str:
        """For a terminal."""
        title = f"shape {self.shape}, {self.frames} frames, {self.circumstances}"
        lines = [title, "", *_aligned(HEADINGS, self.cells())]
        if self.schemes:
            lines += ["", *_aligned(SCHEME_HEADINGS, self.scheme_cells())]
        return "\n".join(lines)

    def to_markdown(self) -> str:
        """As a table of a page."""
        return _markdown(HEADINGS, self.cells())

    def schemes_markdown(self) -> str:
        """The training schemes as a table of a page."""
        return _markdown(SCHEME_HEADINGS, self.scheme_cells())


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


def _aligned(headings: tuple[str, ...], cells: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [headings, *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return [
        "  ".join(
            cell.ljust(width) if column < WORDS else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _markdown(headings: tuple[str, ...], cells: Sequence[tuple[str, ...]]) -> str:
    rule = ("---",) * WORDS + ("---:",) * (len(headings) - WORDS)
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, rule, *cells))


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:,.1f}"
