"""Loading a converted LLaVolta or LLaVA-1.5, in full or reduced precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from baselines.common.loading import load_beside, load_native
from baselines.llavolta.model import LlavoltaForConditionalGeneration
from baselines.llavolta.processor import LlavoltaProcessor

UNQUANTISED = ("model.vision_tower", "model.multi_modal_projector", "lm_head")
"""Parts that keep their precision: they are small, and all that the language model sees comes through them."""


def load_model(name: str | Path, **options: Any) -> LlavoltaForConditionalGeneration:
    """A model from a converted folder or a Hub name; arguments and errors as :func:`load_native`."""
    model: LlavoltaForConditionalGeneration = load_native(
        LlavoltaForConditionalGeneration, name, keep=UNQUANTISED, **options
    )
    return model


def load_processor(name: str | Path, *, revision: str | None = None) -> LlavoltaProcessor:
    """The processor beside a converted checkpoint; errors as :func:`load_beside`."""
    expected = "tokenizer files and preprocessor_config.json"
    processor: LlavoltaProcessor = load_beside(LlavoltaProcessor, name, expected=expected, revision=revision)
    return processor
