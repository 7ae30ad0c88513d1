"""How much sooner a second question about the same video is answered, because the tower need not run again.

    python benchmarks/vision_reuse.py [--frames 16] [--tokens 1 32] [--repeats 3] [--threads 1] [--write]

A random LLaMA-VID whose parts are to each other as those of the released 7B model: a tower of twelve blocks over 257
tokens a frame, a query transformer, a decoder of seven times the tower's size. The first question is asked about
frames, the second about what ``encode_frames`` returned for them; both answers are compared, because reuse must change
nothing. Times are those of the processor, over all threads, because others may use the machine.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import InstructBlipQFormerConfig, LlamaConfig

from baselines.llama_vid.config import EvaVisionConfig, LlamaVidConfig
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.toy import toy_model

DOC = Path(__file__).parents[1] / "docs" / "benchmarks" / "vision_reuse.md"
VOCABULARY = 4_000
PROMPT = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One length of answer.

    Args:
        tokens: New tokens.
        first_s: Median processor seconds of a question about frames.
        second_s: Median processor seconds of one about kept features.
        tower_s: Median processor seconds of the tower alone.
    """

    tokens: int
    first_s: float
    second_s: float
    tower_s: float


def make_model() -> LlamaVidForConditionalGeneration:
    """A fiftieth of the released 7B model or so in all its parts, random."""
    vision = EvaVisionConfig(
        hidden_size=384, intermediate_size=1536, num_hidden_layers=12, num_attention_heads=6, image_size=224
    )
    qformer = InstructBlipQFormerConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        num_hidden_layers=8,
        num_attention_heads=6,
        intermediate_size=768,
        encoder_hidden_size=384,
    )
    text = LlamaConfig(
        hidden_size=1024,
        intermediate_size=2816,
        num_hidden_layers=11,
        num_attention_heads=16,
        num_key_value_heads=16,
        vocab_size=VOCABULARY,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    config = LlamaVidConfig(
        vision_config=vision, qformer_config=qformer, text_config=text, compress_type="mean", dtype="float32"
    )
    return toy_model(config, scale=0.02)


def make_question(model: LlamaVidForConditionalGeneration, seed: int) -> dict[str, Tensor]:
    """Ids of a prompt of usual length with one placeholder, and of the question for the query transformer."""
    drawn = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, VOCABULARY, (1, PROMPT), generator=drawn)
    ids[0, 30] = min(model.placeholder_ids)
    question = torch.randint(3, VOCABULARY, (1, 1, 12), generator=drawn)
    return {"input_ids": ids, "question_ids": question, "question_mask": torch.ones_like(question)}


@torch.no_grad()
def measure(frames: int, lengths: Sequence[int], repeats: int) -> tuple[list[Row], dict[str, float]]:
    """Every length, and the parameters of every part in millions."""
    model = make_model()
    torch.manual_seed(0)
    pixels = torch.randn(1, frames, 3, 224, 224)
    features = model.model.encode_frames(pixels[0])
    question = make_question(model, seed=1)
    rows = []
    for tokens in lengths:
        ask = partial(model.generate, **question, do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens)
        first, second, tower = [], [], []
        for _ in range(repeats + 1):  # the first warms up
            taken, once = timed(ask, pixel_values=pixels)
            first.append(taken)
            taken, again = timed(ask, frame_features=[features])
            second.append(taken)
            tower.append(timed(model.model.encode_frames, pixels[0])[0])
            if not torch.equal(once, again):
                raise RuntimeError("kept features gave another answer")
        rows.append(Row(tokens, *(statistics.median(times[1:]) for times in (first, second, tower))))
    return rows, {
        "tower": millions(model.model.vision_tower),
        "query transformer": millions(model.model.qformer),
        "decoder": millions(model.model.language_model),
    }


def timed(run: Callable[..., Any], *given: Any, **named: Any) -> tuple[float, Any]:
    """Processor seconds and result of a call."""
    started = time.process_time()
    result = run(*given, **named)
    return time.process_time() - started, result


def millions(part: nn.Module) -> float:
    """Parameters of a part, in millions."""
    return sum(parameter.numel() for parameter in part.parameters()) / 1e6


def markdown(rows: list[Row], sizes: dict[str, float], frames: int, threads: int) -> str:
    """The page."""
    parts = ", ".join(f"{name} {size:.0f}M" for name, size in sizes.items())
    setting = (
        f"{frames} frames, 257 tokens each; random weights in single precision: {parts} parameters (released 7B model: "
        "986M, 186M, 6,738M). The first question is asked about frames, the second about the features that the tower "
        "made of them; the answers are checked to be the same. Made by `python benchmarks/vision_reuse.py --write`; "
        f"medians of processor seconds on {threads} thread of a shared {platform.machine()} machine, no GPU."
    )
    lines = [
        *("# A second question about the same video", "", setting, ""),
        "| new tokens | first question, s | of that the tower, s | second question, s | second / first |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.tokens} | {row.first_s:.2f} | {row.tower_s:.2f} | {row.second_s:.2f} "
        f"| {row.second_s / row.first_s:.2f} |"
        for row in rows
    ]
    note = (
        "What is left in the second question is the query transformer, which reads every frame anew because its tokens "
        "depend on the question, and the decoder. The longer the answer, the less the tower matters."
    )
    return "\n".join([*lines, "", note]) + "\n"


def main() -> None:
    """Measure and print, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--tokens", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"write docs/benchmarks/{DOC.name}")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows, sizes = measure(given.frames, given.tokens, given.repeats)
    page = markdown(rows, sizes, given.frames, given.threads)
    if given.write:
        DOC.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
