"""``config.json`` as older libraries wrote it, to and from the configurations of today's transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import LlamaConfig, PreTrainedConfig

LLAMA_FIELDS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "max_position_embeddings",
    "initializer_range",
    "rms_norm_eps",
    "attention_bias",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "tie_word_embeddings",
)
"""What a flat table says about its language model, beside the positions."""

_NOT_SETTINGS = ("model_type", "architectures", "transformers_version", "_name_or_path")
"""Written by the library into every table, whatever the model."""


def settings_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """A part's settings under today's names, without what the library adds."""
    settings = {key: value for key, value in table.items() if key not in _NOT_SETTINGS}
    if "torch_dtype" in settings:  # renamed in transformers 4.56
        settings["dtype"] = settings.pop("torch_dtype")
    return settings


def fields_of(kind: type[PreTrainedConfig], table: Mapping[str, Any]) -> dict[str, Any]:
    """What a table says about the fields that a configuration has."""
    known = kind().to_dict().keys() - set(_NOT_SETTINGS)
    return {key: value for key, value in table.items() if key in known}


def dtype_name(dtype: Any) -> str | None:
    """``float16`` for ``torch.float16`` and for its name."""
    return None if dtype is None else str(dtype).removeprefix("torch.")


def stored_dtype(table: Mapping[str, Any]) -> Any:
    """Dtype that a table names, under either of the names it has had."""
    return table.get("torch_dtype") or table.get("dtype")


def read_llama(table: Mapping[str, Any]) -> LlamaConfig:
    """The language model that a flat table describes."""
    fields = {name: table[name] for name in LLAMA_FIELDS if table.get(name) is not None}
    return LlamaConfig(**fields, rope_parameters=read_rope(table))


def write_llama(config: LlamaConfig, *, rope_type: bool = False) -> dict[str, Any]:
    """The part of a flat table that describes the language model.

    Args:
        config: The language model.
        rope_type: As :func:`write_rope`.
    """
    text = config.to_dict()
    table = {name: text[name] for name in LLAMA_FIELDS if text.get(name) is not None}
    return without_derived_head_dim(table) | write_rope(config, rope_type=rope_type)


def without_derived_head_dim(table: dict[str, Any]) -> dict[str, Any]:
    """Leave out a width of heads that follows from the others; older libraries did not write it."""
    derived = table["hidden_size"] // table["num_attention_heads"]
    return {key: value for key, value in table.items() if key != "head_dim" or value != derived}


def read_rope(table: Mapping[str, Any]) -> dict[str, Any]:
    """Positions: transformers 4 kept base and scaling side by side, 5 nests both in ``rope_parameters``."""
    nested = table.get("rope_parameters")
    if isinstance(nested, dict):
        return dict(nested)
    scaling = dict(table.get("rope_scaling") or {})
    kinds = [scaling.pop(name, None) for name in ("type", "rope_type")]
    kind = next((kind for kind in kinds if kind), "default")
    return {"rope_theta": table.get("rope_theta") or 10000.0, "rope_type": kind, **scaling}


def write_rope(config: LlamaConfig, *, rope_type: bool = False) -> dict[str, Any]:
    """Base and scaling as transformers 4 wrote them.

    Args:
        config: The language model.
        rope_type: Name the kind twice, as its last versions did. Those that LLaVA and LLaMA-VID are pinned to refuse a
            scaling with anything but ``type`` and ``factor``.
    """
    rope = dict(config.rope_parameters or {})
    theta, kind = rope.pop("rope_theta", 10000.0), rope.pop("rope_type", "default")
    scaling = {**rope, "type": kind, **({"rope_type": kind} if rope_type else {})}
    return {"rope_theta": theta, "rope_scaling": None if kind == "default" else scaling}


def llava_table(config: Any, *, projector_act: str) -> dict[str, Any]:
    """``config.json`` of transformers' own LLaVA class, which runs the weights without what the papers add.

    Args:
        config: A configuration of LLaVA's family with a projector of two layers.
        projector_act: Activation between them.
    """
    rows, placeholder = config.text_config.vocab_size, int(config.image_token_index)
    return {
        "architectures": ["LlavaForConditionalGeneration"],
        "model_type": "llava",
        "text_config": config.text_config.to_dict(),
        "vision_config": config.vision_config.to_dict(),
        # transformers looks its placeholder up in the table of embeddings unless it lies behind it
        "image_token_index": rows if placeholder < 0 else placeholder,
        "projector_hidden_act": projector_act,
        "multimodal_projector_bias": config.multimodal_projector_bias,
        "vision_feature_layer": config.vision_feature_layer,
        "vision_feature_select_strategy": config.vision_feature_select_strategy,
        "tie_word_embeddings": config.tie_word_embeddings,
        "dtype": dtype_name(config.dtype),
    }
