"""Bad files: each with a reason of its own, the others go on, and the result says that something failed."""

from __future__ import annotations

import errno
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders.benchmark.manifest import read_dropped, read_rows
from builders.benchmark.model import Clip, SourceVideo
from tests.builders.made_videos import moving_square, write_sound, write_video
from vdc.errors import RunFailed

Configure = Callable[..., Path]
Run = Callable[..., Any]


def reasons(folder: Path, step: Any) -> dict[str, tuple[str, str]]:
    return {row.key: (row.reason, row.kind) for row in read_dropped(folder, step)}


def test_folder_of_bad_files(configure: Configure, run: Run) -> None:
    config = configure()
    videos = config.parent / "videos"
    good = (videos / "first.mp4").read_bytes()
    (videos / "empty.mp4").write_bytes(b"")
    (videos / "text.mp4").write_text("no video")
    (videos / "notes.txt").write_text("notes")
    (videos / "renamed.dat").write_bytes(good[:-1] + b"x")
    (videos / "same.mp4").write_bytes(good)
    (videos / ".hidden.mp4").write_bytes(good)
    write_sound(videos / "sound.mp4")
    write_video(videos / "still.mp4", moving_square(7, 1))
    scrambled = bytearray((videos / "second.mp4").read_bytes())
    scrambled[300:2500] = bytes(2200)
    (videos / "scrambled.mp4").write_bytes(bytes(scrambled))
    result = run(config)
    folder = result.folder
    assert reasons(folder, "sources") == {
        "0:empty.mp4": ("empty_file", "failure"),
        "0:text.mp4": ("unreadable", "failure"),
        "0:renamed.dat": ("wrong_extension", "failure"),
        "0:sound.mp4": ("no_video_stream", "failure"),
        "0:notes.txt": ("other_file", "filter"),
        "0:same.mp4": ("same_file", "filter"),
    }
    assert reasons(folder, "clips") == {
        "still": ("one_frame", "failure"),
        "scrambled": ("damaged", "failure"),
        "tiny": ("too_short", "filter"),
    }
    assert not result.complete
    assert {row.reason for rows in result.failures.values() for row in rows} >= {"empty_file", "damaged"}
    assert all(row.do_next for rows in result.failures.values() for row in rows)
    assert result.steps["publish"].notes["videos"] == 3


def test_names_that_would_be_one_id_stay_apart(configure: Configure, run: Run) -> None:
    config = configure(videos=False)
    for number, name in enumerate(("a b.mp4", "a_b/x.mp4", "A B.mkv", "c/x.mp4", "../videos/ünïcode &.mp4")):
        container = "matroska" if name.endswith("mkv") else "mp4"
        write_video(config.parent / "videos" / name, moving_square(20 + number, 20), container=container)
    result = run(config, until="clips")
    ids = [clip.clip_id for clip in read_rows(result.folder, "clips", Clip)]
    assert len(set(map(str.lower, ids))) == len(ids) == 5
    assert all(part.isascii() for part in ids)


def test_files_of_one_name_in_another_order_keep_their_ids(configure: Configure, run: Run) -> None:
    config = configure(videos=False)
    for name, seed in (("a/x.mp4", 1), ("b/x.mp4", 2)):
        write_video(config.parent / "videos" / name, moving_square(seed, 20))
    first = {row.sha256: row.video_id for row in read_rows(run(config, until="sources").folder, "sources", SourceVideo)}
    (config.parent / "videos" / "a").rename(config.parent / "videos" / "z")
    again = {row.sha256: row.video_id for row in read_rows(run(config, until="sources").folder, "sources", SourceVideo)}
    assert again == first


def test_name_that_reads_like_another_videos_clip_stays_apart(configure: Configure, run: Run) -> None:
    config = configure(videos=False)
    write_video(config.parent / "videos" / "walk.mp4", moving_square(2, 20) + moving_square(3, 20))
    write_video(config.parent / "videos" / "Walk-001.mp4", moving_square(7, 20))
    result = run(config, until="clips")
    ids = [clip.clip_id for clip in read_rows(result.folder, "clips", Clip)]
    assert len(set(map(str.lower, ids))) == len(ids) == 3
    assert {"walk-000", "walk-001"} < set(ids)


def test_links_that_lead_to_no_file_have_a_reason(configure: Configure, run: Run, tmp_path: Path) -> None:
    config = configure()
    (tmp_path / "elsewhere").mkdir()
    for name, target in (("gone.mp4", "nowhere.mp4"), ("round.mp4", "round.mp4"), ("more", tmp_path / "elsewhere")):
        (config.parent / "videos" / name).symlink_to(target)
    result = run(config, until="sources")
    found = {row.key: row.found for row in result.failures["sources"]}
    assert found == {
        "0:gone.mp4": "a link that leads to no file",
        "0:round.mp4": "a link that leads to no file",
        "0:more": "a link to a folder, which is not followed",
    }
    assert result.steps["sources"].kept == 3
    assert run(config, until="sources").done_now == ()


def with_source(config: Path, source: str) -> Path:
    text = config.read_text()
    line = next(line for line in text.splitlines() if "kind: folder" in line)
    config.write_text(text.replace(line, f"{line}\n  - {{{source}, licence: CC-BY-4.0, origin: elsewhere}}"))
    return config


def test_archive_with_a_hostile_member(configure: Configure, run: Run, tmp_path: Path) -> None:
    content = write_video(tmp_path / "new.mp4", moving_square(11, 20)).read_bytes()
    with tarfile.open(tmp_path / "more.tar.gz", "w:gz") as tar:
        for name in ("in/new.mp4", "../evil.mp4", "/evil.mp4"):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    result = run(with_source(configure(), "kind: archive, path: more.tar.gz"), until="clips")
    assert result.steps["sources"].failed == {"unsafe_member": 2}
    assert not result.complete
    assert "new" in {clip.video_id for clip in read_rows(result.folder, "clips", Clip)}
    assert not list(tmp_path.rglob("evil*"))
    assert run(tmp_path / "build.yaml", until="clips").done_now == ()


def test_addresses_that_work_and_that_do_not(configure: Configure, run: Run, tmp_path: Path) -> None:
    good = write_video(tmp_path / "new.mp4", moving_square(11, 20))
    absent = tmp_path / "absent.mp4"
    (tmp_path / "urls.txt").write_text(f"# mine\n{good.as_uri()}\n{absent.as_uri()}\ngopher://host/a.mp4\n")
    config = with_source(configure(), "kind: urls, path: urls.txt")
    result = run(config, until="clips")
    assert result.steps["sources"].failed == {"bad_address": 1, "download_failed": 1}
    (video,) = [row for row in read_rows(result.folder, "sources", SourceVideo) if row.source == 1]
    assert video.origin == f"elsewhere ({good.as_uri()})"
    absent.write_bytes(write_video(tmp_path / "x.mp4", moving_square(12, 20)).read_bytes())
    # only what may work now is tried again
    assert run(config, until="clips").steps["sources"].failed == {"bad_address": 1}


def test_hub_set_comes_at_its_revision(configure: Configure, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked: list[tuple[str, str]] = []

    def snapshot_download(name: str, *, revision: str, local_dir: Path, **_: Any) -> None:
        asked.append((name, revision))
        write_video(Path(local_dir) / "sub" / "new.mp4", moving_square(11, 20))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    config = with_source(configure(), f"kind: hub, name: some/set, revision: {'a' * 40}")
    result = run(config, until="sources")
    assert asked == [("some/set", "a" * 40)]
    (video,) = [row for row in read_rows(result.folder, "sources", SourceVideo) if row.source == 1]
    assert video.origin == f"elsewhere (Hub set some/set at {'a' * 40})"


def test_unreachable_hub_is_a_failure_that_is_tried_again(
    configure: Configure, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    result = run(with_source(configure(), f"kind: hub, name: some/set, revision: {'a' * 40}"), until="sources")
    assert result.steps["sources"].failed == {"download_failed": 1}
    assert result.steps["sources"].again


def full_disk(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if part in str(target):
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)


@pytest.mark.parametrize(
    ("part", "step", "lost"),
    [("videos/second-001.mp4", "clips", 1), ("pictures/first", "frames", 1)],
    ids=["clips", "frames"],
)
def test_full_disk_loses_only_what_did_not_fit(configure: Configure, run: Run, part: str, step: Any, lost: int) -> None:
    config = configure()
    with pytest.MonkeyPatch.context() as patch:
        full_disk(patch, part)
        result = run(config, until="frames")
    assert result.steps[step].failed == {"cannot_write": lost}
    assert "No space left" in result.failures[step][0].found
    assert not result.complete
    assert not list(result.folder.rglob("*.part"))
    again = run(config)
    assert again.complete
    assert again.steps["publish"].notes["videos"] == 3


def test_full_disk_under_a_published_video(configure: Configure, run: Run) -> None:
    config = configure()
    with pytest.MonkeyPatch.context() as patch:
        full_disk(patch, "published/videos/first.mp4")
        assert run(config).steps["publish"].failed == {"cannot_write": 1}
    result = run(config)
    assert result.done_now == ("publish",)
    assert result.complete


def test_full_disk_under_a_manifest_stops_the_build_and_it_resumes(configure: Configure, run: Run) -> None:
    config = configure()
    with pytest.MonkeyPatch.context() as patch:
        full_disk(patch, "captions/kept.jsonl")
        with pytest.raises(RunFailed, match="No space left"):
            run(config)
    assert run(config).complete


def test_full_disk_while_unpacking(configure: Configure, run: Run, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "more.tar", "w") as tar:
        tar.add(write_video(tmp_path / "new.mp4", moving_square(11, 20)), "new.mp4")
    config = with_source(configure(), "kind: archive, path: more.tar")
    with pytest.MonkeyPatch.context() as patch:
        full_disk(patch, "unpacked")
        result = run(config, until="sources")
    assert result.steps["sources"].failed == {"cannot_write": 1}
    assert run(config, until="sources").complete
