"""The settings beside the weights, in every layout: read into one configuration and written from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import CLIPVisionConfig, LlamaConfig

from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.layouts import Layout
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

_TEXT_FIELDS = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "max_position_embeddings",
    "rms_norm_eps",
    "hidden_act",
    "attention_bias",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "tie_word_embeddings",
    "initializer_range",
)
_OWN_FIELDS = ("grouping", "compression_layer", "compression_stride", "position_rounding")


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
    text = {name: table[name] for name in _TEXT_FIELDS if table.get(name) is not None}
    tower = dict(vision or table.get("vision_config") or CLIP_LARGE_336)
    for name in ("model_type", "torch_dtype", "dtype", "transformers_version", "architectures", "_name_or_path"):
        tower.pop(name, None)
    own = {name: table[name] for name in _OWN_FIELDS if name in table}
    if own.get("grouping") not in (None, "none") and "compression_layer" not in own:
        # The sample configuration of the repository names a grouping that its code never reads.
        own.pop("grouping")
    return LlavoltaConfig(
        text_config=LlamaConfig(**text, rope_parameters=_rope(table)).to_dict(),
        vision_config=CLIPVisionConfig(**tower).to_dict(),
        projector_type=table.get("mm_projector_type", "linear"),
        vision_feature_layer=table.get("mm_vision_select_layer", -2),
        vision_feature_select_strategy=FEATURES[table.get("mm_vision_select_feature", "patch")],
        image_aspect_ratio=table.get("image_aspect_ratio") or "square",
        max_sequence_length=table.get("tokenizer_model_max_length"),
        tie_word_embeddings=bool(table.get("tie_word_embeddings", False)),
        dtype=table.get("torch_dtype") or table.get("dtype"),
        **own,
    )


FEATURES = {"patch": "default", "cls_patch": "full"}
"""Names of the feature selection: LLaVA's and transformers'."""


def config_from_llava(table: Mapping[str, Any]) -> LlavoltaConfig:
    """Configuration from that of transformers' LLaVA class.

    Args:
        table: Content of ``config.json``.
    """
    text, vision = dict(table.get("text_config") or {}), dict(table.get("vision_config") or {})
    if "rope_parameters" not in text:
        text["rope_parameters"] = _rope(text)
    for name in ("rope_theta", "rope_scaling"):
        text.pop(name, None)
    return LlavoltaConfig(
        text_config=LlamaConfig(**_plain(text)).to_dict(),
        vision_config=CLIPVisionConfig(**_plain(vision)).to_dict(),
        image_token_index=table.get("image_token_index", table.get("image_token_id", 32000)),
        vision_feature_layer=table.get("vision_feature_layer", -2),
        vision_feature_select_strategy=table.get("vision_feature_select_strategy", "default"),
        tie_word_embeddings=bool(table.get("tie_word_embeddings", False)),
        dtype=table.get("torch_dtype") or table.get("dtype"),
    )


def write_table(config: LlavoltaConfig, layout: Layout) -> dict[str, Any]:
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
    if config.projector_type != "mlp2x_gelu":
        raise InputError(
            Problem(f"projector type {config.projector_type}", "mlp2x_gelu for this layout", "write native or official")
        )
    return {
        "architectures": ["LlavaForConditionalGeneration"],
        "model_type": "llava",
        "text_config": config.text_config.to_dict(),
        "vision_config": config.vision_config.to_dict(),
        # transformers looks its placeholder up in the table of embeddings unless it lies behind it.
        "image_token_index": config.text_config.vocab_size
        if config.image_token_index < 0
        else config.image_token_index,
        "projector_hidden_act": "gelu",
        "vision_feature_layer": config.vision_feature_layer,
        "vision_feature_select_strategy": config.vision_feature_select_strategy,
        "tie_word_embeddings": config.tie_word_embeddings,
        "dtype": _dtype(config),
    }


def _official(config: LlavoltaConfig) -> dict[str, Any]:
    text = config.text_config.to_dict()
    rope = dict(text.get("rope_parameters") or {})
    theta, kind = rope.pop("rope_theta", 10000.0), rope.get("rope_type", "default")
    features = {ours: theirs for theirs, ours in FEATURES.items()}
    table = {name: text[name] for name in _TEXT_FIELDS if text.get(name) is not None}
    if table.get("head_dim") == text["hidden_size"] // text["num_attention_heads"]:
        table.pop("head_dim")
    return table | {
        "architectures": ["LlavaLlamaForCausalLM"],
        "model_type": "llava_llama",
        "rope_theta": theta,
        "rope_scaling": None if kind == "default" else rope | {"type": kind},
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
        "torch_dtype": _dtype(config),
        **{name: getattr(config, name) for name in _OWN_FIELDS},
    }


def _rope(table: Mapping[str, Any]) -> dict[str, Any]:
    # transformers 4 kept base and scaling side by side; 5 nests both.
    nested = table.get("rope_parameters")
    if isinstance(nested, dict):
        return dict(nested)
    scaling = dict(table.get("rope_scaling") or {})
    kind = scaling.pop("type", None) or scaling.pop("rope_type", None) or "default"
    return {"rope_theta": table.get("rope_theta") or 10000.0, "rope_type": kind, **scaling}


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    left_out = ("model_type", "torch_dtype", "transformers_version", "architectures", "_name_or_path")
    return {key: value for key, value in table.items() if key not in left_out}


def _dtype(config: LlavoltaConfig) -> str | None:
    return None if config.dtype is None else str(config.dtype).removeprefix("torch.")
