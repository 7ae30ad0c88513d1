"""What every test gets without asking: its own user folder, a clean environment, no network beyond this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT.parent / "shared" / "reference"


@pytest.fixture(autouse=True)
def isolated_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user folder of the test's own and none of the caller's settings or keys."""
    for name in list(os.environ):
        if name.startswith(("VDC_", "OPENAI_", "HF_")):
            monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("VDC_HOME", str(folder))
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    return folder


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test that opens a connection to anything but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to connect to {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture
def published_questions() -> Path:
    """Folder with the five real question files, where the reference folder lies beside the checkout."""
    folder = REFERENCE / "vdc" / "data" / "qa"
    if not folder.is_dir():
        pytest.skip("the published question files are not part of this project and are not beside this checkout")
    return folder
