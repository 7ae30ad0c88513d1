"""``vdc build benchmark`` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from builders.benchmark import build_benchmark
from builders.cli.build import app
from builders.cli.build_benchmark import open_review
from vdc.errors import InputError, MissingExtra
from vdc.llm.fake_server import FakeServer

ROOT = Path(__file__).parents[3]
Configure = Callable[..., Path]


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["benchmark", *map(str, arguments)])


def test_build_prints_a_line_per_step_and_where_the_result_is(configure: Configure, eye: FakeServer) -> None:
    config = configure()
    done = call(config, "--base-url", eye.base_url)
    assert done.exit_code == 0, done.output
    assert "3 in, 3 out; left out: too_short 1" in done.stdout
    assert f"published: {config.parent / 'build' / 'published'}" in done.stdout
    assert "(done before)" in call(config, "--base-url", eye.base_url).stdout


def test_failure_of_one_file_exits_1_with_its_remedy_and_finishes_the_rest(
    configure: Configure, eye: FakeServer
) -> None:
    config = configure()
    (config.parent / "videos" / "bad.mp4").write_bytes(b"")
    done = call(config, "--base-url", eye.base_url)
    assert done.exit_code == 1
    assert "0:bad.mp4: found a file of 0 bytes; do next: download or copy it again" in done.stdout
    assert (config.parent / "build" / "published" / "checksums.sha256").is_file()
    # the same answer again: what failed is not forgotten because it was done before
    assert call(config, "--base-url", eye.base_url).exit_code == 1


def test_finished_build_needs_no_server(configure: Configure, eye: FakeServer) -> None:
    config = configure()
    call(config, "--base-url", eye.base_url)
    done = call(config)
    assert done.exit_code == 0, done.output
    assert done.stdout.count("(done before)") == 8


def test_captions_to_write_need_a_server(configure: Configure) -> None:
    with pytest.raises(InputError, match="no model server"):
        build_benchmark(configure())


@pytest.mark.parametrize("address", [None, "0.0.0.0"], ids=["this machine", "the user's choice"])
def test_review_page_listens_on_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: SimpleNamespace(origin=name))
    if address is None:
        monkeypatch.delenv("STREAMLIT_SERVER_ADDRESS", raising=False)
    else:
        monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", address)
    assert open_review(tmp_path / "build.yaml", tmp_path) == 0
    assert (" --server.address localhost -- " in " ".join(commands[0])) == (address is None)


def test_json_is_stable(configure: Configure, eye: FakeServer) -> None:
    done = call(configure(), "--base-url", eye.base_url, "--json")
    record = json.loads(done.stdout)
    assert set(record) == {"schema_version", "folder", "complete", "done_now", "steps", "failures", "commit"}
    assert record["steps"]["clips"]["filtered"] == {"too_short": 1}


def test_dry_run_asks_and_writes_nothing(configure: Configure, eye: FakeServer) -> None:
    config = configure()
    done = call(config, "--base-url", eye.base_url, "--dry-run")
    assert done.exit_code == 0
    assert "known after --until frames" in done.stdout
    assert not (config.parent / "build").exists()
    call(config, "--base-url", eye.base_url, "--until", "frames")
    record = json.loads(call(config, "--base-url", eye.base_url, "--dry-run", "--json").stdout)
    assert [step["state"] for step in record["steps"]] == ["done"] * 3 + ["to do"] * 5
    assert record["calls"]["captions"].startswith("calls: 15 (at most 45)")
    assert eye.stats.requests == 0


def test_front_door_reports_problems_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\n")
    program = "import sys; from vdc.cli import main; main(sys.argv[1:])"
    arguments = ["build", "benchmark", str(tmp_path / "a.yaml")]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 2
    assert "add sources" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_of_the_group_names_both_kinds_and_imports_neither() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from builders.cli.build import app\n"
        "done = CliRunner().invoke(app, ['--help']); print(done.output)\n"
        "print(sorted({'av', 'datasets', 'streamlit', 'cv2', 'aiohttp', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "benchmark" in done.stdout and "synthetic" in done.stdout
    assert done.stdout.strip().endswith("[]")


@pytest.mark.skipif(find_spec("streamlit") is not None, reason="Streamlit is installed: its absence cannot be tried")
def test_review_without_streamlit_names_the_extra(configure: Configure) -> None:
    config = configure()
    with pytest.raises(MissingExtra, match=r"vdc-toolkit\[builders\]"):
        open_review(config, config.parent / "build")


@pytest.mark.skipif(find_spec("streamlit") is None, reason="Streamlit is not installed (extra builders)")
def test_review_page_edits_and_accepts(configure: Configure, eye: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.testing.v1 import AppTest

    from builders.benchmark.reviewing import ReviewDesk

    config = configure()
    call(config, "--base-url", eye.base_url, "--until", "audit")
    folder = config.parent / "build"
    page = ROOT / "builders" / "benchmark" / "review_page.py"
    monkeypatch.setattr(sys, "argv", [str(page), str(config), str(folder)])
    app_test = AppTest.from_file(str(page), default_timeout=30).run()
    assert not app_test.exception
    assert app_test.title[0].value == "Review: small"
    item = ReviewDesk(folder).original("first").questions["short"][0]
    app_test.text_input(key="question-first-short-0").set_value("What goes round there?")
    app_test.button(key="edit-first-short-0").click().run()
    assert not app_test.exception
    decision = ReviewDesk(folder).current("first", "short", item)
    assert decision is not None and (decision.action, decision.text) == ("edit", "What goes round there?")
    app_test.text_input(key="answer-first-short-0").set_value("a submarine")
    app_test.button(key="edit-first-short-0").click().run()
    assert "does not stand in the description" in app_test.error[0].value
    app_test.text_input(key="reviewer").set_value("ann").run()
    app_test.button(key="accept").click().run()
    assert ReviewDesk(folder).verdict("first") == "accept"
    assert app_test.session_state["clip"] == "second-000"
    app_test.button(key="reject").click().run()
    assert ReviewDesk(folder).progress.open == 1
