"""A tiny LLaVolta with random weights, for tests, demos and dry runs of the whole road."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import CLIPVisionConfig, LlamaConfig

from baselines.common.byte_tokenizer import make_byte_tokenizer
from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.convert import convert
from baselines.llavolta.model import LlavoltaForConditionalGeneration
from baselines.llavolta.setting import NO_COMPRESSION, Compression


def toy_config(
    *,
    image_size: int = 56,
    layers: int = 4,
    width: int = 32,
    vocabulary: int = 320,
    compression: Compression = NO_COMPRESSION,
) -> LlavoltaConfig:
    """Configuration of a model of some ten thousand parameters with everything the large one has.

    Args:
        image_size: Side of a picture, pixels; 56 gives 16 patches of 14 pixels.
        layers: Decoder layers.
        width: Width of tower and decoder; a multiple of 16.
        vocabulary: Rows of the embedding table.
        compression: What the model does where a call says nothing.
    """
    heads = max(2, width // 16)
    vision = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=heads,
        image_size=image_size,
        patch_size=14,
        hidden_act="quick_gelu",
        projection_dim=width,
    )
    text = LlamaConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        vocab_size=vocabulary,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return LlavoltaConfig(
        vision_config=vision.to_dict(),
        text_config=text.to_dict(),
        grouping=compression.grouping,
        compression_layer=compression.layer,
        compression_stride=compression.stride,
        dtype="float32",
    )


def toy_model(
    config: LlavoltaConfig | None = None, *, seed: int = 0, scale: float = 0.3
) -> LlavoltaForConditionalGeneration:
    """A random model in evaluation mode.

    Args:
        config: None takes :func:`toy_config`.
        seed: Decides the weights; the global generator is left as it was.
        scale: Standard deviation of matrices. Larger than usual, so that answers differ from each other.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlavoltaForConditionalGeneration(config or toy_config()).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, scale / max(1.0, parameter.shape[-1] / 32) ** 0.5)
    return model


def write_toy_release(folder: str | Path, *, config: LlavoltaConfig | None = None, seed: int = 0) -> Path:
    """Write a random model in the layout that the published training saves, with a tokenizer.

    Args:
        folder: New or empty.
        config: None takes :func:`toy_config`.
        seed: Decides the weights.

    Returns:
        The folder, ready for ``convert``.

    Raises:
        InputError: The folder is not empty.
    """
    import tempfile

    with tempfile.TemporaryDirectory() as work:
        model = toy_model(config, seed=seed)
        model.save_pretrained(work)
        make_byte_tokenizer().save_pretrained(work)
        return convert(work, folder, layout="official")
