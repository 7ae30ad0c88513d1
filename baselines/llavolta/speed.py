"""How much faster a decoder of the 7B model's width is with compression: prefill, and a training step.

python -m baselines.llavolta.speed [--layers 6] [--layer 2] [--stride 8] [--repeats 3] [--device cpu]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from transformers import LlamaConfig

from baselines.common.splice import Span
from baselines.llavolta.compress import make_layout
from baselines.llavolta.decoder import CompressingLlama, DecoderCompression


@dataclass(frozen=True, slots=True)
class Speed:
    """Median seconds of one pass.

    Args:
        layers: Decoder layers.
        layer: Layer whose input is compressed.
        stride: Neighbours per pooled token.
        positions: Positions of the prompt, of which 576 are visual.
        compressed_positions: Positions from that layer on.
        prefill_s: Without compression.
        compressed_prefill_s: With it.
        step_s: Forward and backward pass without compression.
        compressed_step_s: With it.
    """

    layers: int
    layer: int
    stride: int
    positions: int
    compressed_positions: int
    prefill_s: float
    compressed_prefill_s: float
    step_s: float
    compressed_step_s: float

    @property
    def prefill_ratio(self) -> float:
        """How many times faster the prefill is."""
        return self.prefill_s / self.compressed_prefill_s

    @property
    def step_ratio(self) -> float:
        """How many times faster the training step is."""
        return self.step_s / self.compressed_step_s


def measure(
    *,
    layers: int = 6,
    layer: int = 2,
    stride: int = 8,
    text: int = 62,
    hidden: int = 4096,
    repeats: int = 3,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Speed:
    """Time one row with one picture of 576 tokens; compressed and uncompressed passes take turns.

    Args:
        layers: Decoder layers.
        layer: Layer whose input is compressed.
        stride: Neighbours per pooled token.
        text: Text positions, 35 of them before the picture.
        hidden: Width; 4096 is the 7B model's, others keep its proportions.
        repeats: Timed passes of each kind; one more of each warms up.
        device: Where it runs.
        dtype: Of weights and states.
    """
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=hidden * 43 // 16,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 128,
        vocab_size=32,
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = CompressingLlama(config).to(dtype)
        embeds = torch.randn(1, 576 + text, hidden, dtype=dtype)
    layout = make_layout([[Span(min(35, text), 576)]], stride, positions=embeds.shape[1])
    compression = DecoderCompression(layer, layout, "floor")

    def forward(chosen: DecoderCompression | None) -> Tensor:
        states: Tensor = model(inputs_embeds=embeds, compression=chosen, use_cache=False).last_hidden_state
        return states

    def prefill(chosen: DecoderCompression | None) -> None:
        with torch.no_grad():
            forward(chosen)

    def step(chosen: DecoderCompression | None) -> None:
        forward(chosen).float().square().mean().backward()
        model.zero_grad()

    plain, compressed = _alternate(prefill, compression, repeats, device)
    plain_step, compressed_step = _alternate(step, compression, repeats, device)
    return Speed(
        layers,
        layer,
        stride,
        embeds.shape[1],
        layout.length,
        prefill_s=plain,
        compressed_prefill_s=compressed,
        step_s=plain_step,
        compressed_step_s=compressed_step,
    )


def _alternate(
    run: Callable[[DecoderCompression | None], None], compression: DecoderCompression, repeats: int, device: str
) -> tuple[float, float]:
    """Median seconds without and with compression."""
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(repeats + 1):
        for used in (False, True):
            start = time.perf_counter()
            run(compression if used else None)
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            if number:
                times[used].append(time.perf_counter() - start)
    return statistics.median(times[False]), statistics.median(times[True])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the measured times as JSON."""
    parser = argparse.ArgumentParser(prog="python -m baselines.llavolta.speed")
    for name, value in (("layers", 6), ("layer", 2), ("stride", 8), ("text", 62), ("hidden", 4096), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    given = vars(parser.parse_args(arguments))
    speed = measure(**given | {"dtype": getattr(torch, given["dtype"])})
    table = asdict(speed) | {"prefill_ratio": speed.prefill_ratio, "step_ratio": speed.step_ratio}
    sys.stdout.write(json.dumps({name: round(value, 3) for name, value in table.items()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
