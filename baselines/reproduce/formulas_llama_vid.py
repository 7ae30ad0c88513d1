"""LLaMA-VID: tokens per frame from the pooling rule, parameters and file sizes from the model itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from baselines.reproduce.figures import Figure, Figures
from baselines.reproduce.tables import Book, Table

BYTES_PER_PARAMETER = 2
"""Released files hold half precision."""


def tokens_per_frame(column: str) -> Callable[[Book, Table], Figures]:
    """Tokens of a frame, from resolution and pooling of each row."""

    def found(book: Book, table: Table) -> Figures:
        del book
        from baselines.llama_vid.compress import parse_compression
        from baselines.llama_vid.config import EvaVisionConfig

        figures = {}
        for row in table.rows:
            side = EvaVisionConfig(image_size=int(row.settings["resolution"])).grid_side
            compression = parse_compression(row.settings["compress_type"])
            figures[row.label, column] = Figure(compression.tokens_per_frame(side), "the pooling rule")
        return figures

    return found


@cache
def _count(width: int) -> dict[str, int]:
    """Parameters of every part beside the language model, for one of its widths; nothing is allocated."""
    import torch
    from transformers import LlamaConfig

    from baselines.llama_vid.backbone import LlamaVidModel
    from baselines.llama_vid.config import LlamaVidConfig

    # One thin layer: of the language model only the width decides the parts around it.
    text = LlamaConfig(hidden_size=width, intermediate_size=1, num_hidden_layers=1, num_attention_heads=width // 128)
    with torch.device("meta"):
        model = LlamaVidModel(LlamaVidConfig(text_config=text))
    parts = {
        "tower": model.vision_tower,
        "query transformer": model.qformer,
        "norm": model.vision_norm,
        "context": model.context_attention,
        "projector": model.projector,
    }
    counted = {name: sum(each.numel() for each in part.parameters()) for name, part in parts.items()}
    return {**counted, "queries": model.query_tokens.numel()}


def adapter(width: int) -> int:
    """Parameters that the first stage's file holds."""
    return sum(number for name, number in _count(width).items() if name != "tower")


def parameters(book: Book, table: Table) -> Figures:
    """Parameters of each part."""
    del book
    small, large = _count(4096), _count(5120)
    values = {
        "tower (EVA ViT-g, 39 blocks)": small["tower"],
        "query transformer": small["query transformer"],
        "queries": small["queries"],
        "norm before it": small["norm"],
        "context projections, 7B": small["context"],
        "projector, 7B": small["projector"],
        "context projections, 13B": large["context"],
        "projector, 13B": large["projector"],
        "adapter, 7B": adapter(4096),
    }
    how = "parameters of the model as built"
    return {(row.label, "parameters"): Figure(values[row.label], how) for row in table.rows}


def released_sizes(book: Book, table: Table) -> Figures:
    """Size of the adapter's file and of all shards."""
    del book, table
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("meta"):
        vicuna = LlamaForCausalLM(LlamaConfig())  # the library's default shape is the 7B model's
    whole = sum(each.numel() for each in vicuna.parameters()) + _count(4096)["tower"] + adapter(4096)
    return {
        ("7B adapter (mm_projector.bin)", "size"): _gigabytes(adapter(4096)),
        ("7B long video, both", "size"): _gigabytes(whole),
    }


def _gigabytes(count: int) -> Figure:
    return Figure(count * BYTES_PER_PARAMETER / 1e9, f"{count:,} parameters of {BYTES_PER_PARAMETER} bytes")


FORMULAS: Final[dict[str, Callable[[Book, Table], Figures]]] = {
    "video_benchmarks": tokens_per_frame("tokens per frame"),
    "tokens_per_frame": tokens_per_frame("tokens"),
    "parameters": parameters,
    "released_sizes": released_sizes,
}
"""Table -> what computes it."""
