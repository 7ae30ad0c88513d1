"""Toy LLaMA-VID and the golden files of the published code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"


@pytest.fixture(scope="session")
def llama_vid_golden() -> Path:
    folder = REFERENCE / "llama_vid" / "golden"
    if not folder.is_dir():
        pytest.skip("the golden files of the published code are not part of this project and not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def toy_vid() -> Any:
    """A random LLaMA-VID whose answers depend on what it sees; tests must leave it as it was."""
    pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
    pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")
    from baselines.llama_vid.toy import toy_model

    return toy_model()
