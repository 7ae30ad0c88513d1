"""The three models with random weights, at the released 7B shapes or at toy size, and a video question for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPVisionConfig, InstructBlipQFormerConfig, LlamaConfig

from baselines.common.constants import IMAGE_PLACEHOLDER

QUESTION = 40
"""Text ids behind the pictures."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and what it is asked.

    Args:
        name: Of the model.
        model: On its device, in evaluation mode.
        inputs: Arguments of ``forward`` and ``generate``: one row, all frames of one video.
    """

    name: str
    model: Any
    inputs: Mapping[str, Any]


def _auroracap(toy: bool, frames: int, device: torch.device, dtype: torch.dtype) -> Subject:
    from baselines.auroracap.config import AuroraCapConfig
    from baselines.auroracap.model import AuroraCapForConditionalGeneration
    from baselines.auroracap.toy import toy_config

    tower = CLIPVisionConfig(
        hidden_size=1280,
        intermediate_size=5120,
        num_hidden_layers=32,
        num_attention_heads=16,
        image_size=378,
        patch_size=14,
    )
    large = AuroraCapConfig(vision_config=tower.to_dict(), text_config=_vicuna())
    config = toy_config() if toy else large
    model = _random(lambda: AuroraCapForConditionalGeneration(config), device, dtype)
    pixels = _pixels(frames, config.vision_config.image_size, device, dtype)
    return Subject("auroracap", model, {"input_ids": _ids(frames, device), "pixel_values": pixels[None]})


def _llavolta(toy: bool, frames: int, device: torch.device, dtype: torch.dtype) -> Subject:
    from baselines.llavolta.model import LlavoltaForConditionalGeneration

    config = llavolta_config(toy)
    model = _random(lambda: LlavoltaForConditionalGeneration(config), device, dtype)
    pixels = _pixels(frames, config.vision_config.image_size, device, dtype)
    return Subject("llavolta", model, {"input_ids": _ids(frames, device), "pixel_values": pixels})


def llavolta_config(toy: bool) -> Any:
    """LLaVA-1.5-7B, or the toy; compressed before layer 2 to an eighth unless a call says otherwise."""
    from baselines.llavolta.config import LlavoltaConfig
    from baselines.llavolta.settings_files import CLIP_LARGE_336
    from baselines.llavolta.toy import toy_config

    setting = {"grouping": "avgpool1d", "compression_layer": 2, "compression_stride": 8}
    if toy:
        config = toy_config()
        for name, value in setting.items():
            setattr(config, name, value)
        return config
    tower = CLIPVisionConfig(**CLIP_LARGE_336)
    return LlavoltaConfig(vision_config=tower.to_dict(), text_config=_vicuna(), **setting)


def _llama_vid(toy: bool, frames: int, device: torch.device, dtype: torch.dtype) -> Subject:
    from baselines.llama_vid.config import EvaVisionConfig, LlamaVidConfig
    from baselines.llama_vid.model import LlamaVidForConditionalGeneration
    from baselines.llama_vid.toy import toy_config

    reader = InstructBlipQFormerConfig(vocab_size=30523, encoder_hidden_size=1408)
    large = LlamaVidConfig(
        vision_config=EvaVisionConfig(),
        qformer_config=reader,
        text_config=LlamaConfig(**_vicuna()),
        compress_type="mean",
    )
    config = toy_config() if toy else large
    model = _random(lambda: LlamaVidForConditionalGeneration(config), device, dtype)
    pixels = _pixels(frames, config.vision_config.image_size, device, dtype)
    question = torch.arange(5, 17, device=device)[None, None]
    inputs = {
        "input_ids": _ids(1, device),  # one placeholder stands for the whole video
        "pixel_values": [pixels],
        "question_ids": question,
        "question_mask": torch.ones_like(question),
    }
    return Subject("llama_vid", model, inputs)


BUILDERS: dict[str, Callable[[bool, int, torch.device, torch.dtype], Subject]] = {
    "auroracap": _auroracap,
    "llavolta": _llavolta,
    "llama_vid": _llama_vid,
}


def _vicuna() -> dict[str, Any]:
    """Vicuna-7B-v1.5, the language model of all three; positions enough for many frames."""
    config = LlamaConfig(vocab_size=32000, max_position_embeddings=16384, rms_norm_eps=1e-5)
    return dict(config.to_dict())


def _random(build: Callable[[], Any], device: torch.device, dtype: torch.dtype) -> Any:
    """Weights are made where and as they are needed: a 7B model in float32 on the CPU first would be 28 GB."""
    before = torch.get_default_dtype()
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with device:
            return build().eval()
    finally:
        torch.set_default_dtype(before)


def _ids(placeholders: int, device: torch.device) -> Tensor:
    row = [1, 20, *[IMAGE_PLACEHOLDER] * placeholders, *range(30, 30 + QUESTION)]
    return torch.tensor([row], device=device)


def _pixels(frames: int, side: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(frames, 3, side, side, generator=generator).to(device, dtype)
