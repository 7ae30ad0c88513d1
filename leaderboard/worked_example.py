"""The protocols on three videos of two questions: small enough to follow by hand, computed by the real code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from leaderboard.board_table import NO_TEXT

if TYPE_CHECKING:
    import pandas as pd

REPLIES: Final[Mapping[str, tuple[str, str]]] = {
    "A": ("{'pred': 'yes', 'score': 5}", "{'pred': 'no', 'score': 1}"),
    "B": ("{'pred': 'no', 'score': 0}", "{'pred': 'no', 'score': 0}"),
    "C": ("{'pred': 'yes', 'score': 4}", "no idea"),
}
"""Video -> what the judge said to its two questions."""


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One protocol over the example.

    Args:
        protocol: Its name.
        rule: What it does, in one sentence.
        videos: Video -> accuracy, None where the protocol does not count it.
        accuracy: Mean over the counted videos, a fraction.
        score: Likewise, 0 to 5.
        dropped: Reason -> videos that are not counted.
    """

    protocol: str
    rule: str
    videos: Mapping[str, float | None]
    accuracy: float | None
    score: float | None
    dropped: Mapping[str, int]


@cache
def worked_example() -> tuple[ExampleResult, ...]:
    """Every protocol over the example."""
    import numpy as np

    from scoring.protocols.rules import PROTOCOLS, apply_protocols

    results = []
    for name, result in apply_protocols(_verdicts()).items():
        section = result.sections["short"]
        values = {
            video: None if np.isnan(value) else float(value)
            for video, value in zip(result.videos, section.accuracy, strict=True)
        }
        results.append(
            ExampleResult(
                name, PROTOCOLS[name].summary, values, section.mean("accuracy"), section.mean("score"), section.dropped
            )
        )
    return tuple(results)


def example_table() -> pd.DataFrame:
    """The results, one line per protocol; accuracies in percent."""
    import pandas as pd

    lines = [
        {
            "Protocol": one.protocol,
            "Accuracy (%)": _percent(one.accuracy),
            "Score (0–5)": NO_TEXT if one.score is None else f"{one.score:.2f}",
            **{f"Video {video} (%)": _percent(value) for video, value in one.videos.items()},
            "Rule": one.rule,
        }
        for one in worked_example()
    ]
    return pd.DataFrame(lines)


def replies_table() -> pd.DataFrame:
    """What the judge said."""
    import pandas as pd

    return pd.DataFrame(
        [(video, *replies) for video, replies in REPLIES.items()], columns=["Video", "Question 1", "Question 2"]
    )


def _verdicts() -> pd.DataFrame:
    import pandas as pd

    from scoring.parsing import Unparsed, parse_verdict

    rows = []
    for video, replies in REPLIES.items():
        for index, raw in enumerate(replies):
            verdict = parse_verdict(raw)
            read = None if isinstance(verdict, Unparsed) else verdict
            rows.append(
                {
                    "video_id": video,
                    "section": "short",
                    "question_index": index,
                    "match": None if read is None else read.match,
                    "score": None if read is None else read.score,
                    "status": "unparsed" if read is None else "judged",
                    "raw": raw,
                }
            )
    return pd.DataFrame(rows).astype({"match": "boolean", "score": "Float64"})


def _percent(value: float | None) -> str:
    return NO_TEXT if value is None else f"{100 * value:.1f}"
