"""The folder that is built: layout, sameness, going on after a stop, refusals."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from builders.synthetic import VideoSettings, build, build_synthetic, draw_scene, parse_requests, render
from builders.synthetic.encode import encode
from builders.synthetic.scene import Scene
from vdc.benchmark.load import load_benchmark
from vdc.errors import InputError, MissingExtra, RunFailed
from vdc.sections import SECTIONS

SMALL = VideoSettings(size=32, seconds=1.0, fps=8)
SETS = parse_requests(["good=0.9:0.9", "poor=0.3:0.5"])


def checksums(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "toy"
    build_synthetic(folder, videos=3, seed=4, settings=SMALL, predictions=SETS)
    return folder


def test_the_published_layout_is_written(built: Path) -> None:
    rows = [json.loads(line) for line in (built / "VDC_1k.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["video_id"] for row in rows] == [f"synthetic-4-{index:05d}" for index in range(3)]
    assert all(set(row) == {"video_id", "captions"} for row in rows)
    assert all(list(row["captions"]) == [f"{section}_caption" for section in SECTIONS] for row in rows)
    for section in SECTIONS:
        lines = (built / "VDCScore_qa" / f"{section}.jsonl").read_text(encoding="utf-8").splitlines()
        for line, row in zip(lines, rows, strict=True):
            entry = json.loads(line)
            assert list(entry) == [row["video_id"]]
            questions = entry[row["video_id"]]
            assert all(list(question) == ["question", "answer", "category"] for question in questions)
            assert all(isinstance(value, str) and value for question in questions for value in question.values())


def test_the_benchmark_loads_with_captions_and_without_defects(built: Path) -> None:
    benchmark = load_benchmark(str(built))
    assert len(benchmark.videos) == 3
    assert benchmark.sections == SECTIONS
    assert 3 * 5 * 18 <= benchmark.question_count <= 3 * 5 * 20
    assert len(benchmark.captions) == 15
    assert not any(benchmark.duplicate_ids.values()) and not any(benchmark.missing_ids.values())


def test_videos_decode_at_a_constant_rate(built: Path) -> None:
    with av.open(str(built / "videos" / "synthetic-4-00001.mp4")) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == 8
    assert len(frames) == 8
    assert [float(frame.time) for frame in frames] == pytest.approx([number / 8 for number in range(8)])
    assert {(frame.width, frame.height) for frame in frames} == {(32, 32)}


def test_decoded_frames_are_near_the_rendered_ones(built: Path) -> None:
    with av.open(str(built / "videos" / "synthetic-4-00000.mp4")) as container:
        decoded = [frame.to_ndarray(format="rgb24").astype(float) for frame in container.decode(video=0)]
    for one, two in zip(decoded, render(draw_scene(4, 0), SMALL), strict=True):
        assert np.abs(one - two).mean() < 25


def test_the_same_arguments_give_the_same_bytes_with_any_number_of_workers(built: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    build_synthetic(again, videos=3, seed=4, settings=SMALL, workers=2, predictions=SETS)
    assert checksums(again) == checksums(built)


def test_a_longer_benchmark_begins_with_the_videos_of_a_shorter_one(built: Path, tmp_path: Path) -> None:
    build_synthetic(tmp_path / "long", videos=4, seed=4, settings=SMALL)
    short, long = checksums(built), checksums(tmp_path / "long")
    for index in range(3):
        assert long[f"videos/synthetic-4-{index:05d}.mp4"] == short[f"videos/synthetic-4-{index:05d}.mp4"]
    for name in ("VDC_1k.jsonl", "scenes.jsonl", "VDCScore_qa/short.jsonl"):
        assert (tmp_path / "long" / name).read_bytes().startswith((built / name).read_bytes())


def test_the_manifest_has_the_checksum_of_every_other_file(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    found = checksums(built)
    del found["manifest.json"]
    assert manifest["files"] == found
    assert (manifest["seed"], manifest["videos"], manifest["size"]) == (4, 3, 32)


def test_scenes_name_the_fact_of_every_question(built: Path) -> None:
    scenes = [json.loads(line) for line in (built / "scenes.jsonl").read_text(encoding="utf-8").splitlines()]
    for scene in scenes:
        values = {**scene["background"], **scene["main_object"], **scene["camera"]}
        for section in SECTIONS:
            lines = (built / "VDCScore_qa" / f"{section}.jsonl").read_text(encoding="utf-8").splitlines()
            questions = next(json.loads(line)[scene["video_id"]] for line in lines if scene["video_id"] in line)
            assert [values[key] for key in scene["asked"][section]] == [row["answer"] for row in questions]


def test_a_stopped_build_goes_on_and_ends_the_same(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stopped"
    render_video = build.render_video
    calls: list[str] = []

    def stop_at_second(scene: Scene, settings: VideoSettings, path: Path) -> None:
        calls.append(scene.video_id)
        if len(calls) == 2:
            path.with_suffix(".part").write_bytes(b"half")
            raise KeyboardInterrupt
        render_video(scene, settings, path)

    monkeypatch.setattr(build, "render_video", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        build_synthetic(folder, videos=3, seed=4, settings=SMALL, predictions=SETS)
    assert not (folder / "manifest.json").exists()
    result = build_synthetic(folder, videos=3, seed=4, settings=SMALL, predictions=SETS)
    assert (result.kept, result.rendered) == (1, 2)
    assert len(calls) == 4
    assert checksums(folder) == checksums(built)


def test_a_full_disk_is_reported_and_leaves_no_half_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(frames: Any, settings: VideoSettings, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(build, "encode", fail)
    with pytest.raises(RunFailed, match="No space left on device"):
        build_synthetic(tmp_path / "full", videos=1, settings=SMALL)
    assert list((tmp_path / "full" / "videos").iterdir()) == []


def test_the_encoder_gives_the_same_bytes_wherever_its_memory_lies(tmp_path: Path) -> None:
    # With its default look-ahead the encoder did not: one file in five differed.
    frames = list(render(draw_scene(4, 1), SMALL))
    kept, found = [], set()
    for turn in range(30):
        kept.append(np.zeros(1000 + 7919 * turn % 40_000))
        encode(frames, SMALL, tmp_path / "x.mp4")
        found.add((tmp_path / "x.mp4").read_bytes())
    assert len(found) == 1


def test_without_the_video_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match="builders"):
        build_synthetic(tmp_path / "toy", videos=1, settings=SMALL)


def test_frames_that_fail_leave_no_file(tmp_path: Path) -> None:
    def frames() -> Any:
        yield np.zeros((32, 32, 3), np.uint8)
        raise OSError("the picture is gone")

    with pytest.raises(OSError, match="the picture is gone"):
        encode(frames(), SMALL, tmp_path / "x.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_other_files_is_never_touched(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "thesis.tex").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="other files"):
        build_synthetic(tmp_path, videos=1, settings=SMALL, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "toy").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="found a file"):
        build_synthetic(tmp_path / "toy", videos=1, settings=SMALL)


def test_a_finished_benchmark_is_replaced_only_when_asked(tmp_path: Path) -> None:
    build_synthetic(tmp_path, videos=2, seed=1, settings=SMALL, predictions=SETS)
    (tmp_path / "predictions" / "mine.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        build_synthetic(tmp_path, videos=1, seed=2, settings=SMALL)
    build_synthetic(tmp_path, videos=1, seed=2, settings=SMALL, overwrite=True)
    names = set(checksums(tmp_path))
    assert "predictions/mine.jsonl" in names
    assert {name for name in names if name.startswith(("videos/", "truth/"))} == {"videos/synthetic-2-00000.mp4"}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        pytest.param({"videos": 0}, "videos 0", id="no videos"),
        pytest.param({"videos": 100_001}, "videos 100001", id="too many"),
        pytest.param({"videos": 1, "seed": -1}, "seed -1", id="negative seed"),
        pytest.param({"videos": 1, "workers": 0}, "workers 0", id="no workers"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(tmp_path: Path, arguments: dict[str, int], found: str) -> None:
    with pytest.raises(InputError, match=found):
        build_synthetic(tmp_path / "toy", settings=SMALL, **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "toy").exists()


@pytest.mark.parametrize(
    "text",
    [
        "strong",
        "strong=0.9",
        "strong=0.9:x",
        "strong=1.1:1",
        "../up=1:1",
        "a b=1:1",
        "=1:1",
        "s=1:1,nope=1:1",
        "s=nan:1",
    ],
)
def test_a_prediction_request_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="NAME=RECALL:PRECISION"):
        parse_requests([text])


def test_a_prediction_name_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        parse_requests(["a=1:1", "a=0:1"])


def test_sections_of_a_prediction_request_can_differ() -> None:
    (request,) = parse_requests(["strong=0.9:0.95,object=0.5:1"])
    assert (request.recall["short"], request.precision["short"]) == (0.9, 0.95)
    assert (request.recall["main_object"], request.precision["main_object"]) == (0.5, 1.0)
