"""The settings beside the weights: read from a released folder and its tensors' shapes, and written back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import InstructBlipQFormerConfig

from baselines.common.processor_files import image_settings, write_processor_files
from baselines.common.settings_tables import dtype_name, read_llama, stored_dtype, write_llama
from baselines.common.shards import StoredTensor, read_json, write_json
from baselines.llama_vid.compress import parse_compression
from baselines.llama_vid.config import EvaVisionConfig, LlamaVidConfig
from vdc.errors import InputError, Problem

HEADS_KEY = "vdc_heads"
"""Heads of tower and query transformer in a written ``config.json``: shapes do not tell them, and the published code
has them in its source. Only written where they are not the published ones."""

PUBLISHED_HEADS = {"vision": (1408, 16), "qformer": (768, 12)}
"""Width -> heads of the released parts."""

_DEPTH = {
    "vision": re.compile(r"^model\.vision_tower\.blocks\.(\d+)\."),
    "qformer": re.compile(r"^model\.qformer\.encoder\.layer\.(\d+)\."),
    "cross": re.compile(r"^model\.qformer\.encoder\.layer\.(\d+)\.crossattention\."),
    "projector": re.compile(r"^model\.projector\.(\d+)\.weight$"),
}


def read_config(
    table: Mapping[str, Any],
    tensors: Mapping[str, StoredTensor],
    *,
    heads: Mapping[str, int] | None = None,
    uneven_grid: bool = False,
) -> LlamaVidConfig:
    """The configuration of a checkpoint in the official layout.

    The released files describe the language model and name the other parts; their shapes come from the tensors.

    Args:
        table: Its ``config.json``.
        tensors: Native name -> tensor.
        heads: ``vision`` and ``qformer`` heads; None takes the file's, or the published ones.
        uneven_grid: As ``LlamaVidConfig.uneven_grid``.

    Raises:
        InputError: A part is missing, or of a kind no released model has.
    """
    problems = _unsupported(table)
    needed = ("model.vision_tower.pos_embed", "model.qformer.embeddings.word_embeddings.weight", "model.query_tokens")
    problems += [
        Problem(f"no parameter {name}", "a full checkpoint", "give the tower and query transformer files as well")
        for name in (*needed, "model.projector.0.weight")
        if name not in tensors
    ]
    if problems:
        raise InputError(problems)
    given = {**dict(table.get(HEADS_KEY) or {}), **dict(heads or {})}
    queries = tensors["model.query_tokens"].shape
    return LlamaVidConfig(
        vision_config=_vision_config(tensors, given.get("vision")),
        qformer_config=_qformer_config(tensors, given.get("qformer")),
        text_config=read_llama(table).to_dict(),
        num_query=queries[1],
        compress_type=_plain_compression(table.get("compress_type")),
        projector_depth=len(_numbers(tensors, "projector")),
        uneven_grid="published" if uneven_grid else "refuse",
        drop_class="odd" if table.get("mm_vision_select_feature", "patch") == "patch" else "never",
        bert_type=str(table.get("bert_type", "qformer_pretrain")),
        image_aspect_ratio="pad" if table.get("image_aspect_ratio") == "pad" else "square",
        dtype=stored_dtype(table),
    )


def _unsupported(table: Mapping[str, Any]) -> list[Problem]:
    problems = []
    bert = str(table.get("bert_type", "qformer_pretrain"))
    if "qformer" not in bert:
        problems.append(
            Problem(f"bert_type {bert!r}", "qformer_pretrain and its variants", "no released model uses another")
        )
    projector = str(table.get("mm_projector_type", "mlp2x_gelu"))
    if projector != "linear" and not re.fullmatch(r"mlp\d+x_gelu", projector):
        problems.append(Problem(f"mm_projector_type {projector!r}", "linear or mlpKx_gelu", "correct config.json"))
    if table.get("mm_use_im_start_end") or table.get("mm_use_im_patch_token"):
        problems.append(
            Problem("start, end or patch tokens around pictures", "none of them", "no released model uses them")
        )
    return problems


def _plain_compression(name: str | None) -> str:
    """The name of today for a name of a released configuration (``mean_concat``)."""
    compression = parse_compression(name)
    return f"grid:{compression.side}" if compression.kind == "grid" else compression.kind


def _numbers(tensors: Mapping[str, StoredTensor], part: str) -> list[int]:
    found = (_DEPTH[part].match(name) for name in tensors)
    return sorted({int(match[1]) for match in found if match})


def _heads(part: str, width: int, given: int | None) -> int:
    published_width, published = PUBLISHED_HEADS[part]
    if given:
        return int(given)
    if width == published_width:
        return published
    raise InputError(
        Problem(
            f"a {part} part of width {width}",
            f"{published_width}, or its number of heads",
            f'write "{HEADS_KEY}": {{"{part}": N}} into config.json',
        )
    )


def _vision_config(tensors: Mapping[str, StoredTensor], heads: int | None) -> dict[str, Any]:
    prefix = "model.vision_tower."
    _, positions, width = tensors[f"{prefix}pos_embed"].shape
    patch = tensors[f"{prefix}patch_embed.proj.weight"].shape[-1]
    config = EvaVisionConfig(
        hidden_size=width,
        intermediate_size=tensors[f"{prefix}blocks.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=len(_numbers(tensors, "vision")),
        num_attention_heads=_heads("vision", width, heads),
        image_size=round((positions - 1) ** 0.5) * patch,
        patch_size=patch,
    )
    return dict(config.to_dict())


def _qformer_config(tensors: Mapping[str, StoredTensor], heads: int | None) -> dict[str, Any]:
    prefix = "model.qformer."
    vocabulary, width = tensors[f"{prefix}embeddings.word_embeddings.weight"].shape
    crossing, layers = _numbers(tensors, "cross"), len(_numbers(tensors, "qformer"))
    config = InstructBlipQFormerConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=_heads("qformer", width, heads),
        intermediate_size=tensors[f"{prefix}encoder.layer.0.intermediate_query.dense.weight"].shape[0],
        max_position_embeddings=tensors[f"{prefix}embeddings.position_embeddings.weight"].shape[0],
        cross_attention_frequency=crossing[1] - crossing[0] if len(crossing) > 1 else layers,
        encoder_hidden_size=tensors[f"{prefix}encoder.layer.0.crossattention.attention.key.weight"].shape[1],
    )
    return dict(config.to_dict())


def official_config(config: LlamaVidConfig) -> dict[str, Any]:
    """``config.json`` of the official layout."""
    text, vision, qformer = config.text_config, config.vision_config, config.qformer_config
    table = write_llama(text) | {
        "architectures": ["LlavaLlamaAttForCausalLM"],
        "model_type": "llava",
        "torch_dtype": dtype_name(config.dtype or "float32"),
        "use_mm_proj": True,
        # of one layer too: its name has a number, which the type "linear" would not have
        "mm_projector_type": f"mlp{config.projector_depth}x_gelu",
        "mm_hidden_size": vision.hidden_size,
        "mm_vision_tower": "./model_zoo/LAVIS/eva_vit_g.pth",
        "image_processor": f"./llamavid/processor/clip-patch14-{vision.image_size}",
        "mm_vision_select_layer": -2,  # the tower ignores it
        "mm_vision_select_feature": "patch" if config.drop_class == "odd" else "cls_patch",
        "mm_use_im_start_end": False,
        "mm_use_im_patch_token": False,
        "bert_type": config.bert_type,
        "num_query": config.num_query,
        "compress_type": None if config.compress_type in (None, "none") else config.compress_type,
        "image_aspect_ratio": config.image_aspect_ratio,
    }
    ours = {"vision": vision.num_attention_heads, "qformer": qformer.num_attention_heads}
    if ours != {part: heads for part, (_, heads) in PUBLISHED_HEADS.items()}:
        table[HEADS_KEY] = ours
    return table


def write_native_settings(config: LlamaVidConfig, target: Path, image_processor: str, processor: str) -> None:
    """Write the settings files that ``from_pretrained`` reads.

    Args:
        config: What model it is.
        target: Folder.
        image_processor: Class name of the image processor.
        processor: Class name of the processor.
    """
    vision = config.vision_config
    tokens = parse_compression(config.compress_type).tokens_per_frame(vision.grid_side)
    write_processor_files(
        target,
        image_settings(vision.image_size),
        image_processor=image_processor,
        processor=processor,
        options={"image_aspect_ratio": config.image_aspect_ratio, "tokens_per_frame": tokens},
    )
    # Last: a conversion that was broken off has no configuration and is refused.
    write_json(target / "config.json", config.to_dict() | {"architectures": ["LlamaVidForConditionalGeneration"]})


def read_table(folder: Path) -> dict[str, Any]:
    """``config.json`` of a folder.

    Raises:
        InputError: Missing or not a JSON object.
    """
    return read_json(folder / "config.json")
