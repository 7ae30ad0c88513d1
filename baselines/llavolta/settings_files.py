"""The settings beside the weights, in every layout: read into one configuration and written from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import CLIPVisionConfig, LlamaConfig

from baselines.common.chat_template import chat_template
from baselines.common.processor_files import image_settings, write_processor_files
from baselines.common.settings_tables import (
    dtype_name,
    llava_table,
    read_llama,
    read_rope,
    settings_of,
    stored_dtype,
    write_llama,
)
from baselines.common.shards import write_json
from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.layouts import Layout
from baselines.llavolta.processor import LlavoltaImageProcessor, LlavoltaProcessor
from vdc.errors import InputError, Problem

CLIP_LARGE_336 = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 336,
    "patch_size": 14,
    "projection_dim": 768,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
"""The tower of every released model: openai/clip-vit-large-patch14-336."""

_OWN_FIELDS = (
    "grouping",
    "compression_layer",
    "compression_stride",
    "compression_seed",
    "learned_pooling",
    "position_rounding",
)


def config_from_official(
    table: Mapping[str, Any], vision: Mapping[str, Any] | None = None, *, where: str = ""
) -> LlavoltaConfig:
    """Configuration from the flat ``config.json`` of LLaVA and LLaVolta.

    Args:
        table: Its content.
        vision: Configuration of the tower; None takes the one inside the table, else that of the released models.
        where: File, for messages.

    Raises:
        InputError: Options of LLaVA that this model has not.
    """
    problems = [
        Problem(f"{name}: {table[name]!r}", expected, "this checkpoint is not of the LLaVolta family", where)
        for name, expected, good in (
            ("mm_patch_merge_type", "flat", table.get("mm_patch_merge_type", "flat") == "flat"),
            ("mm_use_im_start_end", "false", not table.get("mm_use_im_start_end")),
            ("mm_use_im_patch_token", "false", not table.get("mm_use_im_patch_token")),
            ("image_aspect_ratio", "pad or square", table.get("image_aspect_ratio") in (None, "pad", "square")),
            (
                "mm_vision_select_feature",
                "patch or cls_patch",
                table.get("mm_vision_select_feature", "patch") in FEATURES,
            ),
        )
        if not good
    ]
    if problems:
        raise InputError(problems)
    tower = settings_of(vision or table.get("vision_config") or CLIP_LARGE_336)
    tower.pop("dtype", None)
    own = {name: table[name] for name in _OWN_FIELDS if name in table}
    if own.get("grouping") not in (None, "none") and "compression_layer" not in own:
        # The sample configuration of the repository names a grouping that its code never reads.
        own.pop("grouping")
    return LlavoltaConfig(
        text_config=read_llama(table).to_dict(),
        vision_config=CLIPVisionConfig(**tower).to_dict(),
        projector_type=table.get("mm_projector_type", "linear"),
        vision_feature_layer=table.get("mm_vision_select_layer", -2),
        vision_feature_select_strategy=FEATURES[table.get("mm_vision_select_feature", "patch")],
        image_aspect_ratio=table.get("image_aspect_ratio") or "square",
        max_sequence_length=table.get("tokenizer_model_max_length"),
        tie_word_embeddings=bool(table.get("tie_word_embeddings", False)),
        dtype=stored_dtype(table),
        **own,
    )


FEATURES = {"patch": "default", "cls_patch": "full"}
"""Names of the feature selection: LLaVA's and transformers'."""


def config_from_llava(table: Mapping[str, Any]) -> LlavoltaConfig:
    """Configuration from that of transformers' LLaVA class.

    Args:
        table: Content of ``config.json``.
    """
    text, vision = (settings_of(table.get(name) or {}) for name in ("text_config", "vision_config"))
    text["rope_parameters"] = read_rope(text)
    for name in ("rope_theta", "rope_scaling", "dtype"):
        text.pop(name, None)
    vision.pop("dtype", None)
    return LlavoltaConfig(
        text_config=LlamaConfig(**text).to_dict(),
        vision_config=CLIPVisionConfig(**vision).to_dict(),
        image_token_index=table.get("image_token_index", table.get("image_token_id", 32000)),
        vision_feature_layer=table.get("vision_feature_layer", -2),
        vision_feature_select_strategy=table.get("vision_feature_select_strategy", "default"),
        tie_word_embeddings=bool(table.get("tie_word_embeddings", False)),
        dtype=stored_dtype(table),
    )


def config_table(config: LlavoltaConfig, layout: Layout) -> dict[str, Any]:
    """``config.json`` of a layout.

    Args:
        config: What model it is.
        layout: Layout to write.

    Raises:
        InputError: A model that the layout cannot describe.
    """
    if layout == "native":
        return dict(config.to_dict()) | {"architectures": ["LlavoltaForConditionalGeneration"]}
    if layout == "official":
        return _official(config)
    if config.learned_pooling:
        raise InputError(
            Problem("learned_pooling", "a model without its parameters for this layout", "write native or official")
        )
    if config.projector_type != "mlp2x_gelu":
        raise InputError(
            Problem(f"projector type {config.projector_type}", "mlp2x_gelu for this layout", "write native or official")
        )
    return llava_table(config, projector_act="gelu")


def write_settings(config: LlavoltaConfig, target: Path, layout: Layout, table: Mapping[str, Any]) -> None:
    """Write every settings file of a layout.

    Args:
        config: What model it is.
        target: Folder of the checkpoint.
        layout: Layout to write.
        table: As :func:`config_table`.
    """
    images = image_settings(config.vision_config.image_size)
    if layout == "native":
        write_processor_files(
            target,
            images,
            image_processor=LlavoltaImageProcessor.__name__,
            processor=LlavoltaProcessor.__name__,
            options={"image_aspect_ratio": config.image_aspect_ratio},
            chat_template=chat_template(LlavoltaProcessor.prompt_format()),
        )
    else:
        write_json(target / "preprocessor_config.json", images)
    # Last: a conversion that was broken off has no configuration and is refused.
    write_json(target / "config.json", table)


def _official(config: LlavoltaConfig) -> dict[str, Any]:
    features = {ours: theirs for theirs, ours in FEATURES.items()}
    return write_llama(config.text_config) | {
        "architectures": ["LlavaLlamaForCausalLM"],
        "model_type": "llava_llama",
        "mm_vision_tower": "openai/clip-vit-large-patch14-336",
        "mm_hidden_size": config.vision_config.hidden_size,
        "mm_projector_type": config.projector_type,
        "mm_vision_select_layer": config.vision_feature_layer,
        "mm_vision_select_feature": features[config.vision_feature_select_strategy],
        "mm_patch_merge_type": "flat",
        "mm_use_im_start_end": False,
        "mm_use_im_patch_token": False,
        "image_aspect_ratio": config.image_aspect_ratio,
        "tokenizer_model_max_length": config.max_sequence_length,
        "tokenizer_padding_side": "right",
        "vision_config": config.vision_config.to_dict(),
        "torch_dtype": dtype_name(config.dtype),
        **{name: getattr(config, name) for name in _OWN_FIELDS},
    }
