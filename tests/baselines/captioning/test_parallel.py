"""Several processes give the captions that one gives."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.output import PART, encode_result
from baselines.captioning.plan import WorkerPlan
from baselines.captioning.run import CaptionOptions, caption_videos
from baselines.captioning.types import CaptionJob, Clip, ClipCaptions, ModelSettings
from vdc.errors import MissingExtra, RunFailed

pytest.importorskip("torch", reason="torch is not installed (extra baselines)")


def lines(path: Path) -> list[str]:
    return sorted(path.read_text(encoding="utf-8").splitlines())


def test_a_plan_travels_as_text() -> None:
    job = CaptionJob(Clip("a", Path("a.mp4")), (("short", "say"), ("camera", "say more")))
    plan = WorkerPlan(
        ModelSettings("m"), Checkpoint("m", "hub", "Llava"), 2, "cpu", (job, replace(job, clip=Clip("b", None)))
    )
    assert WorkerPlan.from_text(plan.to_text()) == plan


@pytest.mark.slow
@pytest.mark.skipif(find_spec("accelerate") is None, reason="accelerate is not installed (extra baselines)")
def test_two_processes_share_the_work(toy_folder: Path, videos: Path, tmp_path: Path) -> None:
    settings = ModelSettings(str(toy_folder), frames=2, max_new_tokens=4)
    one = CaptionOptions(out=tmp_path / "one.jsonl", videos=videos, device="cpu")
    caption_videos(settings, one)
    two = replace(one, out=tmp_path / "two.jsonl", engine="accelerate", processes=2)
    # a worker of an earlier run was killed after this caption
    part = two.out.with_name(f"{two.out.name}{PART}00007.jsonl")
    first = ClipCaptions("a", {"short": "from the killed run"})
    part.write_text(encode_result(first) + "\n")
    record = two.out.with_name(two.out.name + ".run.json")
    record.write_text(one.out.with_name(one.out.name + ".run.json").read_text())
    run = caption_videos(settings, two)
    assert (run.there_before, run.written, run.failed) == (1, 14, 0)
    rest = [line for line in lines(one.out) if not ('"a"' in line and '"short"' in line)]
    assert [line for line in lines(two.out) if "killed run" not in line] == rest
    assert list(tmp_path.glob(f"*{PART}*")) == []


@pytest.mark.skipif(find_spec("accelerate") is None, reason="accelerate is not installed (extra baselines)")
def test_a_worker_that_ends_early_fails_the_run_and_its_results_stay(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.captioning.on_accelerate import AccelerateEngine

    out = tmp_path / "p.jsonl"
    result = encode_result(ClipCaptions("a", {"short": "x"}))
    part = f"{out}{PART}00000.jsonl"
    script = f"import pathlib, sys; pathlib.Path({part!r}).write_text({result!r} + chr(10)); sys.exit(3)"
    monkeypatch.setattr(AccelerateEngine, "_command", lambda self, plan, part: [sys.executable, "-c", script])
    plan = WorkerPlan(ModelSettings("m"), Checkpoint("m", "hub", "Llava"), 1, "cpu")
    results = AccelerateEngine(plan, out, 2).run([CaptionJob(Clip("a", videos / "a.mp4"), (("short", "say"),))])
    assert next(results) == ClipCaptions("a", {"short": "x"}, {})
    with pytest.raises(RunFailed, match="code 3"):
        next(results)
    assert out.with_name(f"{out.name}{PART}00000.jsonl").exists()


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed: its absence cannot be tried")
def test_missing_ray_names_its_extra(toy_folder: Path, videos: Path, tmp_path: Path) -> None:
    options = CaptionOptions(out=tmp_path / "p.jsonl", videos=videos, engine="ray")
    with pytest.raises(MissingExtra, match=r"vdc-toolkit\[ray\]"):
        caption_videos(ModelSettings(str(toy_folder)), options)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (extra ray)")
def test_ray_gives_the_same_captions(
    toy_folder: Path, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.setenv("PYTHONPATH", ":".join([str(Path(__file__).parents[3]), *sys.path]))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    settings = ModelSettings(str(toy_folder), frames=2, max_new_tokens=4)
    one = CaptionOptions(out=tmp_path / "one.jsonl", videos=videos, device="cpu")
    caption_videos(settings, one)
    far = replace(one, out=tmp_path / "far.jsonl", engine="ray", processes=2)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert caption_videos(settings, far).written == 15
    finally:
        ray.shutdown()
    assert lines(far.out) == lines(one.out)
