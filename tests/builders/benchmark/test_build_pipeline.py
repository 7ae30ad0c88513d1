"""The whole pipeline on small videos with a make-believe vision server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vdc
from builders.benchmark.manifest import read_dropped, read_ledger, read_rows
from builders.benchmark.model import Clip, ClipQuestions, SourceVideo
from builders.benchmark.publishing import push_to_hub, verify_checksums, video_features
from builders.benchmark.reviewing import ReviewDesk
from builders.benchmark.steps import STEP_NAMES
from tests.builders.made_videos import moving_square, write_video
from vdc.errors import InputError, RunFailed, RunIncomplete
from vdc.llm.fake_server import FakeServer

ROOT = Path(__file__).parents[3]
Configure = Callable[..., Path]
Run = Callable[..., Any]
PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, three_videos: Path) -> Path:
    """The folder of a finished build. Never changed."""
    from builders.benchmark import BuildOptions, build_benchmark
    from tests.builders.fake_vision import vision_reply

    work = tmp_path_factory.mktemp("finished")
    text = (
        f"name: small\nsources: [{{kind: folder, path: {three_videos}, licence: CC0-1.0, origin: 'made | <b>'}}]\n"
        "clips: {min_s: 1.0, max_s: 4.0, min_side: 32}\nframes: {count: 3, per_second: 1, longest_side: 64}\n"
        "model: {model: eye}\nquestions: {count: 12, at_least: 3}\n"
    )
    (work / "build.yaml").write_text(text)
    with FakeServer(vision_reply) as server:
        options = BuildOptions(base_url=server.base_url, store=work / "store.sqlite")
        assert build_benchmark(work / "build.yaml", options).complete
    return work / "build"


def test_every_step_leaves_its_counts_and_reasons(finished: Path) -> None:
    ledger = read_ledger(finished)
    assert tuple(ledger) == STEP_NAMES
    assert [(record.taken, record.kept) for record in ledger.values()][:7] == [(3, 3)] + [(3, 3)] * 6
    assert ledger["clips"].filtered == {"too_short": 1}
    assert [(row.key, row.reason) for row in read_dropped(finished, "clips")] == [("tiny", "too_short")]
    for row in read_rows(finished, "sources", SourceVideo):
        assert (row.licence, row.origin, len(row.sha256)) == ("CC0-1.0", "made | <b>", 64)


def test_published_folder_is_a_benchmark_of_the_toolkit(finished: Path) -> None:
    benchmark = vdc.load_benchmark(finished / "published")
    assert benchmark.videos == ("first", "second-000", "second-001")
    assert benchmark.question_count == 3 * 5 * 12
    assert set(benchmark.captions) == {(video, section) for video in benchmark.videos for section in benchmark.sections}
    layout = vdc.load_benchmark(finished / "published" / "VDCScore_qa")
    assert layout.questions == benchmark.questions


def test_every_answer_stands_in_its_caption_and_not_in_its_question(finished: Path) -> None:
    for row in read_rows(finished, "review", ClipQuestions):
        for section, items in row.questions.items():
            for item in items:
                assert item.answer in row.captions[section]
                assert item.answer not in item.question


def test_tables_load_with_their_features(finished: Path, tmp_path: Path) -> None:
    import datasets

    options = {"cache_dir": str(tmp_path)}
    videos = datasets.load_dataset(str(finished / "published"), "videos", split="test", **options)
    assert videos.features == video_features()
    assert videos["file"] == [f"videos/{name}.mp4" for name in ("first", "second-000", "second-001")]
    questions = datasets.load_dataset(str(finished / "published"), "questions", split="test", **options)
    assert questions.num_rows == 180
    assert questions.features["question_index"] == datasets.Value("int64")


def test_card_has_statistics_licences_and_counts(finished: Path) -> None:
    card = (finished / "published" / "README.md").read_text()
    assert "| CC0-1.0 | made \\| &lt;b> | 3 |" in card
    assert "| clips | 3 | 3 | too_short 1 | 0 |" in card
    assert "captions-1" in card and "model eye" in card
    assert "| short | 3 |" in card
    assert str(ROOT) not in card


def test_checksums_cover_every_file(finished: Path) -> None:
    published = finished / "published"
    names = {line.split("  ")[1] for line in (published / "checksums.sha256").read_text().splitlines()}
    files = {path.relative_to(published).as_posix() for path in published.rglob("*") if path.is_file()}
    assert files - names == {"checksums.sha256"}
    assert verify_checksums(published) == []


def test_manifests_name_no_place_of_this_machine(finished: Path) -> None:
    for path in finished.rglob("*.json*"):
        if path.parent.name != "inspected":
            assert str(finished.parent) not in path.read_text()


def test_second_run_does_nothing(configure: Configure, run: Run, eye: FakeServer) -> None:
    config = configure()
    first = run(config)
    asked = eye.stats.requests
    assert first.done_now == STEP_NAMES
    assert run(config).done_now == ()
    assert eye.stats.requests == asked


def test_changed_setting_repeats_its_step_and_what_follows(configure: Configure, run: Run, eye: FakeServer) -> None:
    config = configure()
    run(config)
    asked = eye.stats.requests
    config.write_text(config.read_text().replace("count: 12", "count: 10"))
    assert run(config).done_now == ("questions", "audit", "review", "publish")
    assert eye.stats.requests > asked
    config.write_text(config.read_text().replace("count: 10", "count: 12"))
    asked = eye.stats.requests
    run(config)
    # the replies of the first time are still in the store
    assert eye.stats.requests == asked


def test_new_video_captions_only_its_own_clips(configure: Configure, run: Run, eye: FakeServer) -> None:
    config = configure()
    run(config)
    asked = eye.stats.requests
    write_video(config.parent / "videos" / "third.mp4", moving_square(9, 20))
    result = run(config)
    assert result.steps["publish"].notes["videos"] == 4
    assert eye.stats.requests == asked + 10


def test_lost_file_is_made_again(configure: Configure, run: Run, eye: FakeServer) -> None:
    config = configure()
    run(config)
    asked = eye.stats.requests
    lost = config.parent / "build" / "clips" / "videos" / "second-001.mp4"
    content = lost.read_bytes()
    lost.unlink()
    assert run(config).done_now == ("clips",)
    assert lost.read_bytes() == content
    assert eye.stats.requests == asked


def test_redo_repeats_from_a_step_on(configure: Configure, run: Run, eye: FakeServer) -> None:
    config = configure()
    run(config)
    asked = eye.stats.requests
    assert run(config, redo="audit").done_now == ("audit", "review", "publish")
    assert eye.stats.requests == asked


def test_required_review_waits_and_then_follows_the_decisions(configure: Configure, run: Run) -> None:
    config = configure(more="review: {required: true}")
    with pytest.raises(RunIncomplete, match="3 of 3 clips"):
        run(config)
    desk = ReviewDesk(config.parent / "build")
    desk.decide_clip("first", "accept")
    desk.decide_clip("second-000", "reject", reason="blurry")
    with pytest.raises(RunIncomplete, match="1 of 3"):
        run(config)
    desk.decide_clip("second-001", "accept")
    result = run(config)
    assert result.complete
    assert result.steps["review"].filtered == {"rejected": 1}
    published = config.parent / "build" / "published"
    assert vdc.load_benchmark(published).videos == ("first", "second-001")


def test_video_that_is_no_longer_published_goes(configure: Configure, run: Run) -> None:
    config = configure()
    run(config)
    published = config.parent / "build" / "published"
    (published / "notes.txt").write_text("mine")
    ReviewDesk(config.parent / "build").decide_clip("first", "reject")
    assert run(config).done_now == ("review", "publish")
    assert sorted(path.name for path in (published / "videos").iterdir()) == ["second-000.mp4", "second-001.mp4"]
    assert (published / "notes.txt").read_text() == "mine"


def test_nothing_left_says_why(configure: Configure, run: Run) -> None:
    config = configure()
    config.write_text(config.read_text().replace("min_s: 1.0, max_s: 4.0", "min_s: 3.0, max_s: 9.0"))
    with pytest.raises(RunFailed, match="too_short 4"):
        run(config)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"until": "captoins"}, "did you mean 'captions'"),
        ({"redo": "x"}, "step 'x'"),
        ({"engine": "dask"}, "local, ray"),
        ({"push": True}, "publish.repo"),
    ],
)
def test_wrong_option_is_refused_before_anything_is_done(
    configure: Configure, run: Run, options: dict[str, Any], told: str
) -> None:
    config = configure()
    with pytest.raises(InputError, match=told):
        run(config, **options)
    assert not (config.parent / "build").exists()


def test_empty_folder_is_an_input_error(configure: Configure, run: Run) -> None:
    with pytest.raises(InputError, match="no file below"):
        run(configure(videos=False))


def test_missing_folder_is_an_input_error(configure: Configure, run: Run) -> None:
    config = configure()
    config.write_text(config.read_text().replace("path: videos", "path: vidoes"))
    with pytest.raises(InputError, match="vidoes"):
        run(config)


class FakeHub:
    """Keeps what is uploaded."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def create_repo(self, repo_id: str, **options: Any) -> None:
        self.calls.append(("create", (repo_id, options["private"])))

    def upload_folder(self, *, folder_path: str, repo_id: str, **options: Any) -> str:
        self.calls.append(("upload", (Path(folder_path).name, repo_id)))
        return "abc123"


def test_push_uploads_the_whole_folder_in_one_commit(finished: Path) -> None:
    hub = FakeHub()
    assert push_to_hub(finished / "published", "me/set", private=False, hub=hub) == "abc123"
    assert hub.calls == [("create", ("me/set", False)), ("upload", ("published", "me/set"))]


def test_push_refuses_a_changed_folder(configure: Configure, run: Run) -> None:
    config = configure()
    run(config)
    published = config.parent / "build" / "published"
    (published / "README.md").write_text("changed")
    with pytest.raises(InputError, match=r"README\.md"):
        push_to_hub(published, "me/set", hub=FakeHub())


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, three_videos: Path) -> list[dict[str, Any]]:
    """A build that was left alone, then the runs of one that was killed again and again, then its result."""
    from tests.builders.fake_vision import vision_reply

    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    work = tmp_path_factory.mktemp("killed")
    (work / "build.yaml").write_text(
        f"name: small\nsources: [{{kind: folder, path: {three_videos}, licence: CC0-1.0, origin: made}}]\n"
        "clips: {min_s: 1.0, max_s: 4.0, min_side: 32}\nframes: {count: 2, per_second: 1, longest_side: 64}\n"
        "model: {model: eye, concurrency: 1}\nquestions: {count: 8, at_least: 3}\n"
    )
    with FakeServer(vision_reply) as server:
        driver = Path(__file__).with_name("kill_driver.py")
        command = [sys.executable, str(driver), str(work / "build.yaml"), server.base_url, str(work)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_build_killed_in_every_step_ends_with_the_same_bytes(killed: list[dict[str, Any]]) -> None:
    whole, *runs, last, end = killed
    assert len(runs) == 15
    assert all(entry["killed"] for entry in runs), runs
    assert last["finished"]
    assert end["tree"] == whole["tree"]
    # it died in each of the steps: before the first was done, and with each number of them done
    assert {len(entry["done"]) for entry in runs} == set(range(len(STEP_NAMES)))


def test_killed_build_asks_nothing_twice(killed: list[dict[str, Any]]) -> None:
    whole, *runs, _ = killed
    assert sum(entry["requests"] for entry in runs) == whole["requests"] == runs[-1]["stored"]
    for entry, before in zip(runs[1:], runs, strict=False):
        assert entry["requests"] == entry["stored"] - before["stored"], entry


def test_second_build_in_the_same_folder_is_refused(configure: Configure, run: Run, tmp_path: Path) -> None:
    config = configure()
    run(config, until="sources")
    program = f"import fcntl, time; f = open({str(tmp_path / 'build' / '.lock')!r}); fcntl.flock(f, fcntl.LOCK_EX)"
    with subprocess.Popen([sys.executable, "-c", program + "; print(1, flush=True); input()"], **PIPES) as other:
        assert other.stdout is not None and other.stdout.readline()
        with pytest.raises(InputError, match="another build"):
            run(config)
        other.kill()
    assert run(config).complete


def test_half_written_files_of_a_killed_build_go(configure: Configure, run: Run, tmp_path: Path) -> None:
    stale = tmp_path / "build" / "published" / ".README.md.1.2.part"
    stale.parent.mkdir(parents=True)
    stale.write_text("half")
    run(configure())
    assert not stale.exists()


def test_clips_of_a_symlinked_folder_are_found(configure: Configure, run: Run, tmp_path: Path) -> None:
    config = configure()
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "deep")
    result = run(config, out=tmp_path / "link" / "build", until="frames")
    assert len(read_rows(result.folder, "clips", Clip)) == 3
