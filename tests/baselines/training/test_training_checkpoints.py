"""A checkpoint counts only once it was written to its end; a curve only as far as a checkpoint goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.training.checkpoints import (
    MARK,
    is_whole,
    keep_newest,
    mark_whole,
    remove_torn,
    whole_checkpoints,
    writing,
)
from baselines.training.curve import CurvePoint, append_point, cut_curve, mean_loss, read_curve
from baselines.training.progress import TrainProgress
from vdc.errors import RunFailed


def checkpoint(out: Path, step: int, *, whole: bool = True) -> Path:
    folder = out / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    if whole:
        mark_whole(folder)
    return folder


def point(step: int, loss: float = 1.0) -> CurvePoint:
    return CurvePoint(step, 1, loss, 0.1, None, 2.0)


def test_only_marked_checkpoints_count_and_by_number(tmp_path: Path) -> None:
    for step in (10, 9, 2):
        checkpoint(tmp_path, step)
    checkpoint(tmp_path, 11, whole=False)
    (tmp_path / "checkpoint-final").mkdir()
    assert [one.step for one in whole_checkpoints(tmp_path)] == [2, 9, 10]
    assert whole_checkpoints(tmp_path / "nothing") == []


@pytest.mark.parametrize("damage", ["short", "gone", "mark"])
def test_a_damaged_checkpoint_is_not_whole(tmp_path: Path, damage: str) -> None:
    folder = checkpoint(tmp_path, 1)
    assert is_whole(folder)
    if damage == "short":
        (folder / "model.safetensors").write_bytes(b"weig")
    elif damage == "gone":
        (folder / "model.safetensors").unlink()
    else:
        (folder / MARK).write_text("{")
    assert not is_whole(folder)
    assert remove_torn(tmp_path) == [folder] and not folder.exists()


def test_the_newest_are_kept_and_torn_ones_do_not_push_them_out(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        checkpoint(tmp_path, step)
    checkpoint(tmp_path, 4, whole=False)
    keep_newest(tmp_path, 2)
    assert [one.step for one in whole_checkpoints(tmp_path)] == [2, 3]


def test_a_curve_is_cut_to_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    for step in (1, 2, 3):
        append_point(path, point(step, loss=step / 3))
    with path.open("a") as file:
        file.write('{"step": 4, "sta')
    assert [one.step for one in read_curve(path)] == [1, 2, 3]
    first = path.read_text().splitlines(keepends=True)[:2]
    cut_curve(path, 2)
    assert path.read_text() == "".join(first)
    assert mean_loss(read_curve(path)) == 0.5 and mean_loss([]) is None


def test_progress_says_step_stage_loss_rate_and_what_is_left() -> None:
    progress = TrainProgress(stages=4)
    progress.show(point(1), 100, now_s=0.0)
    assert progress.line(point(21, 2.5), 100, now_s=10.0) == (
        "step 21/100 (21 %), stage 1/4, loss 2.500, 2.0 steps/s, 40 s left"
    )


@pytest.mark.parametrize("kind", ["torch", "safetensors"])
def test_a_file_that_breaks_off_is_said_in_words(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "checkpoint-2"
    error: Exception = RuntimeError("unexpected pos 14528 vs 14416")
    if kind == "safetensors":
        safetensors = pytest.importorskip("safetensors", reason="the baselines extra (safetensors) is not installed")
        error = safetensors.SafetensorError("No space left")
    with (
        pytest.raises(RunFailed, match=r"checkpoint-2: found that it cannot be written \(.+\) with [\d,]+ MB free"),
        writing(folder),
    ):
        raise error


def test_another_failure_while_writing_stays_what_it_is(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="the baselines extra (safetensors) is not installed")
    with pytest.raises(NotImplementedError), writing(tmp_path / "checkpoint-2"):
        raise NotImplementedError
