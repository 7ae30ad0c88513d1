"""A tiny LLaVolta with random weights, for tests, demos and dry runs of the whole road."""

from __future__ import annotations

import tempfile
from pathlib import Path

from baselines.common.toy_parts import save_with_tokenizer, toy_decoder, toy_tower, with_random_weights
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
    vision = toy_tower(width=width, layers=3, image_size=image_size)
    text = toy_decoder(width=width, layers=layers, vocabulary=vocabulary, max_position_embeddings=4096)
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
    return with_random_weights(lambda: LlavoltaForConditionalGeneration(config or toy_config()), seed=seed, scale=scale)


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
    with tempfile.TemporaryDirectory() as work:
        save_with_tokenizer(toy_model(config, seed=seed), work)
        return convert(work, folder, layout="official")
