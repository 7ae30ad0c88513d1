"""A tiny LLaMA-VID with random weights in the released layout, for tests, demos and dry runs of the whole road."""

from __future__ import annotations

import string
import tempfile
from pathlib import Path
from typing import Any

from transformers import InstructBlipQFormerConfig

from baselines.common.toy_parts import heads_of, save_with_tokenizer, toy_decoder, with_random_weights
from baselines.llama_vid.config import EvaVisionConfig, LlamaVidConfig
from baselines.llama_vid.convert import QUESTION_FOLDER, convert
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.tokenizer import question_tokenizer

TOY_WORDS = (
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    + list(string.ascii_lowercase + string.digits + string.punctuation)
    + [f"##{letter}" for letter in string.ascii_lowercase + string.digits]
)
"""A vocabulary that spells every English word letter by letter."""


def toy_config(*, image_size: int = 56, width: int = 32, compress_type: str = "mean", **changes: Any) -> LlamaVidConfig:
    """Configuration of a model of some ten thousand parameters with everything the large one has.

    Args:
        image_size: Side of a picture, pixels; 56 gives 16 patches.
        width: Width of every part; a multiple of 16.
        compress_type: As ``LlamaVidConfig.compress_type``.
        changes: Other fields of the configuration.
    """
    heads = heads_of(width)
    vision = EvaVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=heads,
        image_size=image_size,
    )
    qformer = InstructBlipQFormerConfig(
        vocab_size=len(TOY_WORDS) + 1,
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=heads,
        intermediate_size=2 * width,
        max_position_embeddings=300,
        encoder_hidden_size=width,
    )
    rope = {"rope_type": "default", "rope_theta": 10000.0}
    text = toy_decoder(width=width, rope_parameters=rope)
    parts = {"vision_config": vision, "qformer_config": qformer, "text_config": text}
    return LlamaVidConfig(**parts, num_query=4, compress_type=compress_type, dtype="float32", **changes)


def toy_model(
    config: LlamaVidConfig | None = None, *, seed: int = 0, scale: float = 0.3
) -> LlamaVidForConditionalGeneration:
    """A random model in evaluation mode.

    Args:
        config: None takes :func:`toy_config`.
        seed: Decides the weights; the global generator is left as it was.
        scale: Standard deviation of matrices. Larger than usual, so that answers differ from each other.
    """
    return with_random_weights(lambda: LlamaVidForConditionalGeneration(config or toy_config()), seed=seed, scale=scale)


def write_toy(
    folder: str | Path, *, config: LlamaVidConfig | None = None, seed: int = 0, layout: str = "native"
) -> Path:
    """Write a random model.

    Args:
        folder: New or empty.
        config: None takes :func:`toy_config`.
        seed: Decides the weights.
        layout: As :func:`baselines.llama_vid.convert.convert`.

    Returns:
        The folder.

    Raises:
        InputError: The folder is not empty, or an unknown layout.
    """
    with tempfile.TemporaryDirectory() as work:
        save_with_tokenizer(toy_model(config, seed=seed), work)
        question_tokenizer(TOY_WORDS).save_pretrained(Path(work) / QUESTION_FOLDER)
        return convert(work, folder, layout=layout)
