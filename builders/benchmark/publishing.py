"""Step ``publish``: the benchmark as Parquet and in the published layout, with a card, licences and checksums."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from builders.benchmark.captioning import texts_of as caption_texts
from builders.benchmark.card import CardFacts, make_card
from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.layout import caption_lines, question_lines, to_benchmark
from builders.benchmark.manifest import file_hash, read_ledger, read_rows
from builders.benchmark.model import Clip, ClipQuestions, Dropped, Row
from builders.benchmark.questioning import texts_of as question_texts
from vdc.benchmark.parquet import EXPORT_FILES, write_export
from vdc.errors import InputError, Problem, RunFailed
from vdc.fileio import show_path, write_atomic
from vdc.sections import SECTIONS

if TYPE_CHECKING:
    import datasets

VERSION: Final = 1
FOLDER: Final = "published"
CHECKSUMS: Final = "checksums.sha256"
VIDEOS_TABLE: Final = "videos.parquet"

_VIDEO_COLUMNS: Final = {
    "video_id": "string",
    "file": "string",
    "sha256": "string",
    "duration_s": "float64",
    "fps": "float64",
    "width": "int32",
    "height": "int32",
    "frame_count": "int32",
    "source_video_id": "string",
    "start_s": "float64",
    "end_s": "float64",
    "licence": "string",
    "origin": "string",
}


@dataclass(frozen=True, slots=True)
class PublishedFile(Row):
    """A file of the published folder.

    Args:
        name: Relative to that folder.
        file_bytes, sha256: Size and content.
    """

    key_field: ClassVar[str] = "name"

    name: str
    file_bytes: int
    sha256: str


class Hub(Protocol):
    """What uploading needs of ``huggingface_hub.HfApi``."""

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> Any:
        """Make the repository unless it is there."""

    def upload_folder(
        self, *, folder_path: str, repo_id: str, repo_type: str, commit_message: str, delete_patterns: list[str]
    ) -> Any:
        """Upload a folder in one commit."""


def publish_settings(context: Context) -> Settings:
    """What is published, and how the earlier steps went, which the card tells."""
    ledger = read_ledger(context.folder)
    ledger.pop("publish", None)
    settings = context.config.publish.model_dump(mode="json", exclude={"repo", "private"})
    return {**settings, "name": context.config.name, "steps": {name: asdict(row) for name, row in ledger.items()}}


def run_publish(context: Context) -> StepOutcome:
    """Write the published folder; files of an earlier one that no longer belong to it are removed."""
    rows = read_rows(context.folder, "review", ClipQuestions)
    clips = {clip.clip_id: clip for clip in read_rows(context.folder, "clips", Clip)}
    used = [clips[row.clip_id] for row in rows]
    target = context.folder / FOLDER
    dropped: list[Dropped] = []
    texts = {f"VDCScore_qa/{section}.jsonl": question_lines(rows, section) for section in SECTIONS}
    texts["VDC_1k.jsonl"] = caption_lines(rows)
    for name, text in texts.items():
        write_atomic(target / name, text)
    benchmark = to_benchmark(rows, context.config.name)
    write_export(benchmark, target)
    names = [*texts, *EXPORT_FILES, VIDEOS_TABLE, "README.md"]
    files = {clip.clip_id: f"videos/{clip.clip_id}{Path(clip.path).suffix.lower()}" for clip in used}
    if context.config.publish.videos:
        for clip in used:
            problem = _copy(context.folder / clip.path, target / files[clip.clip_id], clip)
            dropped += [problem] if problem is not None else []
            names += [files[clip.clip_id]] if problem is None else []
    else:
        files = {}
    write_atomic(target / VIDEOS_TABLE, video_table(used, files))
    write_atomic(target / "README.md", make_card(benchmark, used, _card_facts(context)))
    published = [_describe(target, name) for name in sorted(names)]
    _remove_old(target, {row.name for row in published})
    # last: a folder whose checksums hold is whole
    lines = "".join(f"{row.sha256}  {row.name}\n" for row in published)
    write_atomic(target / CHECKSUMS, lines)
    notes = {"videos": len(used), "questions": benchmark.question_count}
    return StepOutcome(len(rows), published, dropped, notes)


def video_features() -> datasets.Features:
    """Features of the table of videos."""
    import datasets

    return datasets.Features({name: datasets.Value(kind) for name, kind in _VIDEO_COLUMNS.items()})


def video_table(clips: Sequence[Clip], files: Mapping[str, str]) -> bytes:
    """The table of videos as Parquet with its features, one row per clip.

    Args:
        clips: In the order of the benchmark.
        files: clip_id -> name of its published file; the cell is empty where there is none.
    """
    import datasets
    import pyarrow.parquet as pq

    rows = [
        {
            "video_id": clip.clip_id,
            "file": files.get(clip.clip_id),
            "sha256": clip.sha256,
            "duration_s": clip.duration_s,
            "fps": clip.fps,
            "width": clip.width,
            "height": clip.height,
            "frame_count": clip.frame_count,
            "source_video_id": clip.video_id,
            "start_s": clip.start_s,
            "end_s": clip.end_s,
            "licence": clip.licence,
            "origin": clip.origin,
        }
        for clip in clips
    ]
    table = datasets.Dataset.from_list(rows, features=video_features()).data.table
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def verify_checksums(folder: Path) -> list[str]:
    """Names in a published folder that are missing or differ from its checksums.

    Raises:
        InputError: There are no checksums.
    """
    path = folder / CHECKSUMS
    if not path.is_file():
        do_next = "run vdc build benchmark CONFIG to its end first"
        raise InputError(Problem("no checksums", "a published folder", do_next, show_path(folder)))
    lines = [line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    return [name for digest, name in lines if file_hash(folder / name) != digest]


def push_to_hub(folder: Path, repo: str, *, private: bool = True, hub: Hub | None = None) -> str:
    """Upload a published folder in one commit; what the repository had before and the folder has not goes.

    Args:
        folder: With checksums that hold.
        repo: ``owner/name``; made if needed.
        private: Whether a repository that is made is private.
        hub: The Hub; by default the one of the environment (``HF_ENDPOINT``, ``HF_TOKEN``).

    Returns:
        The commit.

    Raises:
        InputError: Files differ from their checksums.
        RunFailed: The Hub refuses or cannot be reached.
    """
    changed = verify_checksums(folder)
    if changed:
        problem = Problem(f"{len(changed)} changed files, such as {changed[0]}", "files as they were published", "")
        raise InputError(
            Problem(problem.found, problem.expected, "repeat the command with --redo publish", show_path(folder))
        )
    import httpx2
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    hub = hub if hub is not None else huggingface_hub.HfApi()
    try:
        hub.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        commit = hub.upload_folder(
            folder_path=str(folder),
            repo_id=repo,
            repo_type="dataset",
            commit_message="Publish the benchmark",
            delete_patterns=["*"],
        )
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        words = " ".join(str(error).split())[:300]
        raise RunFailed(
            f"{repo}: found that the upload failed ({words}); expected a Hub that takes it; do next: set HF_TOKEN to a "
            "token that may write, check the network, and repeat the command"
        ) from error
    return str(getattr(commit, "oid", commit))


def _card_facts(context: Context) -> CardFacts:
    captions, questions = caption_texts(context), question_texts(context)
    return CardFacts(
        name=context.config.name,
        licence=context.config.publish.licence,
        language=context.config.publish.language,
        model=context.model().facts,
        prompts={captions.name: captions.sha256, questions.name: questions.sha256},
        steps={name: row for name, row in read_ledger(context.folder).items() if name != "publish"},
        with_videos=context.config.publish.videos,
    )


def _describe(folder: Path, name: str) -> PublishedFile:
    path = folder / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return PublishedFile(name, path.stat().st_size, digest)


def _copy(source: Path, target: Path, clip: Clip) -> Dropped | None:
    if file_hash(target) == clip.sha256:
        return None
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part)
        if file_hash(part) != clip.sha256:
            found = "a video that has changed since its clip was made"
            return Dropped(
                clip.clip_id, "changed_file", "failure", found, "repeat the command with --redo sources", True
            )
        part.replace(target)
    except OSError as error:
        found = f"a video that cannot be copied ({error.strerror})"
        return Dropped(clip.clip_id, "cannot_write", "failure", found, "free space, then repeat the command", True)
    finally:
        part.unlink(missing_ok=True)
    return None


def _remove_old(folder: Path, names: set[str]) -> None:
    """Removes what an earlier run published under a name that this one does not use; nothing else."""
    path = folder / CHECKSUMS
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name = line.split("  ", 1)[-1]
        inside = (folder / name).resolve().is_relative_to(folder.resolve())
        if name not in names and inside:
            (folder / name).unlink(missing_ok=True)


def record_push(folder: Path, repo: str, commit: str) -> None:
    """Note in the build's folder where the benchmark was uploaded."""
    write_atomic(folder / "pushed.json", json.dumps({"repo": repo, "commit": commit}, indent=2) + "\n")
