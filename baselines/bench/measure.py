"""Latency, memory and tokens of every reduction, on one model with random weights and one random video."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.bench.every_line import make_lines
from baselines.bench.flops import Flops, count_flops
from baselines.bench.lines import Line, Video
from baselines.bench.memory import peak_bytes
from baselines.bench.shapes import BenchShape
from baselines.llavolta.compressors.learned import LearnedPooling
from baselines.llavolta.decoder import CompressingLlama
from baselines.token_reduction.interface import TokenBudget

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table.

    Args:
        name: The reduction with its setting.
        model: The paper it is from; empty for what every paper compares with.
        visual_tokens: Visual tokens of the whole video that enter the decoder.
        token_layers: Visual tokens summed over the decoder layers that they enter.
        flops: Counted, see ``flops.py``.
        encode_s: Median seconds from pixels to projected tokens; None where it did not fit into memory.
        prefill_s: Median seconds of the decoder up to the first new token; None likewise.
        peak_bytes: Memory beyond the weights, the larger of the two stages; None likewise.
        accuracy, score: Of a run with trained weights; None without one.
    """

    name: str
    model: str
    visual_tokens: int
    token_layers: int
    flops: Flops
    encode_s: float | None = None
    prefill_s: float | None = None
    peak_bytes: int | None = None
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


def share_decoder(model: Any) -> CompressingLlama:
    """The model's own decoder with the compressor of LLaVolta: the same layers, and a compressor with parameters."""
    own = model.model.language_model
    with torch.device("meta"):
        decoder = CompressingLlama(own.config)
    decoder.embed_tokens, decoder.layers, decoder.norm = own.embed_tokens, own.layers, own.norm
    decoder.rotary_emb = own.rotary_emb
    decoder.compressor = LearnedPooling(own.config.hidden_size).to(own.norm.weight.device, own.norm.weight.dtype)
    return decoder.eval()


def count(shape: BenchShape) -> Iterator[Measurement]:
    """Tokens and operations of every line of a shape; nothing is run."""
    for line in make_lines(shape):
        yield _counted(line, line.budget(shape.frames, shape.tower.encoder), shape)


def _counted(line: Line, budget: TokenBudget, shape: BenchShape) -> Measurement:
    layers = sum(budget.decoder_tokens(shape.decoder.layers))
    return Measurement(line.name, line.model, budget.visual_tokens, layers, count_flops(budget, shape))


@torch.inference_mode()
def measure(
    shape: BenchShape,
    *,
    device: torch.device,
    dtype: torch.dtype,
    repeats: int = 5,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Measurement]:
    """Measure every line of a shape.

    Args:
        shape: Model, video and lines.
        device: Where.
        dtype: Of weights and pixels.
        repeats: Timed runs after one that is not; the median counts.
        seed: Of weights and video.
        clock: Seconds; of the wall, or of the processor where other work shares it.

    Yields:
        A measurement per line, in order. One that runs out of memory has no times.
    """
    model = build_model(shape, device, dtype, seed)
    tower, feature_layer = model.model.vision_tower, int(model.config.vision_feature_layer)

    def features(pixels: Tensor, token_kept_ratio: float = 1.0) -> Tensor:
        found: Tensor = tower.features(pixels, token_kept_ratio, feature_layer)
        return found

    made = torch.Generator().manual_seed(seed)
    size = shape.tower.image_size
    pixels = torch.randn(shape.frames, 3, size, size, generator=made).to(device, dtype)
    text = torch.randn(1, shape.text_tokens, shape.decoder.width, generator=made).to(device, dtype)
    video = Video(pixels, features, model.model.multi_modal_projector, shape.tower.encoder.grid)
    decoder = share_decoder(model)
    for line in make_lines(shape):
        counted = _counted(line, line.budget(shape.frames, shape.tower.encoder), shape)
        try:
            yield _measured(
                line,
                counted,
                video,
                text,
                decoder,
                model.lm_head,
                partial(_median_s, device=device, repeats=repeats, clock=clock),
            )
        except torch.OutOfMemoryError:
            logger.warning("%s does not fit into memory", line.name)
            yield counted


def _measured(
    line: Line,
    counted: Measurement,
    video: Video,
    text: Tensor,
    decoder: Any,
    head: Any,
    time_of: Callable[[Callable[[], object]], float],
) -> Measurement:
    def encode() -> Tensor:
        return line.embed(video)

    visual = encode()  # (tokens, width)
    if len(visual) != counted.visual_tokens:
        raise RuntimeError(f"{line.name} made {len(visual)} tokens, its budget says {counted.visual_tokens}")
    embeds = torch.cat([visual[None], text], dim=1)
    rows, columns = video.grid
    compression = line.compression(len(video.pixels), rows * columns, embeds.shape[1])

    def prefill() -> Tensor:
        states = decoder(inputs_embeds=embeds, compression=compression, use_cache=True).last_hidden_state
        logits: Tensor = head(states[:, -1:])
        return logits

    device = video.pixels.device
    return replace(
        counted,
        encode_s=time_of(encode),
        prefill_s=time_of(prefill),
        peak_bytes=max(peak_bytes(encode, device), peak_bytes(prefill, device)),
    )


def _median_s(work: Callable[[], object], *, device: torch.device, repeats: int, clock: Callable[[], float]) -> float:
    work()
    times = []
    for _ in range(repeats):
        _wait_for(device)
        started = clock()
        work()
        _wait_for(device)
        times.append(clock() - started)
    return statistics.median(times)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
