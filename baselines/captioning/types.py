"""The words of captioning: clips, jobs and their results, and the two protocols that models and engines follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, get_args

from vdc.errors import InputError, Problem
from vdc.sections import Section

if TYPE_CHECKING:
    from baselines.captioning.frame_rule import FrameRule
    from baselines.common.images import Picture, Pixels
    from baselines.llama_vid.features import Film

Prepare: TypeAlias = "Callable[[Picture], Pixels]"
"""From a picture to what a vision tower sees, ``(3, side, side)`` floats; called from several threads."""

Dtype = Literal["auto", "float32", "float16", "bfloat16"]
Quantization = Literal["4bit", "8bit"]
DTYPES: Final[tuple[Dtype, ...]] = get_args(Dtype)
QUANTIZATIONS: Final[tuple[Quantization, ...]] = get_args(Quantization)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Everything about a model that can change what it says. All of it goes into the run record.

    Args:
        model: Folder, Hub name, or name on a server.
        revision: Hub revision; None is the newest.
        frames: Frames taken from a video; with ``fps`` the most of them. None leaves it to the model.
        fps: Frames a second taken from a video; None leaves it to the model, or to ``frames`` alone where given.
        token_kept_ratio: Fraction of visual tokens to keep, 0 to 1; AuroraCap. None leaves it to the model.
        compressor: Where and how the decoder compresses visual tokens, in words that
            :func:`baselines.captioning.llavolta_model.parse_compressor` reads; LLaVolta. None leaves it to the model.
        max_new_tokens: Longest answer, tokens.
        dtype: Of the weights; ``auto`` is what the checkpoint says.
        quantize: Load in 4 or 8 bits.
        seed: Picks the wording of the instructions; sent to servers that take one. Decoding is greedy.
    """

    model: str
    revision: str | None = None
    frames: int | None = None
    fps: float | None = None
    token_kept_ratio: float | None = None
    compressor: str | None = None
    max_new_tokens: int = 512
    dtype: Dtype = "auto"
    quantize: Quantization | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Clip:
    """One video.

    Args:
        video_id: Without file extension.
        path: Its file; None where there is none.
    """

    video_id: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class CaptionJob:
    """A clip and the captions it still lacks.

    Args:
        clip: The video.
        instructions: Section and instruction, in the order of ``SECTIONS``.
    """

    clip: Clip
    instructions: tuple[tuple[Section, str], ...]

    def failed(self, problem: Problem) -> ClipCaptions:
        """The result in which every caption failed for the same reason."""
        return ClipCaptions(self.clip.video_id, {}, {section: problem for section, _ in self.instructions})


@dataclass(frozen=True, slots=True)
class ClipCaptions:
    """What came of a job: every section of it is in exactly one of the two mappings.

    Args:
        video_id: The clip.
        captions: Section -> caption.
        failures: Section -> why there is none.
    """

    video_id: str
    captions: Mapping[Section, str] = field(default_factory=dict)
    failures: Mapping[Section, Problem] = field(default_factory=dict)


class CaptionEngine(Protocol):
    """Works through jobs, wherever the model runs."""

    def facts(self) -> dict[str, Any]:
        """What identifies the model, as JSON values; no host, no path."""
        ...

    def run(self, jobs: Sequence[CaptionJob]) -> Iterator[ClipCaptions]:
        """One result per job, as soon as it is known.

        Raises:
            RunFailed: Nothing more can be captioned; results before it count.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """Pictures of one clip.

    Args:
        frames: In order of time, at least one. Either pictures, or what the model's own :class:`View` made of them.
        still: A picture and no video; some models crop the one and not the other.

    Raises:
        InputError: No frames.
    """

    frames: Sequence[Picture] | Sequence[Pixels]
    still: bool = False

    def __post_init__(self) -> None:
        if not len(self.frames):
            raise InputError(Problem("no frames", "one frame or more", "give a video or a picture"))


Media: TypeAlias = "Footage | Film"
"""What a model can be shown: pictures, or the stored features of a film (LLaMA-VID)."""


@dataclass(frozen=True, slots=True)
class View:
    """How a model wants a clip to be read.

    Args:
        rule: Which frames of a video.
        frame: What it makes of each, done while later frames decode, so that only that is kept in memory; None keeps
            the picture.
    """

    rule: FrameRule
    frame: Prepare | None = None


@dataclass(frozen=True, slots=True)
class ClipQuestions:
    """What a model is asked about one clip.

    Args:
        media: What it is shown.
        questions: Independent of each other.
    """

    media: Media
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange of a conversation; ``answer`` is None where it is still to come."""

    question: str
    answer: str | None = None


class ChatModel(Protocol):
    """A model that can be talked to about one clip."""

    @property
    def view(self) -> View:
        """How it wants clips to be read."""
        ...

    def stream(self, media: Media, turns: Sequence[Turn]) -> Iterator[str]:
        """The answer to the last turn in pieces; one piece where the model cannot stream.

        Raises:
            InputError: It cannot be shown such media.
        """
        ...


class ClipModel(ChatModel, Protocol):
    """A model in this process."""

    def facts(self) -> dict[str, Any]:
        """As :meth:`CaptionEngine.facts`."""
        ...

    def answer(self, clips: Sequence[ClipQuestions]) -> list[list[str]]:
        """For each clip the answers to its questions, greedily decoded."""
        ...
