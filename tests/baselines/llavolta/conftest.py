"""Toy models and batches for every test of LLaVolta."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def toy() -> Any:
    """A random LLaVolta of four layers and 16 tokens a picture; tests must leave it as it was."""
    pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
    pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")
    from baselines.llavolta.toy import toy_model

    return toy_model()


@pytest.fixture(scope="session")
def pixels() -> Any:
    """Six different pictures, (6, 3, 56, 56)."""
    torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
    return torch.randn(6, 3, 56, 56, generator=torch.Generator().manual_seed(1))
