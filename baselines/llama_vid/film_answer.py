"""Questions about a film whose features are stored: no video is opened and no tower runs."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from baselines.common.positions import context_length
from baselines.llama_vid.config import LlamaVidConfig
from baselines.llama_vid.features import Film
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.processor import LlamaVidProcessor
from vdc.errors import InputError, Problem


def film_inputs(
    model: LlamaVidForConditionalGeneration, processor: LlamaVidProcessor, film: Film, question: str, *, new_tokens: int
) -> dict[str, Any]:
    """What the model is given for one question about a film.

    Args:
        model: Decides the device and how long a prompt may be.
        processor: Of the same checkpoint.
        film: Features, subtitles; they stay on disk and are copied to the device a block at a time.
        question: The question.
        new_tokens: Room kept for the answer.

    Returns:
        Keyword arguments of ``model.generate``; every frame is ``processor.tokens_per_frame`` positions.

    Raises:
        InputError: Blank question, features of another tower, or a film that is longer than the model can see.
    """
    if not question.strip():
        raise InputError(Problem("no question", "some words", "ask something"))
    config: LlamaVidConfig = model.config
    vision: Any = config.vision_config
    if film.features.shape[-1] != vision.hidden_size:
        raise InputError(
            Problem(
                f"features of width {film.features.shape[-1]}",
                f"{vision.hidden_size}, the width of this model's tower",
                "extract them again with this checkpoint",
            )
        )
    inputs = processor.film(question, film.inputs, film.tensor())
    check_room(config, film, inputs["input_ids"].shape[1], new_tokens)
    return {name: _placed(value, model) for name, value in inputs.items()}


def answer_about_film(
    model: LlamaVidForConditionalGeneration,
    processor: LlamaVidProcessor,
    film: Film,
    question: str,
    *,
    max_new_tokens: int = 1024,
    **generation: Any,
) -> str:
    """Answer one question about a film.

    Args:
        model: In evaluation mode.
        processor: Of the same checkpoint.
        film: As :func:`film_inputs`.
        question: The question.
        max_new_tokens: Longest answer; 1,024 as in the published script.
        **generation: Further arguments of ``generate``; without any, greedy. (The published script samples at
            temperature 0.6 and top-p 0.9.)

    Raises:
        InputError: As :func:`film_inputs`.
    """
    inputs = film_inputs(model, processor, film, question, new_tokens=max_new_tokens)
    made = model.generate(**inputs, max_new_tokens=max_new_tokens, **({"do_sample": False} | generation))
    fresh = made[0, inputs["input_ids"].shape[1] :]
    return str(processor.decode(fresh, skip_special_tokens=True)).strip()


def check_room(config: LlamaVidConfig, film: Film, length: int, new_tokens: int) -> None:
    """Whether the model can see a prompt about a film and its answer; asked before any token of a frame is made.

    Args:
        config: Of the model.
        film: Film of the prompt.
        length: Positions of the prompt.
        new_tokens: Room kept for the answer.

    Raises:
        InputError: It cannot.
    """
    most = context_length(config.text_config)
    if length + new_tokens > most:
        raise InputError(
            Problem(
                f"a prompt of {length:,} positions and room for {new_tokens:,} more ({len(film.features):,} frames)",
                f"at most {most:,} positions",
                "use the long-video checkpoint, extract fewer frames (--fps 0.5), or stretch the positions: "
                "baselines.llama_vid.config.extended_rope",
            )
        )


def _placed(value: Any, model: LlamaVidForConditionalGeneration) -> Any:
    # Features are a list and stay where they are, because a film does not fit beside the weights.
    return value.to(model.device) if isinstance(value, Tensor) else value
