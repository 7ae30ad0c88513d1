"""A small benchmark in the published layout, captions for it, judges that answer by rule, and whole runs on them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scoring.run_folder import Run
from scoring.score import score
from vdc.llm.fake_http import Response
from vdc.llm.fake_server import FakeServer, default_reply
from vdc.sections import SECTIONS

VIDEOS = 3
QUESTIONS = 2
YES = '{"pred": "yes", "score": 5}'
NO = '{"pred": "no", "score": 0}'

VOLATILE = ("calls", "elapsed_s", "started")
"""Parts of a report that say how the run went, not what came of it."""

_QUESTION = re.compile(r"<question>\n(.*?)\n</question>", re.DOTALL)


def question(video: str, section: str, index: int) -> str:
    return f"What is fact {index} of {video} in {section}?"


def write_benchmark(
    folder: Path,
    videos: int = VIDEOS,
    questions: int = QUESTIONS,
    sections: Collection[str] = SECTIONS,
    without: Collection[tuple[str, str]] = (),
) -> Path:
    """A folder of section files with videos ``v0``, ``v1``, ...; ``without`` names (video, section) to leave out."""
    folder.mkdir(parents=True, exist_ok=True)
    for section in sections:
        lines = []
        for video in (f"v{number}" for number in range(videos)):
            if (video, section) not in without:
                facts = [
                    {"question": question(video, section, index), "answer": f"fact {index}", "category": "facts"}
                    for index in range(questions)
                ]
                lines.append(json.dumps({video: facts}) + "\n")
        (folder / f"{section}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def write_predictions(
    path: Path,
    videos: int = VIDEOS,
    sections: Collection[str] = SECTIONS,
    captions: Mapping[tuple[str, str], str | None] | None = None,
) -> Path:
    """Captions for every video and section, but for those that ``captions`` gives otherwise; None leaves one out."""
    given = dict(captions or {})
    with path.open("w", encoding="utf-8") as file:
        for section in sections:
            for video in (f"v{number}" for number in range(videos)):
                caption = given.get((video, section), f"The {section} of {video} shows fact 0 and fact 1.")
                if caption is not None:
                    file.write(json.dumps({"video_id": video, "section": section, "caption": caption}) + "\n")
    return path


@dataclass(frozen=True)
class World:
    """A benchmark folder, a file of captions, and where runs go."""

    folder: Path
    benchmark: Path
    predictions: Path

    def judged(self, server: FakeServer, out: str | Path = "run", **choices: Any) -> Run:
        """A run on the server."""
        choices = {"judge": "openai", "model": "fake", "base_url": server.base_url, **choices}
        return self.scored(out, **choices)

    def scored(self, out: str | Path | None = "run", **choices: Any) -> Run:
        """A run with any judge; ``out`` is below the world's folder."""
        choices = {"benchmark": self.benchmark, "out": None if out is None else self.folder / out, **choices}
        return score(choices.pop("predictions", self.predictions), **choices)

    def command(self, server: FakeServer, out: str = "run", *more: str) -> list[str]:
        """The arguments of ``vdc`` for the same."""
        where = ["--benchmark", str(self.benchmark), "--out", str(self.folder / out)]
        judge = ["--base-url", server.base_url, "--model", "fake"]
        return ["score", str(self.predictions), *where, *judge, *more]


def make_world(folder: Path, **changes: Any) -> World:
    """Benchmark and captions of the same videos and sections."""
    common = {name: changes.pop(name) for name in ("videos", "sections") if name in changes}
    captions = changes.pop("captions", None)
    benchmark = write_benchmark(folder / "benchmark", **common, **changes)
    return World(folder, benchmark, write_predictions(folder / "captions.jsonl", **common, captions=captions))


def step_of(body: Mapping[str, Any]) -> str:
    """``answer``, ``match`` or ``retry``."""
    text = body["messages"][-1]["content"]
    if "<caption>" in text:
        return "answer"
    return "retry" if "earlier reply" in text else "match"


def question_of(body: Mapping[str, Any]) -> str:
    found = _QUESTION.search(body["messages"][-1]["content"])
    assert found is not None
    return found.group(1)


def verdicts_by(rule: Callable[[str, str], str]) -> Callable[[dict[str, Any]], str]:
    """A judge that answers ``something`` and gives the verdict ``rule(question, step)``."""

    def reply(body: dict[str, Any]) -> str:
        step = step_of(body)
        return "something" if step == "answer" else rule(question_of(body), step)

    return reply


def always(text: str) -> Callable[[dict[str, Any]], str]:
    return verdicts_by(lambda _, __: text)


GOOD = always(YES)
"""A judge that always agrees."""


class PartlyBrokenServer(FakeServer):
    """Refuses, however often it is asked, every call whose body holds ``mark``."""

    def __init__(self, mark: str, status: int, reply: Callable[[dict[str, Any]], str] = default_reply) -> None:
        super().__init__(reply)
        self.mark = mark.encode()
        self.status = status
        self.refused = 0

    def handle(self, method: bytes, path: bytes, head: bytes, content: bytes) -> Response:
        if self.mark not in content:
            return super().handle(method, path, head, content)
        self.refused += 1
        return Response(self.status, b'{"error": {"message": "not this one", "code": "content_filter"}}')


def numbers(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report without what may differ between two runs of the same."""
    return {name: value for name, value in report.items() if name not in VOLATILE}


def results(report: Mapping[str, Any]) -> dict[str, Any]:
    """Only what was measured: comparable over judges of different names."""
    names = ("sections", "average", "protocols", "score_histogram", "coverage")
    return {name: report[name] for name in names}


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("what was waited for did not happen")
        time.sleep(0.005)


def exit_of(arguments: Iterable[str]) -> int:
    """Exit code of ``vdc`` with these arguments, run in this process."""
    from vdc.cli import main

    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    code = ended.value.code
    return code if isinstance(code, int) else 0
