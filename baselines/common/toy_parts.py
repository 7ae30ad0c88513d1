"""Small parts with random weights: what the toy models of tests, demos and dry runs are put together from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from transformers import CLIPVisionConfig, LlamaConfig

from baselines.common.byte_tokenizer import BOS, EOS, PAD, make_byte_tokenizer

Module = TypeVar("Module", bound=nn.Module)


def heads_of(width: int) -> int:
    """Heads of a toy part of that width; two at least, so that mixing them up shows."""
    return max(2, width // 16)


def toy_tower(*, width: int, layers: int, image_size: int) -> CLIPVisionConfig:
    """A CLIP tower.

    Args:
        width: Width; a multiple of 16.
        layers: Layers.
        image_size: Side of a picture, pixels; 56 gives 16 patches of 14 pixels.
    """
    return CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads_of(width),
        image_size=image_size,
        patch_size=14,
        hidden_act="quick_gelu",
        projection_dim=width,
    )


def toy_decoder(*, width: int, layers: int = 2, vocabulary: int = 320, **changes: Any) -> LlamaConfig:
    """A Llama that reads ids of the byte tokenizer.

    Args:
        width: Width; a multiple of 16.
        layers: Layers.
        vocabulary: Rows of the embedding table; the byte tokenizer needs 259.
        changes: Other fields of the configuration.
    """
    fields = {
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads_of(width),
        "num_key_value_heads": heads_of(width),
        "vocab_size": vocabulary,
        "max_position_embeddings": 512,
        "bos_token_id": BOS,
        "eos_token_id": EOS,
        "pad_token_id": PAD,
    }
    return LlamaConfig(**{**fields, **changes})


def with_random_weights(build: Callable[[], Module], *, seed: int, scale: float) -> Module:
    """A module in evaluation mode whose matrices are drawn anew.

    Args:
        build: Makes the module.
        seed: Decides the weights; the global generator is left as it was.
        scale: Standard deviation of matrices. Larger than usual, so that answers differ from each other.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build().eval()
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, scale / max(1.0, parameter.shape[-1] / 32) ** 0.5)
    return module


def save_with_tokenizer(model: Any, folder: str | Path) -> None:
    """Save a model of transformers in this project's layout, with the byte tokenizer beside it."""
    model.save_pretrained(folder)
    make_byte_tokenizer().save_pretrained(folder)
