"""Full and clean: the same verdicts over all questions, and over those that an audit's clean list keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from vdc.benchmark.clean import CleanList, apply_clean_list, bundled_clean_list, load_clean_list
from vdc.benchmark.model import Benchmark
from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import read_bytes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

QuestionSet = Literal["full", "clean"]
QUESTION_SETS: Final[tuple[QuestionSet, ...]] = get_args(QuestionSet)

CLEAN_LIST: Final = "clean.json"
"""Copy of the clean list in a run folder, so that its report can be made again."""


@dataclass(frozen=True)
class QuestionSets:
    """Which questions make the headline, and what the other set is.

    Args:
        headline: ``full`` or ``clean``.
        clean: The clean list, None where there is none for this benchmark; then there is nothing to compare.
        content: The list's file as it was read, for the copy in the run folder.
    """

    headline: QuestionSet = "full"
    clean: CleanList | None = None
    content: bytes = b""

    def identity(self) -> dict[str, Any]:
        """The part of the run's id that the choice of questions decides."""
        return {"headline": self.headline, "clean": self.clean.sha256 if self.clean else None}

    def facts(self) -> dict[str, Any]:
        """The run record's ``questions``."""
        listed = {"version": self.clean.version, "sha256": self.clean.sha256} if self.clean else None
        return {"headline": self.headline, "clean_list": listed}


def choose_questions(benchmark: Benchmark, questions: str = "full", clean_list: Path | None = None) -> QuestionSets:
    """The question sets of a run: the list given, else the bundled one if it was made for these questions.

    Args:
        benchmark: Whole, as loaded.
        questions: ``full`` or ``clean``.
        clean_list: As ``vdc audit --out`` writes it.

    Raises:
        InputError: No such set, ``clean`` without a list, or a list made for other questions.
    """
    if questions not in QUESTION_SETS:
        raise InputError(unknown_name("question set", questions, QUESTION_SETS))
    headline: QuestionSet = questions
    path = clean_list or bundled_clean_list(benchmark)
    if path is None:
        if headline == "clean":
            found = f"--questions clean for {benchmark.name}, which has no bundled clean list"
            do_next = "make one with vdc audit BENCHMARK --out clean.json and give it with --clean-list"
            raise InputError(Problem(found, "a clean list", do_next))
        return QuestionSets()
    clean = load_clean_list(path)
    apply_clean_list(benchmark, clean)
    return QuestionSets(headline, clean, read_bytes(path).data)


def read_question_sets(folder: Path, record: Mapping[str, Any]) -> QuestionSets:
    """The question sets of a run folder, from its record and its copy of the clean list."""
    chosen = record.get("questions") or {}
    if not chosen.get("clean_list"):
        return QuestionSets()
    path = folder / CLEAN_LIST
    return QuestionSets(cast("QuestionSet", chosen["headline"]), load_clean_list(path), read_bytes(path).data)


def kept_rows(verdicts: pd.DataFrame, clean: CleanList) -> NDArray[np.bool_]:
    """(rows,) whether the clean list keeps the question of each row."""
    import numpy as np

    nothing: dict[int, str] = {}
    columns = (verdicts[name].tolist() for name in ("video_id", "section", "question_index"))
    return np.fromiter(
        (
            index not in clean.removed.get((video, section), nothing)
            for video, section, index in zip(*columns, strict=True)
        ),
        dtype=bool,
        count=len(verdicts),
    )
