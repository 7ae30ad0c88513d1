"""What containers are told to do exists in this project. No image is built here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from leaderboard.cli import app

ROOT = Path(__file__).parents[2]
COMMANDS: Any = typer.main.get_command(app)
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def check_command(words: list[str]) -> None:
    assert words[:2] == ["vdc", "leaderboard"]
    command = COMMANDS.commands[words[2]]
    command.make_context(words[2], words[3:], resilient_parsing=False)


def test_the_services_are_database_api_pages_and_worker() -> None:
    assert {"database", "init", "api", "app", "worker"} == set(COMPOSE["services"])


@pytest.mark.parametrize("name", ["init", "api", "app", "worker"])
def test_every_service_runs_a_command_that_exists(name: str) -> None:
    check_command(COMPOSE["services"][name]["command"])


def test_the_environment_of_the_services_is_known_to_the_settings() -> None:
    known = (ROOT / "leaderboard" / "settings.py").read_text(encoding="utf-8") + (
        ROOT / "vdc" / "settings.py"
    ).read_text(encoding="utf-8")
    for name in COMPOSE["services"]["api"]["environment"]:
        short = name.removeprefix("VDC_LEADERBOARD_").removeprefix("VDC_")
        assert f'"{short}"' in known or short.lower() in known, name


@pytest.mark.parametrize("name", ["Dockerfile", "space/Dockerfile"])
def test_what_a_container_fetches_goes_where_it_may_write(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert {"VDC_HOME=/data", "HF_HOME=/data/huggingface"} <= set(text.split())


def test_a_service_that_is_stopped_has_time_to_put_its_job_back() -> None:
    from leaderboard.queue.worker import FINISH_S

    assert COMPOSE["services"]["worker"]["stop_grace_period"] == "45s" and FINISH_S < 40


def test_everything_that_an_image_copies_is_sent_to_its_builder() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name in ("Dockerfile", "space/Dockerfile"):
        for sources in re.findall(r"^COPY (.+) \S+$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE):
            assert set(sources.split()) <= kept


@pytest.mark.parametrize("name", ["Dockerfile", "space/Dockerfile"])
def test_the_images_install_an_extra_and_copy_folders_that_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    used = re.findall(r"\.\[([\w,]+)\]", text)
    assert used and {extra for one in used for extra in one.split(",")} <= set(extras)
    for sources in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / source).exists() for source in sources.split())


def test_the_image_starts_a_command_that_exists() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    words = re.findall(r'"([^"]+)"', text.rpartition("CMD [")[2])
    check_command(words)


def test_files_that_change_under_a_running_server_are_not_loaded() -> None:
    """Half of the modules would be new ones: the gate in front of uploads would no longer know who signed in."""
    text = (ROOT / "leaderboard" / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["server"]["fileWatcherType"] == "none"


def test_the_space_says_how_it_is_built_and_on_which_port() -> None:
    _, front, _ = (ROOT / "space" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    facts = yaml.safe_load(front)
    assert (facts["sdk"], facts["app_port"], facts["hf_oauth"]) == ("docker", 8321, True)
    assert f"--port {facts['app_port']}" in (ROOT / "space" / "start.sh").read_text(encoding="utf-8")


@pytest.fixture
def started(tmp_path: Path) -> Any:
    """Runs the Space's start script with a ``vdc`` that only says what it was asked."""
    fake = tmp_path / "bin" / "vdc"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "vdc $*"\n')
    fake.chmod(0o755)

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        places = f"{fake.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {"PATH": places, "HOME": str(tmp_path), **variables}
        return subprocess.run(
            ["sh", str(ROOT / "space" / "start.sh")], env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_the_space_starts_with_commands_that_exist(started: Any, tmp_path: Path) -> None:
    done = started()
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        check_command(line.split())
    assert not (tmp_path / ".streamlit").exists()


def test_the_space_writes_the_login_from_what_it_is_given(started: Any, tmp_path: Path) -> None:
    given = {"OAUTH_CLIENT_ID": "id", "OAUTH_CLIENT_SECRET": "secret", "SPACE_HOST": "a-b.hf.space"}
    refused = started(**given)
    assert refused.returncode != 0 and "VDC_COOKIE_SECRET" in refused.stderr
    done = started(**given, VDC_COOKIE_SECRET="long")
    assert done.returncode == 0, done.stderr
    path = tmp_path / ".streamlit" / "secrets.toml"
    auth = tomllib.loads(path.read_text(encoding="utf-8"))["auth"]
    assert auth["redirect_uri"] == "https://a-b.hf.space/oauth2callback"
    assert auth["server_metadata_url"] == "https://huggingface.co/.well-known/openid-configuration"
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("secret", ['a"b', "a\\b\\", "$HOME `id`", 'x"\nadmin = "y', "\u00e9\U0001f600\x7f"])
def test_the_space_keeps_secrets_of_any_characters(started: Any, tmp_path: Path, secret: str) -> None:
    given = {"OAUTH_CLIENT_ID": "id", "OAUTH_CLIENT_SECRET": secret, "SPACE_HOST": "a-b.hf.space"}
    done = started(**given, VDC_COOKIE_SECRET=secret)
    assert done.returncode == 0, done.stderr
    auth = tomllib.loads((tmp_path / ".streamlit" / "secrets.toml").read_text(encoding="utf-8"))["auth"]
    assert auth["client_secret"] == auth["cookie_secret"] == secret and "admin" not in auth
