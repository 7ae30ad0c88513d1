"""From raw rows to captions: the one place that decides what is wrong with a row and what may be tolerated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from vdc.benchmark.model import Benchmark
from vdc.errors import Problem, unknown_name
from vdc.predictions.model import Prediction
from vdc.predictions.rows import ABSENT, Format, PredictionFile, Row, clean_video_id, describe
from vdc.sections import SECTIONS, Section, find_section
from vdc.textio import excerpt

OLD_SCRIPT_CAP = 50
"""Entries of a log that the published script kept before June 2025."""

_REASONING = re.compile(r"</?(think|thinking|thought|reasoning)>", re.IGNORECASE)
_MERGED_ROWS = len(SECTIONS)
_MERGED_SHARE = 0.9


@dataclass(slots=True)
class Collector:
    """Takes the rows of one file.

    Args:
        file: Receives what is wrong.
        format: The file's format, for messages.
        benchmark: The videos there are; None accepts every id.
        wanted: Sections to keep; None keeps all.
        captions: What was accepted so far.
        duplicates, unknown, empty: As in :class:`vdc.predictions.model.PredictionSet`.
    """

    file: PredictionFile
    format: Format
    benchmark: Benchmark | None = None
    wanted: Collection[Section] | None = None
    captions: dict[tuple[str, Section], Prediction] = field(default_factory=dict)
    duplicates: int = 0
    unknown: int = 0
    empty: int = 0
    _rows: int = 0
    _other_sections: int = 0
    _unsaid: list[int] = field(default_factory=list)
    _renamed: int = 0
    _strangers: dict[str, list[int]] = field(default_factory=dict)
    _counts: Counter[tuple[str, Section]] = field(default_factory=Counter)
    _repeats: list[Problem] = field(default_factory=list)
    _met_known: bool = False
    _known: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.benchmark is not None:
            self._known = frozenset(self.benchmark.videos)

    def add(self, row: Row) -> None:
        """Check one row and keep its caption, unless something is wrong with it."""
        self._rows += 1
        video_id = self._video_id(row)
        section = self._section(row)
        caption = self._caption(row)
        self._met_known |= self._known is not None and video_id in self._known
        if video_id is None or section is None or caption is None:
            return
        if self.wanted is not None and section not in self.wanted:
            self._other_sections += 1
            return
        if self._known is not None and video_id not in self._known:
            self._strangers.setdefault(video_id, []).append(row.line)
            return
        key = (video_id, section)
        self._counts[key] += 1
        earlier = self.captions.get(key)
        if earlier is not None:
            self.duplicates += 1
            self._repeats.append(
                Problem(
                    f"a second caption for video {excerpt(video_id, 80)}, section {section} "
                    f"(another is on {self.format.unit} {earlier.line})",
                    "one caption per video and section",
                    f"remove {self.format.unit} {earlier.line} or {row.line}, or pass --lenient to keep the last",
                    self._where(row),
                )
            )
        self.captions[key] = Prediction(video_id, section, caption, row.line)

    def finish(self) -> None:
        """Report what only the whole file shows: unsaid sections, unknown videos, duplicates, and the known traps."""
        file = self.file
        self._report_unsaid()
        self._report_strangers()
        merged = self._merged_section()
        if file.lenient:
            file.notes.extend([merged] if merged else [])
        else:
            if merged:
                advice = "pass --lenient to keep the last caption of each video"
                file.reject(merged, "one caption per video and section", advice)
            file.problems.extend(self._repeats)
        if not self.captions and not file.problems:
            left_out = self._other_sections or self.unknown
            found = f"none among {self._rows:,} rows that could be kept" if left_out else "no captions"
            file.reject(found, "at least one caption to score", "check --section and --benchmark, or the captioner")
        self._note_counts()

    def _where(self, row: Row) -> str:
        return self.file.where(row.line, self.format.unit)

    def _reject(self, row: Row, found: str, expected: str, do_next: str) -> None:
        self.file.reject(found, expected, do_next, self._where(row))

    def _video_id(self, row: Row) -> str | None:
        wanted = f"a text under {self.format.id_key}"
        if row.video_id is ABSENT:
            self._reject(row, f"no video id among the keys {excerpt(row.keys)}", wanted, "add the video's id")
            return None
        if not isinstance(row.video_id, str):
            self._reject(row, f"a video id that is {describe(row.video_id)}", wanted, "write the id as a text")
            return None
        video_id = clean_video_id(row.video_id)
        if not video_id:
            self._reject(row, f"the video id {excerpt(row.video_id)}", wanted, "add the video's id")
            return None
        self._renamed += video_id != row.video_id
        return video_id

    def _section(self, row: Row) -> Section | None:
        if row.section is ABSENT:
            if self.file.section is None:
                self._unsaid.append(row.line)
            return self.file.section
        section = find_section(row.section)
        if section is None:
            if isinstance(row.section, str):
                self.file.problems.append(unknown_name("section", row.section[:40], SECTIONS, self._where(row)))
            else:
                expected = f"one of {', '.join(SECTIONS)}"
                self._reject(row, f"a section that is {describe(row.section)}", expected, "write its name as a text")
        return section

    def _caption(self, row: Row) -> str | None:
        wanted = f"a text under {self.format.caption_key}"
        if row.caption is ABSENT:
            self._reject(row, f"no caption among the keys {excerpt(row.keys)}", wanted, "add the caption, or leave out")
            return None
        if not isinstance(row.caption, str):
            advice = 'write "" for a caption the model left empty, or leave the video out'
            self._reject(row, f"a caption that is {describe(row.caption)}", wanted, advice)
            return None
        return row.caption

    def _report_unsaid(self) -> None:
        if not self._unsaid:
            return
        unit, path = self.format.unit, self.file.path
        names = "|".join(SECTIONS)
        if len(self._unsaid) == self._rows:
            found, where = f"{self._rows:,} captions and no word on their section", path
            self.file.reject(found, "the section of every caption", f"pass --section {names}", where)
            return
        for line in self._unsaid:
            self.file.reject(
                "a caption that does not say its section, unlike others in the file",
                f"the key section with one of {', '.join(SECTIONS)}",
                f"add it, or pass --section {names} for all captions without one",
                self.file.where(line, unit),
            )

    def _report_strangers(self) -> None:
        if not self._strangers or self._known is None or self.benchmark is None:
            return
        name = self.benchmark.name
        count = sum(len(lines) for lines in self._strangers.values())
        first = next(iter(self._strangers))
        if not self._met_known:
            self.file.reject(
                f"none of {len(self._strangers):,} video ids in benchmark {name!r}; the first is {excerpt(first, 80)}",
                f"ids such as {excerpt(next(iter(self.benchmark.videos), ''), 80)}",
                "check --benchmark, and that the ids are the benchmark's and not positions or titles",
                self.file.where(self._strangers[first][0], self.format.unit),
            )
            return
        if self.file.lenient:
            self.unknown = count
            return
        similar = {video.casefold(): video for video in self._known}
        for video_id, lines in self._strangers.items():
            close = similar.get(video_id.casefold())
            for line in lines:
                self.file.reject(
                    f"video {excerpt(video_id, 80)}, which benchmark {name!r} does not have",
                    "ids of the benchmark",
                    f"did you mean {close!r}?" if close else "correct the id, or pass --lenient to leave it out",
                    self.file.where(line, self.format.unit),
                )

    def _merged_section(self) -> str:
        """A sentence when a section holds five captions for each video; empty when none does."""
        for section in SECTIONS:
            counts = [count for (_, owner), count in self._counts.items() if owner == section]
            if counts and sum(count == _MERGED_ROWS for count in counts) >= _MERGED_SHARE * len(counts):
                return (
                    f"section {section} has {_MERGED_ROWS} captions for nearly every video: lmms-eval's tasks read the "
                    f"rows of all five sections as one split, so each video was captioned {_MERGED_ROWS} times with "
                    "this section's instruction"
                )
        return ""

    def _note_counts(self) -> None:
        note = self.file.notes.append
        captions = self.captions.values()
        if self._renamed:
            note(f"{self._renamed:,} video ids had a folder, a file extension or surrounding space, which was removed")
        if self._other_sections:
            note(f"{self._other_sections:,} captions of other sections were left out")
        if self.duplicates and self.file.lenient:
            note(f"{self.duplicates:,} captions were replaced by a later one for the same video and section")
        if self.unknown:
            note(f"{self.unknown:,} captions of videos that the benchmark does not have were left out")
        self.empty = sum(not prediction.caption.strip() for prediction in captions)
        if self.empty:
            note(f"{self.empty:,} captions are empty or blank; they are kept and their questions count as wrong")
        reasoning = sum(_REASONING.search(prediction.caption) is not None for prediction in captions)
        if reasoning:
            note(f"{reasoning:,} captions contain reasoning tags such as <think>; they are kept as they are")
        self._note_benchmark()

    def _note_benchmark(self) -> None:
        note, benchmark = self.file.notes.append, self.benchmark
        per_section = Counter(section for _, section in self.captions)
        for section in SECTIONS:
            larger = benchmark is None or len(benchmark.videos) > OLD_SCRIPT_CAP
            if per_section[section] == OLD_SCRIPT_CAP and larger:
                note(
                    f"section {section} has exactly {OLD_SCRIPT_CAP} captions: the published script kept only "
                    f"the first {OLD_SCRIPT_CAP} before June 2025; every other video counts as missing"
                )
        if benchmark is not None:
            unasked = sum(key not in benchmark.questions for key in self.captions)
            if unasked:
                note(f"{unasked:,} captions have no question in the benchmark and do not enter any number")
