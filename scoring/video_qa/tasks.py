"""What a judge is asked to weigh: right or wrong, or one of five qualities of a longer answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vdc.errors import InputError, Problem, unknown_name

Shape = str
"""``qa``, ``generic`` or ``consistency``: which fields the rows of a file have; see :mod:`scoring.video_qa.rows`."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing an answer is graded on.

    Args:
        name: What ``--task`` takes.
        shape: Of the files it is asked about.
        has_match: The judge also says yes or no, so that there is an accuracy.
        measures: For the report, a few words.
    """

    name: str
    shape: Shape
    has_match: bool
    measures: str


TASKS: Final[dict[str, Task]] = {
    task.name: task
    for task in (
        Task("qa", "qa", has_match=True, measures="the answer means the gold answer"),
        Task("correctness", "generic", has_match=False, measures="facts agree with the gold"),
        Task("detail", "generic", has_match=False, measures="complete and specific"),
        Task("context", "generic", has_match=False, measures="fits the whole of the video"),
        Task("temporal", "generic", has_match=False, measures="order of events"),
        Task("consistency", "consistency", has_match=False, measures="two wordings of a question, one answer"),
    )
}
"""Name -> task. ``qa`` is MSVD-QA, MSRVTT-QA and ActivityNet-QA; the others are Video-ChatGPT's dimensions."""

_SURE: Final[dict[Shape, str]] = {"qa": "qa", "consistency": "consistency"}


def choose_tasks(names: Iterable[str], shape: Shape) -> tuple[Task, ...]:
    """The tasks to grade a file on.

    Args:
        names: As given; none: the one task that files of this shape are for.
        shape: Of the file.

    Raises:
        InputError: An unknown task, one for files of another shape, or none where several fit.
    """
    given = tuple(dict.fromkeys(names)) or ((_SURE[shape],) if shape in _SURE else ())
    fitting = [task.name for task in TASKS.values() if task.shape == shape]
    if not given:
        found = "a file of Video-ChatGPT answers and no --task"
        raise InputError(
            Problem(found, f"one or more of {', '.join(fitting)}", "add --task, several times for several")
        )
    problems = [
        unknown_name("task", name, TASKS)
        if name not in TASKS
        else Problem(f"--task {name} for a file of {shape} rows", f"one of {', '.join(fitting)}", "give another file")
        for name in given
        if name not in fitting
    ]
    if problems:
        raise InputError(problems)
    return tuple(TASKS[name] for name in given)
