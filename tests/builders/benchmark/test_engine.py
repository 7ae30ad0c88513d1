"""The two engines: the same outcomes in the same order, each item once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from builders.benchmark import BuildOptions, build_benchmark
from builders.benchmark.engine import Engine, Job, Outcome, work
from builders.benchmark.model import Dropped
from tests.builders.fake_vision import vision_reply
from vdc.errors import MissingExtra, RunFailed
from vdc.llm.fake_server import FakeServer

CALLS: list[str] = []


def task(item: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> Outcome:
    """Notes the call; fails where told."""
    CALLS.append(item["name"])
    if item["name"] == settings.get("full"):
        raise RunFailed("no room")
    if item["name"] == settings.get("again"):
        return Outcome(dropped=[Dropped("x", "call_failed", "failure", "", again=True)])
    (folder / item["name"]).write_text("file")
    return Outcome([{"name": item["name"]}], files=[item["name"]])


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    CALLS.clear()
    return lambda **settings: Job("engine_task:task", settings, str(tmp_path), "cache")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is found by the name of its module, as in a worker."""
    module = ModuleType("engine_task")
    module.task = task  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "engine_task", module)


ITEMS = [{"name": name} for name in ("a", "b", "c", "d")]


def test_outcomes_come_in_the_order_of_the_items(job: Callable[..., Job]) -> None:
    outcomes = Engine(workers=3).run(job(), ITEMS)
    assert [outcome.rows[0]["name"] for outcome in outcomes] == ["a", "b", "c", "d"]


def test_item_is_done_once_while_its_files_are_there(job: Callable[..., Job], tmp_path: Path) -> None:
    Engine(workers=1).run(job(), ITEMS)
    (tmp_path / "b").unlink()
    outcomes = Engine(workers=1).run(job(), ITEMS)
    assert CALLS == ["a", "b", "c", "d", "b"]
    assert len(outcomes) == 4


def test_other_settings_are_another_outcome(job: Callable[..., Job]) -> None:
    Engine(workers=1).run(job(), ITEMS[:1])
    Engine(workers=1).run(job(other=1), ITEMS[:1])
    assert CALLS == ["a", "a"]


@pytest.mark.parametrize(("setting", "reason"), [("full", "cannot_write"), ("again", "call_failed")])
def test_passing_failure_is_not_remembered(job: Callable[..., Job], setting: str, reason: str) -> None:
    for _ in range(2):
        outcomes = Engine(workers=1).run(job(**{setting: "b"}), ITEMS)
        assert [row.reason for outcome in outcomes for row in outcome.dropped] == [reason]
    assert CALLS == ["a", "b", "c", "d", "b"]


def test_damaged_cache_is_done_again(job: Callable[..., Job], tmp_path: Path) -> None:
    text = work(job(), json.dumps(ITEMS[0]))
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_text("{half")
    assert work(job(), json.dumps(ITEMS[0])) == text
    assert CALLS == ["a", "a"]


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed: its absence cannot be tried")
def test_missing_ray_names_its_extra(job: Callable[..., Job]) -> None:
    with pytest.raises(MissingExtra, match=r"vdc-toolkit\[ray\]"):
        Engine("ray").run(job(), ITEMS)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (extra ray)")
def test_ray_gives_the_same_bytes(
    configure: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    root = str(Path(__file__).parents[3])
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    config = configure()
    with FakeServer(vision_reply) as server:
        options = {"base_url": server.base_url, "until": "frames"}
        local = build_benchmark(config, BuildOptions(out=tmp_path / "local", **options))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            far = build_benchmark(config, BuildOptions(out=tmp_path / "far", engine="ray", **options))
        finally:
            ray.shutdown()
    assert far.steps == local.steps
    for name in ("clips/kept.jsonl", "frames/kept.jsonl", "clips/videos/second-001.mp4"):
        assert (tmp_path / "far" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
