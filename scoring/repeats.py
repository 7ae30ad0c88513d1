"""How far repeated judgements of the same captions lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scoring.protocols.rules import apply_protocols
from scoring.protocols.table import VerdictArrays
from vdc.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd


def summarise_repeats(tables: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """Headline numbers of every repetition with their spread, and how often single verdicts differ.

    Args:
        tables: Verdict tables of the same questions in the same order, at least two.

    Returns:
        ``count``; per metric ``values`` and ``standard_deviation`` (sample, n - 1), over the sections' mean;
        ``verdicts_that_differ``: share of the questions judged in every repetition whose match is not always the same.
    """
    if len(tables) < 2:
        raise InputError(Problem(f"{len(tables)} repetition", "two or more", "raise --repeats"))
    strict = [apply_protocols(VerdictArrays.from_frame(table))["strict"] for table in tables]
    failed = [bool((table["status"] == "failed").any()) for table in tables]
    summary: dict[str, Any] = {"count": len(tables)}
    for metric in ("accuracy", "score"):
        values = []
        for result, has_failed in zip(strict, failed, strict=True):
            means = [section.mean(metric) for section in result.sections.values()]
            known = [mean for mean in means if mean is not None]
            values.append(statistics.fmean(known) if known and not has_failed else None)
        spread = statistics.stdev(value for value in values if value is not None) if None not in values else None
        summary[metric] = {"values": values, "standard_deviation": spread}
    judged = [table["status"] == "judged" for table in tables]
    everywhere = judged[0].to_numpy().copy()
    for mask in judged[1:]:
        everywhere &= mask.to_numpy()
    matches = [table.loc[everywhere, "match"].astype(bool).to_numpy() for table in tables]
    agree = np.logical_and.reduce([match == matches[0] for match in matches[1:]])
    summary["verdicts_that_differ"] = float(1 - agree.mean()) if agree.size else None
    return summary
