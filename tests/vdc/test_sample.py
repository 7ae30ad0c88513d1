from __future__ import annotations

import filecmp
import json
from pathlib import Path

import pytest

from scoring.score import score
from vdc.benchmark.load import load_benchmark
from vdc.benchmark.model import Benchmark
from vdc.benchmark.sample import sample_path
from vdc.errors import InputError
from vdc.sections import SECTIONS


@pytest.fixture(scope="module")
def sample() -> Benchmark:
    return load_benchmark("sample")


def captions_of(name: str) -> dict[tuple[str, str], str]:
    rows = [json.loads(line) for line in sample_path(name).read_text(encoding="utf-8").splitlines()]
    return {(row["video_id"], row["section"]): row["caption"] for row in rows}


def test_sample_is_the_default_and_is_whole(sample: Benchmark) -> None:
    assert load_benchmark().questions == sample.questions
    assert (sample.name, sample.source) == ("sample", "sample")
    assert len(sample.videos) >= 12
    assert sample.sections == SECTIONS
    assert {key[0] for key in sample.questions} == set(sample.videos)
    assert len(sample.questions) == len(SECTIONS) * len(sample.videos)
    assert set(sample.captions) == set(sample.questions)


def test_the_shipped_files_are_what_the_generator_writes(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="PyAV is not installed (extra builders), so the sample cannot be made again")
    from builders.synthetic.sample import write_sample

    write_sample(tmp_path)
    texts = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".mp4"]
    same, different, missing = filecmp.cmpfiles(tmp_path, sample_path(), texts, shallow=False)
    assert (different, missing) == ([], [])
    assert len(same) == 9
    assert {path.name for path in (tmp_path / "videos").iterdir()} == {
        path.name for path in (sample_path() / "videos").iterdir()
    }


def test_videos_are_there_and_small(sample: Benchmark) -> None:
    files = list((sample_path() / "videos").glob("*.mp4"))
    assert {path.stem for path in files} == set(sample.videos)
    assert sum(path.stat().st_size for path in files) < 500_000


@pytest.mark.parametrize(("name", "truth"), [("strong", 0.8 * 0.95), ("weak", 0.35 * 0.7)])
def test_measured_accuracy_is_what_the_captions_state_rightly(name: str, truth: float, tmp_path: Path) -> None:
    run = score(sample_path(name), benchmark="sample", judge="lexical", out=tmp_path)
    assert run.report["average"]["accuracy"] == pytest.approx(truth, abs=0.03)


def test_strong_predictions_are_complete_and_weak_ones_lack_one_and_leave_one_empty(sample: Benchmark) -> None:
    strong, weak = captions_of("strong"), captions_of("weak")
    assert set(strong) == set(sample.questions)
    assert all(strong.values())
    assert [section for _, section in set(sample.questions) - set(weak)] == ["camera"]
    assert [section for (_, section), caption in weak.items() if not caption] == ["short"]


def test_unknown_sample_file_lists_the_valid_names() -> None:
    with pytest.raises(InputError, match="one of benchmark, strong, weak"):
        sample_path("stong")
