"""Loading a converted AuroraCap, in full or reduced precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.auroracap.processor import AuroraCapProcessor
from baselines.common.loading import load_beside, load_native, quantisation

__all__ = ["UNQUANTISED", "load_model", "load_processor", "quantisation"]

UNQUANTISED = ("model.vision_tower", "model.multi_modal_projector", "lm_head")
"""Parts that keep their precision: matching compares keys, where rounding changes which tokens merge."""


def load_model(name: str | Path, **options: Any) -> AuroraCapForConditionalGeneration:
    """A model from a converted folder or a Hub name; arguments and errors as :func:`load_native`."""
    model: AuroraCapForConditionalGeneration = load_native(
        AuroraCapForConditionalGeneration, name, keep=UNQUANTISED, **options
    )
    return model


def load_processor(name: str | Path, *, revision: str | None = None) -> AuroraCapProcessor:
    """The processor beside a converted checkpoint; errors as :func:`load_beside`."""
    expected = "tokenizer.json and preprocessor_config.json"
    processor: AuroraCapProcessor = load_beside(AuroraCapProcessor, name, expected=expected, revision=revision)
    return processor
