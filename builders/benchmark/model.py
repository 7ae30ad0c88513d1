"""The rows that the steps pass on, each as one line of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, Self

from vdc.sections import Section

StepName = Literal["sources", "clips", "frames", "captions", "questions", "audit", "review", "publish"]

DropKind = Literal["filter", "failure"]
"""``filter``: a rule left it out, as wished. ``failure``: it should have been kept, but could not be used."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something a step did not pass on.

    Args:
        key: What: a file, a clip id, a question.
        reason: Stable id.
        kind: See ``DropKind``.
        found: What was found, in words.
        do_next: What a person can do; empty for filters.
        again: The next run tries it again, because the reason may pass (network, full disk, a failing server).
    """

    key: str
    reason: str
    kind: DropKind
    found: str
    do_next: str = ""
    again: bool = False

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Dropped:
        """The inverse of :meth:`to_json`."""
        return cls(**row)


class Row:
    """A row of a manifest; ``key`` names the field that identifies it."""

    __slots__ = ()
    key_field: ClassVar[str] = "clip_id"

    @property
    def key(self) -> str:
        """What identifies the row in its manifest."""
        return str(getattr(self, self.key_field))

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_json`.

        Raises:
            TypeError: The row has other fields.
        """
        names = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        if set(row) != names:
            raise TypeError(f"fields {', '.join(sorted(row))} instead of {', '.join(sorted(names))}")
        return cls(**{name: cls.read_field(name, value) for name, value in row.items()})

    @classmethod
    def read_field(cls, name: str, value: Any) -> Any:
        """A field's value from plain JSON: lists become tuples."""
        del name
        return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class SourceVideo(Row):
    """A video as it came.

    Args:
        video_id: Made of its name, unique in the build.
        path: Relative to the build's folder.
        file_bytes, sha256: Size and content.
        licence, origin: As its source says; for an address, the address follows the origin.
        source: Number of its source in the configuration, from 0.
        name: Its name there.
    """

    key_field: ClassVar[str] = "video_id"

    video_id: str
    path: str
    file_bytes: int
    sha256: str
    licence: str
    origin: str
    source: int
    name: str


@dataclass(frozen=True, slots=True)
class Clip(Row):
    """A part of a video that will be captioned.

    Args:
        clip_id: The video's id, with a number where the video has several.
        video_id: The video it is part of.
        path: Relative to the build's folder; the video's own file where the clip is the whole of it.
        sha256: Of that file.
        start_s, end_s: Place in the video.
        duration_s: Seconds.
        frame_count: Frames in the part of the video.
        fps: Frames per second of the file at ``path``.
        width, height: Pixels, upright.
        change: Largest change of the mean pixel within half a second, 0 to 255.
        black_share: Share of black frames.
        hashes: Perceptual hashes at even distances, 16 hexadecimal digits each.
        retimed: Written anew at a constant rate because the video's rate varies.
        licence, origin: The video's.
    """

    clip_id: str
    video_id: str
    path: str
    sha256: str
    start_s: float
    end_s: float
    duration_s: float
    frame_count: int
    fps: float
    width: int
    height: int
    change: float
    black_share: float
    hashes: tuple[str, ...]
    retimed: bool
    licence: str
    origin: str


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """One picture of a clip.

    Args:
        path: JPEG file, relative to the build's folder.
        sha256: Of the file.
        time_s: Its place in the clip.
        sharpness: See :func:`builders.media.measures.sharpness`.
        instead_of_s: Place of the blurred frame it stands for; None when it is the one that was meant.
    """

    path: str
    sha256: str
    time_s: float
    sharpness: float
    instead_of_s: float | None


@dataclass(frozen=True, slots=True)
class ClipFrames(Row):
    """The key frames of a clip, in order of time."""

    clip_id: str
    frames: tuple[KeyFrame, ...]

    @classmethod
    def read_field(cls, name: str, value: Any) -> Any:
        """Frames from their JSON form."""
        return tuple(KeyFrame(**frame) for frame in value) if name == "frames" else value


@dataclass(frozen=True, slots=True)
class ClipCaptions(Row):
    """The captions of a clip: section -> text, all five."""

    clip_id: str
    captions: dict[Section, str]


@dataclass(frozen=True, slots=True)
class Item:
    """A question with its answer and a label of the closed list of its section."""

    question: str
    answer: str
    category: str


@dataclass(frozen=True, slots=True)
class ClipQuestions(Row):
    """The questions of a clip with the captions they are about: section -> questions."""

    clip_id: str
    captions: dict[Section, str]
    questions: dict[Section, tuple[Item, ...]]

    @classmethod
    def read_field(cls, name: str, value: Any) -> Any:
        """Questions from their JSON form."""
        if name == "questions":
            return {section: tuple(Item(**item) for item in row) for section, row in value.items()}
        return value

    @property
    def question_count(self) -> int:
        """Questions of all sections."""
        return sum(map(len, self.questions.values()))
