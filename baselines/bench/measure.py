"""Latency, memory and tokens of every reduction, on one model with random weights and one random video."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.bench.flops import Flops, count_flops
from baselines.bench.memory import peak_bytes
from baselines.bench.shapes import BenchShape
from baselines.token_reduction.interface import TokenReduction

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table.

    Args:
        name: The reduction with its setting.
        visual_tokens: Visual tokens of the whole video.
        flops: Counted, see ``flops.py``.
        encode_s: Median seconds from pixels to projected tokens; None where it did not fit into memory.
        prefill_s: Median seconds of the decoder up to the first new token; None likewise.
        peak_bytes: Memory beyond the weights, the larger of the two stages; None likewise.
        accuracy, score: Of a run with trained weights; None without one.
    """

    name: str
    visual_tokens: int
    flops: Flops
    encode_s: float | None
    prefill_s: float | None
    peak_bytes: int | None
    accuracy: float | None = None
    score: float | None = None


def build_model(shape: BenchShape, device: torch.device, dtype: torch.dtype, seed: int) -> Any:
    """A model of that shape with random weights, made where it will run."""
    with torch.random.fork_rng(), torch.device(device):
        torch.manual_seed(seed)
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            model = AuroraCapForConditionalGeneration(shape.config())
        finally:
            torch.set_default_dtype(before)
    return model.eval()


def count(shape: BenchShape) -> Iterator[Measurement]:
    """Tokens and operations of every reduction of a shape; nothing is run."""
    for reduction in shape.make_reductions():
        budget = reduction.budget(shape.frames, shape.tower.encoder)
        yield Measurement(reduction.name, budget.visual_tokens, count_flops(budget, shape), None, None, None)


@torch.inference_mode()
def measure(
    shape: BenchShape, *, device: torch.device, dtype: torch.dtype, repeats: int = 5, seed: int = 0
) -> Iterator[Measurement]:
    """Measure every reduction of a shape.

    Args:
        shape: Model, video and reductions.
        device: Where.
        dtype: Of weights and pixels.
        repeats: Timed runs after one that is not; the median counts.
        seed: Of weights and video.

    Yields:
        A measurement per reduction, in order. One that runs out of memory has no times.
    """
    model = build_model(shape, device, dtype, seed)
    made = torch.Generator().manual_seed(seed)
    size = shape.tower.image_size
    pixels = torch.randn(shape.frames, 3, size, size, generator=made).to(device, dtype)
    text = torch.randn(1, shape.text_tokens, shape.decoder.width, generator=made).to(device, dtype)
    for reduction in shape.make_reductions():
        budget = reduction.budget(shape.frames, shape.tower.encoder)
        flops = count_flops(budget, shape)
        try:
            yield _measured(model, reduction, pixels, text, shape, flops, budget.visual_tokens, repeats)
        except torch.OutOfMemoryError:
            logger.warning("%s does not fit into memory", reduction.name)
            yield Measurement(reduction.name, budget.visual_tokens, flops, None, None, None)


def _measured(
    model: Any,
    reduction: TokenReduction,
    video: Tensor,
    text: Tensor,
    shape: BenchShape,
    flops: Flops,
    expected: int,
    repeats: int,
) -> Measurement:
    tower, grid = model.model.vision_tower, shape.tower.encoder.grid
    feature_layer = int(model.config.vision_feature_layer)

    def features(pixels: Tensor, token_kept_ratio: float = 1.0) -> Tensor:
        found: Tensor = tower.features(pixels, token_kept_ratio, feature_layer)
        return found

    def encode() -> Tensor:
        tokens: Tensor = model.model.multi_modal_projector(reduction.reduce(video, features, grid))
        return tokens

    visual = encode()  # (tokens, width)
    if len(visual) != expected:
        raise RuntimeError(f"{reduction.name} made {len(visual)} tokens, its budget says {expected}")
    embeds = torch.cat([visual[None], text], dim=1)

    def prefill() -> Tensor:
        logits: Tensor = model(inputs_embeds=embeds, logits_to_keep=1, use_cache=True).logits
        return logits

    device = video.device
    return Measurement(
        reduction.name,
        len(visual),
        flops,
        _median_s(encode, device, repeats),
        _median_s(prefill, device, repeats),
        max(peak_bytes(encode, device), peak_bytes(prefill, device)),
    )


def _median_s(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    work()
    times = []
    for _ in range(repeats):
        _wait_for(device)
        started = time.perf_counter()
        work()
        _wait_for(device)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
