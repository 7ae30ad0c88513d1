"""Toy LLaMA-VID."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def toy_vid() -> Any:
    """A random LLaMA-VID whose answers depend on what it sees; tests must leave it as it was."""
    pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
    pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")
    from baselines.llama_vid.toy import toy_model

    return toy_model()
