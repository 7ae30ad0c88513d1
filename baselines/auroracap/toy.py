"""A tiny AuroraCap with random weights in the released layout, for tests, demos and dry runs of the whole road."""

from __future__ import annotations

import tempfile
from pathlib import Path

from baselines.auroracap.config import AuroraCapConfig
from baselines.auroracap.convert import convert
from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.common.toy_parts import save_with_tokenizer, toy_decoder, toy_tower, with_random_weights


def toy_config(*, image_size: int = 56, layers: int = 4, width: int = 32, vocabulary: int = 320) -> AuroraCapConfig:
    """Configuration of a model of some ten thousand parameters with everything the large one has.

    Args:
        image_size: Side of a picture, pixels; 56 gives 16 patches.
        layers: Layers of the tower.
        width: Width of tower and decoder; a multiple of 16.
        vocabulary: Rows of the embedding table.
    """
    vision = toy_tower(width=width, layers=layers, image_size=image_size)
    rope = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}
    text = toy_decoder(width=width, vocabulary=vocabulary, rope_parameters=rope)
    return AuroraCapConfig(vision_config=vision.to_dict(), text_config=text.to_dict(), dtype="float32")


def toy_model(
    config: AuroraCapConfig | None = None, *, seed: int = 0, scale: float = 0.3
) -> AuroraCapForConditionalGeneration:
    """A random model in evaluation mode.

    Args:
        config: None takes :func:`toy_config`.
        seed: Decides the weights; the global generator is left as it was.
        scale: Standard deviation of matrices. Larger than usual, so that answers differ from each other.
    """
    return with_random_weights(
        lambda: AuroraCapForConditionalGeneration(config or toy_config()), seed=seed, scale=scale
    )


def write_toy_release(folder: str | Path, *, config: AuroraCapConfig | None = None, seed: int = 0) -> Path:
    """Write a random model as the published one is released: three folders and a tokenizer.

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
        return convert(work, folder, layout="xtuner")
