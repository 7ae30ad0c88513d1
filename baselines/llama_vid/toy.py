"""A tiny LLaMA-VID with random weights in the released layout, for tests, demos and dry runs of the whole road."""

from __future__ import annotations

import string
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import InstructBlipQFormerConfig, LlamaConfig

from baselines.common.byte_tokenizer import make_byte_tokenizer
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
    heads = width // 16
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
    text = LlamaConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        vocab_size=320,
        max_position_embeddings=512,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaVidForConditionalGeneration(config or toy_config()).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, scale / max(1.0, parameter.shape[-1] / 32) ** 0.5)
    return model


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
        toy_model(config, seed=seed).save_pretrained(work)
        make_byte_tokenizer().save_pretrained(work)
        question_tokenizer(TOY_WORDS).save_pretrained(Path(work) / QUESTION_FOLDER)
        return convert(work, folder, layout=layout)
