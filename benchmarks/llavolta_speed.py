"""How much faster LLaVolta's decoder is with compression: prefill, and a training step.

    python benchmarks/llavolta_speed.py [--layers 6] [--layer 2] [--stride 8] [--repeats 5] [--groupings avgpool1d,...]
                                        [--device cpu] [--dtype float32] [--hardware TEXT] [--write] [--json]

One row with one picture of 576 tokens goes through decoder layers of the 7B model's width with random weights: speed
does not depend on them. Passes with and without compression take turns, so that a busy machine slows both alike, and
the ratio is taken turn by turn. ``--write`` replaces the table in docs/benchmarks/llavolta_speed.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import LlamaConfig

from baselines.common.splice import Span
from baselines.llavolta.compress import make_layout
from baselines.llavolta.decoder import CompressingLlama, DecoderCompression
from baselines.llavolta.setting import Grouping

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "llavolta_speed.md"
VISUAL = 576
"""Tokens of one picture."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is timed.

    Args:
        layers: Decoder layers.
        layer: Layer whose input is compressed.
        stride: Tokens per token that is kept.
        text: Text positions, 35 of them before the picture.
        hidden: Width; 4096 is the 7B model's, others keep its proportions.
    """

    layers: int
    layer: int
    stride: int
    text: int
    hidden: int

    @property
    def positions(self) -> tuple[int, int]:
        """Positions of the row, before and behind the compressor."""
        return VISUAL + self.text, VISUAL // self.stride + self.text

    @property
    def ratio(self) -> float:
        """Positions over all layers, uncompressed over compressed: what the ratio of times would be at best."""
        full, short = self.positions
        return self.layers * full / (self.layer * full + (self.layers - self.layer) * short)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each turn.

    Args:
        plain: Without compression.
        compressed: With it.
    """

    plain: tuple[float, ...]
    compressed: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times faster each turn was with compression."""
        return tuple(plain / short for plain, short in zip(self.plain, self.compressed, strict=True))


@dataclass(frozen=True, slots=True)
class Speed:
    """Both kinds of pass with one compressor."""

    grouping: Grouping
    prefill: Times
    step: Times


def measure(
    shape: Shape, groupings: Sequence[Grouping], *, repeats: int, device: str, dtype: torch.dtype
) -> list[Speed]:
    """Time one row; one more turn of each warms up.

    Args:
        shape: What is timed.
        groupings: Compressors.
        repeats: Timed turns of each kind.
        device: Where it runs.
        dtype: Of weights and states.
    """
    model, embeds = _model(shape, device, dtype)
    layout = make_layout([[Span(min(35, shape.text), VISUAL)]], shape.stride, positions=embeds.shape[1])
    last = torch.tensor([embeds.shape[1] - 1])

    def forward(chosen: DecoderCompression | None) -> Tensor:
        states: Tensor = model(inputs_embeds=embeds, compression=chosen, use_cache=False).last_hidden_state
        return states

    def prefill(chosen: DecoderCompression | None) -> None:
        with torch.no_grad():
            forward(chosen)

    def step(chosen: DecoderCompression | None) -> None:
        forward(chosen).float().square().mean().backward()  # type: ignore[no-untyped-call]
        model.zero_grad()

    made = []
    for grouping in groupings:
        queries = last if grouping == "attention" else None
        chosen = DecoderCompression(shape.layer, layout, "floor", grouping, queries=queries)
        made.append(Speed(grouping, _turns(prefill, chosen, repeats, device), _turns(step, chosen, repeats, device)))
    return made


def _model(shape: Shape, device: str, dtype: torch.dtype) -> tuple[CompressingLlama, Tensor]:
    config = LlamaConfig(
        hidden_size=shape.hidden,
        intermediate_size=shape.hidden * 43 // 16,
        num_hidden_layers=shape.layers,
        num_attention_heads=max(1, shape.hidden // 128),
        vocab_size=32,
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = CompressingLlama(config, learned_pooling=True).to(dtype)
        embeds = torch.randn(1, VISUAL + shape.text, shape.hidden, dtype=dtype)
    return model, embeds


def _turns(
    run: Callable[[DecoderCompression | None], None], compression: DecoderCompression, repeats: int, device: str
) -> Times:
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(repeats + 1):
        for used in (False, True):
            start = time.perf_counter()
            run(compression if used else None)
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            if number:
                times[used].append(time.perf_counter() - start)
    return Times(tuple(times[False]), tuple(times[True]))


def hardware(device: str) -> str:
    """The device in words; a processor is named by its cores alone."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def page(shape: Shape, speeds: Sequence[Speed], *, dtype: str, where: str, command: str) -> str:
    """The page as Markdown."""
    full, short = shape.positions
    lines = [
        "# LLaVolta: how much faster a decoder is with compression",
        "",
        f"Written by `{command}` on {where}; {dtype}, {len(speeds[0].prefill.plain)} turns.",
        "",
        (
            f"One row of {full} positions, {VISUAL} of them visual; {shape.layers} layers of width {shape.hidden} with "
            f"random weights; the compressor stands before layer {shape.layer} and leaves 1 of {shape.stride} visual "
            f"tokens, so {short} positions. By positions over layers the work is {shape.ratio:.2f} times less. Passes "
            "with and without compression take turns; each cell is the median, with the least and the greatest."
        ),
        "",
        "| compressor | pass | without, s | with, s | times faster |",
        "| --- | --- | --- | --- | --- |",
    ]
    for speed in speeds:
        for name, times in (("prefill", speed.prefill), ("forward and backward", speed.step)):
            cells = (_spread(times.plain), _spread(times.compressed), _spread(times.ratios))
            lines.append(f"| {speed.grouping} | {name} | {' | '.join(cells)} |")
    lines += [
        "",
        (
            "The 7B model has 32 such layers: there the same setting saves more (a factor of "
            f"{_whole_model(shape):.1f} by positions), because only the first {shape.layer} layers see every token. "
            "Times and memory at the full depth need a GPU; see [gpu.md](gpu.md)."
        ),
        "",
    ]
    return "\n".join(lines)


def _whole_model(shape: Shape) -> float:
    return Shape(32, shape.layer, shape.stride, shape.text, shape.hidden).ratio


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("layers", 6), ("layer", 2), ("stride", 8), ("text", 62), ("hidden", 4096), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--groupings", default="avgpool1d", help="compressors, with commas between them")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--hardware", default="", help="the machine in words, for the page")
    parser.add_argument("--write", action="store_true", help="replace docs/benchmarks/llavolta_speed.md")
    parser.add_argument("--json", action="store_true", help="print every turn as JSON")
    given = parser.parse_args(arguments)
    shape = Shape(given.layers, given.layer, given.stride, given.text, given.hidden)
    speeds = measure(
        shape,
        given.groupings.split(","),
        repeats=given.repeats,
        device=given.device,
        dtype=getattr(torch, given.dtype),
    )
    where = given.hardware or hardware(given.device)
    options = f"--layers {given.layers} --layer {given.layer} --stride {given.stride} --repeats {given.repeats}"
    command = f"python benchmarks/llavolta_speed.py {options} --groupings {given.groupings} --write"
    text = page(shape, speeds, dtype=given.dtype, where=where, command=command)
    if given.json:
        rows = {
            speed.grouping: {
                name: {"plain_s": times.plain, "compressed_s": times.compressed, "ratios": times.ratios}
                for name, times in (("prefill", speed.prefill), ("step", speed.step))
            }
            for speed in speeds
        }
        print(json.dumps(rows, indent=2))
    else:
        print(text)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
