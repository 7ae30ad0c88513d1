"""Loading a converted LLaMA-VID, in full or reduced precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from baselines.common.loading import load_beside, load_native
from baselines.llama_vid.convert import QUESTION_FOLDER
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.processor import LlamaVidProcessor
from vdc.errors import InputError, Problem

UNQUANTISED = (
    "model.vision_tower",
    "model.qformer",
    "model.context_attention",
    "model.projector",
    "lm_head",
)
"""Parts that keep their precision, as the published code keeps tower and context modules."""


def load_model(name: str | Path, **options: Any) -> LlamaVidForConditionalGeneration:
    """A model from a converted folder or a Hub name; arguments and errors as :func:`load_native`."""
    model: LlamaVidForConditionalGeneration = load_native(
        LlamaVidForConditionalGeneration, name, keep=UNQUANTISED, **options
    )
    return model


def load_processor(name: str | Path, *, revision: str | None = None) -> LlamaVidProcessor:
    """The processor beside a converted checkpoint.

    Raises:
        InputError: As :func:`load_beside`; or the folder was converted without the questions' vocabulary.
    """
    folder = Path(name)
    if folder.is_dir() and not (folder / QUESTION_FOLDER).is_dir():
        raise InputError(
            Problem(
                f"no {QUESTION_FOLDER}/, which reads the questions",
                "a checkpoint that was converted with vocab.txt of bert-base-uncased",
                "convert it again with --bert-vocabulary vocab.txt",
                str(folder),
            )
        )
    expected = "tokenizer files, preprocessor_config.json and question_tokenizer/"
    processor: LlamaVidProcessor = load_beside(LlamaVidProcessor, name, expected=expected, revision=revision)
    return processor
