"""Step ``sources``: every video that the configuration names, with licence, origin and checksum."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from builders.benchmark.archives import unpack_videos
from builders.benchmark.config import ArchiveSource, FolderSource, HubSource, Source, UrlSource
from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.downloads import DownloadFailed, download, file_name, place_for, read_addresses, without_secrets
from builders.benchmark.engine import Job, Outcome
from builders.benchmark.manifest import file_hash
from builders.benchmark.model import Dropped, SourceVideo
from builders.media.reading import VIDEO_ENDINGS, UnusableVideo, looks_like_video, read_header
from vdc.errors import InputError, Problem
from vdc.fileio import read_bytes, show_path, write_atomic
from vdc.textio import read_json

MAX_LIST_BYTES: Final = 64 << 20
_DOWNLOADS_AT_ONCE: Final = 4
_NOT_IN_ID: Final = re.compile(r"[^A-Za-z0-9_-]+")
_CLIP_ENDING: Final = re.compile(r"-[0-9]{3,}$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be a video.

    Args:
        path: Where it lies now.
        name: Its name in its source.
        source: Number of the source.
        licence, origin: Of the source.
    """

    path: Path
    name: str
    source: int
    licence: str
    origin: str


def source_settings(context: Context) -> Settings:
    """What the sources look like now: names, sizes and times of local files, addresses, revisions.

    Raises:
        InputError: Local files that the configuration names are not there; lists all of them.
    """
    problems: list[Problem] = []
    seen = [_state(context, number, source, problems) for number, source in enumerate(context.config.sources)]
    if problems:
        raise InputError(problems)
    return {"sources": [source.model_dump(mode="json") for source in context.config.sources], "state": seen}


def run_sources(context: Context) -> StepOutcome:
    """Gather the videos, look into each, and give each an id."""
    candidates: list[Candidate] = []
    dropped: list[Dropped] = []
    for number, source in enumerate(context.config.sources):
        for found in _gather(context, number, source):
            if isinstance(found, Dropped):
                dropped.append(found)
            else:
                candidates.append(found)
    taken = len(candidates) + len(dropped)
    items = [_item(context, candidate) for candidate in candidates]
    job = Job("builders.benchmark.sources:inspect_file", {}, str(context.folder), "sources/inspected")
    rows: list[SourceVideo] = []
    for outcome in context.engine.run(job, items, context.counter("files looked into", len(items))):
        rows += [SourceVideo.from_json(row) for row in outcome.rows]
        dropped += outcome.dropped
    unique, repeated = _once_each(rows)
    return StepOutcome(taken, _with_ids(unique), [*dropped, *repeated])


def inspect_file(item: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> Outcome:
    """One file's row: what its header says is checked, its content hashed; it is decoded in a later step."""
    del settings
    path = folder / item["path"]
    name, key = str(item["name"]), f"{item['source']}:{item['name']}"
    ending = Path(name).suffix.lower()
    try:
        if ending not in VIDEO_ENDINGS:
            if not looks_like_video(path):
                return Outcome(dropped=[Dropped(key, "other_file", "filter", f"a file ending in {ending!r}")])
            found = f"a video under a name ending in {ending!r}"
            raise UnusableVideo("wrong_extension", found, "give it the ending of its format, such as .mp4")
        read_header(path)
        digest = file_hash(path)
        if digest is None:
            raise UnusableVideo("unreadable", "a file that cannot be read to its end", "check its disk and permissions")
    except UnusableVideo as error:
        return Outcome(dropped=[Dropped(key, error.reason, "failure", error.found, error.do_next)])
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror})"
        return Outcome(dropped=[Dropped(key, "unreadable", "failure", found, "check its permissions", again=True)])
    row = SourceVideo(
        video_id=_slug(name),
        path=item["path"],
        file_bytes=item["file_bytes"],
        sha256=digest,
        licence=item["licence"],
        origin=item["origin"],
        source=item["source"],
        name=name,
    )
    return Outcome([row.to_json()])


def _item(context: Context, candidate: Candidate) -> dict[str, Any]:
    status = candidate.path.stat()
    return {
        "path": context.relative(candidate.path),
        "name": candidate.name,
        "source": candidate.source,
        "licence": candidate.licence,
        "origin": candidate.origin,
        "file_bytes": status.st_size,
        # only so that a file that was replaced is looked into again
        "modified_ns": status.st_mtime_ns,
    }


def _state(context: Context, number: int, source: Source, problems: list[Problem]) -> Any:
    where = f"{show_path(context.file.path)}: sources.{number}"
    if isinstance(source, HubSource):
        return [source.name, source.revision]
    if isinstance(source, UrlSource):
        if source.path is None:
            return list(source.urls)
        path = context.file.resolve(source.path)
        if not path.is_file():
            problems.append(Problem(f"no file {show_path(path)}", "a list of addresses", "correct path", where))
            return None
        return _addresses(context, source)
    path = context.file.resolve(source.path)
    if isinstance(source, FolderSource):
        if not path.is_dir():
            problems.append(Problem(f"no folder {show_path(path)}", "a folder of videos", "correct path", where))
            return None
        files = _files_below(path, context.folder)
        if not files:
            found = f"no file below {show_path(path)} (hidden ones do not count)"
            problems.append(Problem(found, "videos in it", "put videos there, or correct path", where))
        return [[name, *_stamp(file)] for name, file in files]
    if not path.is_file():
        problems.append(Problem(f"no file {show_path(path)}", "a tar or zip file", "correct path", where))
        return None
    return _stamp(path)


def _stamp(path: Path) -> list[int]:
    status = path.stat() if path.exists() else path.lstat()
    return [status.st_size, status.st_mtime_ns]


def _files_below(folder: Path, build: Path) -> list[tuple[str, Path]]:
    """Files and links of a folder by their names in it, sorted, without hidden ones and those of the build itself."""
    own = build.resolve()
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        # a link that leads nowhere or to a folder is kept too: what is not looked into needs a reason
        if (path.is_file() or path.is_symlink()) and not hidden and not _real(path).is_relative_to(own):
            found.append((name.as_posix(), path))
    return sorted(found)


def _useless_link(name: str, path: Path, number: int) -> Dropped | None:
    if not path.is_symlink() or path.is_file():
        return None
    if path.is_dir():
        found, do_next = "a link to a folder, which is not followed", "name that folder as a source of its own"
    else:
        found, do_next = "a link that leads to no file", "correct the link, or remove it"
    return Dropped(f"{number}:{name}", "unreadable", "failure", found, do_next)


def _real(path: Path) -> Path:
    # Path.resolve raises on links that lead in a circle
    return Path(os.path.realpath(path))


def _gather(context: Context, number: int, source: Source) -> Iterator[Candidate | Dropped]:
    if isinstance(source, FolderSource):
        for name, path in _files_below(context.file.resolve(source.path), context.folder):
            useless = _useless_link(name, path, number)
            yield useless or Candidate(path, name, number, source.licence, source.origin)
    elif isinstance(source, ArchiveSource):
        yield from _from_archive(context, number, source)
    elif isinstance(source, UrlSource):
        yield from _from_addresses(context, number, source)
    else:
        yield from _from_hub(context, number, source)


def _from_archive(context: Context, number: int, source: ArchiveSource) -> Iterator[Candidate | Dropped]:
    archive = context.file.resolve(source.path)
    target = context.folder / "sources" / "unpacked" / f"{number}-{(file_hash(archive) or 'unreadable')[:16]}"
    record = target / "unpacked.json"
    known = read_json(record, []) if record.is_file() else None
    if known is None:
        context.told(f"  unpacking {show_path(archive)}")
        try:
            unpacked = unpack_videos(archive, target, f"{number}:{archive.name}", source.max_bytes)
        except OSError as error:
            found = f"that it cannot be unpacked ({error.strerror})"
            do_next = "free space or check permissions, then repeat the command"
            yield Dropped(f"{number}:{archive.name}", "cannot_write", "failure", found, do_next, again=True)
            return
        known = {
            "files": {name: path.name for name, path in unpacked.files.items()},
            "dropped": [row.to_json() for row in unpacked.dropped],
        }
        write_atomic(record, json.dumps(known))
    yield from (Dropped.from_json(row) for row in known["dropped"])
    for name, file in known["files"].items():
        yield Candidate(target / file, name, number, source.licence, source.origin)


def _addresses(context: Context, source: UrlSource) -> list[str]:
    if source.path is None:
        return list(dict.fromkeys(source.urls))
    content = read_bytes(context.file.resolve(source.path), max_bytes=MAX_LIST_BYTES)
    return read_addresses(content.data.decode("utf-8", "replace"))


def _from_addresses(context: Context, number: int, source: UrlSource) -> Iterator[Candidate | Dropped]:
    addresses = _addresses(context, source)
    folder = context.folder / "sources" / "downloads"

    def fetch(address: str) -> Candidate | Dropped:
        name = file_name(address) or "unnamed"
        shown = without_secrets(address)
        key = f"{number}:{shown}"
        target = place_for(address, folder)
        if urlsplit(address).scheme == "file":
            # it is on this machine already
            target = Path(url2pathname(urlsplit(address).path))
            if not target.is_file():
                return Dropped(key, "download_failed", "failure", "no such file", "correct the address", again=True)
        try:
            download(address, target, max_bytes=source.max_bytes, timeout_s=source.timeout_s)
        except DownloadFailed as error:
            do_next = "repeat the command" if error.again else "correct the address, or raise max_bytes"
            return Dropped(key, error.reason, "failure", error.found, do_next, again=error.again)
        except OSError as error:
            found = f"that it cannot be written ({error.strerror})"
            do_next = "free space, then repeat the command"
            return Dropped(key, "cannot_write", "failure", found, do_next, again=True)
        return Candidate(target, name, number, source.licence, f"{source.origin} ({shown})")

    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        yield from pool.map(fetch, addresses)


def _from_hub(context: Context, number: int, source: HubSource) -> Iterator[Candidate | Dropped]:
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    context.told(f"  fetching {source.name} at {source.revision[:12]}")
    folder = context.folder / "sources" / "hub" / f"{number}-{source.revision[:12]}"
    try:
        huggingface_hub.snapshot_download(
            source.name,
            repo_type="dataset",
            revision=source.revision,
            allow_patterns=list(source.files),
            local_dir=folder,
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        words = " ".join(str(error).split())[:300]
        do_next = "check the name, the revision and the network, then repeat the command"
        yield Dropped(f"{number}:{source.name}", "download_failed", "failure", words, do_next, again=True)
        return
    origin = f"{source.origin} (Hub set {source.name} at {source.revision})"
    for name, path in _files_below(folder, folder / "none"):
        useless = _useless_link(name, path, number)
        yield useless or Candidate(path, name, number, source.licence, origin)


def _once_each(rows: list[SourceVideo]) -> tuple[list[SourceVideo], list[Dropped]]:
    first: dict[str, SourceVideo] = {}
    repeated = []
    for row in rows:
        kept = first.setdefault(row.sha256, row)
        if kept is not row:
            found = f"the same bytes as {kept.source}:{kept.name}"
            repeated.append(Dropped(f"{row.source}:{row.name}", "same_file", "filter", found))
    return list(first.values()), repeated


def _with_ids(rows: list[SourceVideo]) -> list[SourceVideo]:
    """Ids made unique: where names agree or differ in case only, a piece of the content's hash is added.

    The same where a name reads like that of another video's clip, as ``walk-001`` beside ``walk``.
    """
    counts = Counter(row.video_id.lower() for row in rows)

    def is_unique(video_id: str) -> bool:
        whole = _CLIP_ENDING.sub("", video_id)
        return counts[video_id] == 1 and (whole == video_id or whole not in counts)

    return [
        row if is_unique(row.video_id.lower()) else replace(row, video_id=f"{row.video_id}-{row.sha256[:10]}")
        for row in rows
    ]


def _slug(name: str) -> str:
    stem = Path(name).stem
    return _NOT_IN_ID.sub("-", stem).strip("-")[:80] or "video"
