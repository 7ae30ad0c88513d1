"""The configuration file of a build: YAML or TOML, checked as a whole before anything starts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import read_bytes, show_path

MAX_CONFIG_BYTES: Final = 1 << 20

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]
Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Source(_Part):
    """What every source must say, because a benchmark without it cannot be published.

    Args:
        licence: Of the videos, for example ``CC-BY-4.0``.
        origin: Where they come from, in words or as an address.
    """

    licence: Text
    origin: Text


class FolderSource(_Source):
    """Videos in a folder, looked for in all folders below it too."""

    kind: Literal["folder"]
    path: Text


class ArchiveSource(_Source):
    """Videos in a tar or zip file."""

    kind: Literal["archive"]
    path: Text
    max_bytes: Annotated[int, Field(gt=0)] = 1 << 40


class UrlSource(_Source):
    """Videos behind addresses (http, https, file): a list, or a file with one per line."""

    kind: Literal["urls"]
    path: str | None = None
    urls: tuple[str, ...] = ()
    max_bytes: Annotated[int, Field(gt=0)] = 4 << 30
    timeout_s: Annotated[float, Field(gt=0)] = 60.0

    @model_validator(mode="after")
    def _one_of_both(self) -> UrlSource:
        if (self.path is None) == (not self.urls):
            raise ValueError("either path (a file with one address per line) or urls (a list), not both")
        return self


class HubSource(_Source):
    """Videos of a set on the Hub, at a revision that cannot move."""

    kind: Literal["hub"]
    name: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    files: tuple[str, ...] = ("*.mp4",)


Source = Annotated[FolderSource | ArchiveSource | UrlSource | HubSource, Field(discriminator="kind")]


class ClipSettings(_Part):
    """Which parts of the videos become clips. A video shorter than ``min_s`` gives none.

    Args:
        min_s, max_s: Length of a clip, seconds; a longer scene is divided evenly.
        min_side: Shorter side of the picture, pixels.
        max_per_video: Most clips of one video, the first ones.
        scene_threshold: Of PySceneDetect's content detector, 0 to 255; lower finds more cuts.
        black_luma, black_share: A frame is black below this mean luma (0 to 255); a clip with a larger share of black
            frames is dropped.
        static_change: A clip in which no half second changes the mean pixel by more than this (0 to 255) is dropped.
        duplicate_bits: Clips whose hashes differ by at most this many of 64 bits count as one.
        variable_rate: ``convert`` writes such a video anew at its mean rate, ``drop`` leaves it out as a failure.
    """

    min_s: Annotated[float, Field(gt=0)] = 3.0
    max_s: Annotated[float, Field(gt=0)] = 60.0
    min_side: Annotated[int, Field(ge=2)] = 224
    max_per_video: Annotated[int, Field(ge=1)] = 5
    scene_threshold: Annotated[float, Field(gt=0, le=255)] = 27.0
    black_luma: Annotated[float, Field(ge=0, le=255)] = 20.0
    black_share: Share = 0.5
    static_change: Annotated[float, Field(ge=0, le=255)] = 1.0
    duplicate_bits: Annotated[float, Field(ge=0, le=64)] = 6.0
    variable_rate: Literal["convert", "drop"] = "convert"

    @model_validator(mode="after")
    def _ordered(self) -> ClipSettings:
        if self.max_s < 2 * self.min_s:
            raise ValueError("max_s of at least twice min_s, so that a scene can be divided")
        return self


class FrameSettings(_Part):
    """Key frames that the captioner sees.

    Args:
        count: Most frames per clip.
        per_second: Frames per second of clip, up to ``count``; at least two.
        search_s: How far from its place a blurred frame may be replaced.
        blur_ratio: A frame less than this share as sharp as the sharpest around it counts as blurred.
        longest_side: Pixels.
        jpeg_quality: 1 to 95.
    """

    count: Annotated[int, Field(ge=1, le=100)] = 10
    per_second: Annotated[float, Field(gt=0)] = 2.0
    search_s: Annotated[float, Field(ge=0)] = 0.25
    blur_ratio: Share = 0.6
    longest_side: Annotated[int, Field(ge=16)] = 768
    jpeg_quality: Annotated[int, Field(ge=1, le=95)] = 88


class ModelSettings(_Part):
    """The server that captions and asks. Address and model may also come from a flag or the environment.

    Args:
        base_url, model, revision: As in ``vdc score``; the key comes from the environment alone.
        temperature, seed, max_tokens: Sampling of the first attempt.
        concurrency, timeout_s, attempts, give_up_s: See ``vdc.llm.runner.RunnerConfig``.
    """

    base_url: str | None = None
    model: str | None = None
    revision: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    seed: int | None = 0
    max_tokens: Annotated[int, Field(ge=16)] = 2048
    concurrency: Annotated[int, Field(ge=1)] = 16
    timeout_s: Annotated[float, Field(gt=0)] = 300.0
    attempts: Annotated[int, Field(ge=1)] = 10
    give_up_s: Annotated[float, Field(gt=0)] = 60.0


class CaptionSettings(_Part):
    """The five captions of a clip.

    Args:
        prompts: Name of a prompt set, or a TOML file.
        attempts: How often an unusable caption (empty, cut, a refusal) is drawn.
    """

    prompts: Text = "captions-1"
    attempts: Annotated[int, Field(ge=1, le=10)] = 3


class QuestionSettings(_Part):
    """The questions of a caption.

    Args:
        prompts: Name of a prompt set, or a TOML file.
        count: Questions wanted per caption.
        at_least: A caption with fewer good ones drops its clip.
        rounds: How often the model is asked for the questions that are missing.
        support: Share of an answer's content words that its caption must have.
        max_answer_words: Longest answer.
    """

    prompts: Text = "questions-1"
    count: Annotated[int, Field(ge=1, le=60)] = 20
    at_least: Annotated[int, Field(ge=1)] = 5
    rounds: Annotated[int, Field(ge=1, le=10)] = 4
    support: Share = 1.0
    max_answer_words: Annotated[int, Field(ge=1)] = 12

    @model_validator(mode="after")
    def _ordered(self) -> QuestionSettings:
        if self.at_least > self.count:
            raise ValueError("at_least of at most count")
        return self


class AuditSettings(_Part):
    """What becomes of the audit's findings: with ``remove`` the questions that its clean list leaves out go."""

    remove: bool = True


class ReviewSettings(_Part):
    """Whether a person must have decided on every clip before it is published."""

    required: bool = False


class PublishSettings(_Part):
    """What is published, and where.

    Args:
        videos: Whether the clips themselves go with it.
        licence: Of the captions and questions, as an id of the Hub's cards.
        language: Of the texts.
        repo: ``owner/name`` on the Hub for ``--push``.
        private: Whether a repository that is made is private.
    """

    videos: bool = True
    licence: Text = "cc-by-4.0"
    language: Text = "en"
    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    private: bool = True


class BuildConfig(_Part):
    """A whole configuration.

    Args:
        name: Of the benchmark.
        out: Folder of the build, relative to the configuration file.
        sources: Where videos come from, at least one.
    """

    name: Name
    out: Text = "build"
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    clips: ClipSettings = ClipSettings()
    frames: FrameSettings = FrameSettings()
    model: ModelSettings = ModelSettings()
    captions: CaptionSettings = CaptionSettings()
    questions: QuestionSettings = QuestionSettings()
    audit: AuditSettings = AuditSettings()
    review: ReviewSettings = ReviewSettings()
    publish: PublishSettings = PublishSettings()

    @field_validator("sources", mode="before")
    @classmethod
    def _not_one_mapping(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value


class ConfigFile:
    """A configuration and where it was read from.

    Args:
        config: The checked configuration.
        path: The file; paths in it are relative to its folder.
    """

    def __init__(self, config: BuildConfig, path: Path) -> None:
        self.config = config
        self.path = path

    def resolve(self, name: str) -> Path:
        """A path of the configuration."""
        return self.path.parent / Path(name).expanduser()


def read_config(path: Path) -> ConfigFile:
    """Read and check a configuration file.

    Args:
        path: ``.yaml``, ``.yml`` or ``.toml``.

    Raises:
        InputError: Not readable, not YAML or TOML, or values that do not fit; lists all of them by their keys.
    """
    content = read_bytes(path, max_bytes=MAX_CONFIG_BYTES)
    shown = show_path(path)
    table = _parse(path, content.data, shown)
    try:
        config = BuildConfig.model_validate(table)
    except ValidationError as error:
        problems = [_problem(dict(fault), shown) for fault in error.errors(include_url=False)]
        raise InputError(problems) from error
    return ConfigFile(config, path)


def _parse(path: Path, data: bytes, shown: str) -> dict[str, Any]:
    kind = path.suffix.lower()
    if kind not in (".yaml", ".yml", ".toml"):
        raise InputError(Problem(f"a file ending in {kind!r}", ".yaml, .yml or .toml", "rename it", shown))
    try:
        if kind == ".toml":
            table: Any = tomllib.loads(data.decode("utf-8-sig"))
        else:
            import yaml  # type: ignore[import-untyped,unused-ignore]

            try:
                table = yaml.safe_load(data)
            except (yaml.YAMLError, RecursionError) as error:
                words = " ".join(str(error).split())[:300]
                raise InputError(Problem(f"no valid YAML ({words})", "YAML", "correct it there", shown)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"no valid TOML ({error})", "TOML", "correct it there", shown)) from error
    if not isinstance(table, dict):
        found = "an empty file" if table is None else f"a {type(table).__name__}"
        raise InputError(Problem(found, "keys such as name and sources", "see examples/build_benchmark.yaml", shown))
    return table


def _problem(fault: dict[str, Any], shown: str) -> Problem:
    place = [str(part) for part in fault["loc"] if part not in ("folder", "archive", "urls", "hub")]
    if fault["loc"] and fault["loc"][-1] == "urls":
        place.append("urls")
    where = f"{shown}: {'.'.join(place)}" if place else shown
    value, kind, context = fault.get("input"), fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return Problem("nothing", "a value", f"add {place[-1]}", where)
    if kind == "extra_forbidden":
        known = _keys_at(fault["loc"][:-1])
        return unknown_name("key", place[-1], known, where)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        given = context.get("tag", "nothing")
        return unknown_name("kind", given, ["folder", "archive", "urls", "hub"], where)
    expected = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return Problem(repr(value)[:80] if not isinstance(value, dict) else "these values", expected, "correct it", where)


def _keys_at(loc: tuple[Any, ...]) -> list[str]:
    kinds: dict[str, type[BaseModel]] = {
        "folder": FolderSource,
        "archive": ArchiveSource,
        "urls": UrlSource,
        "hub": HubSource,
    }
    if not loc:
        return list(BuildConfig.model_fields)
    if loc[0] == "sources" and len(loc) > 2:
        return list(kinds[str(loc[2])].model_fields)
    part = BuildConfig.model_fields[str(loc[0])].annotation
    return list(part.model_fields) if isinstance(part, type) and issubclass(part, BaseModel) else []
