"""Parameter names in the layouts LLaMA-VID weights come in, mapped to the names of this project's model and back.

| part | official | native |
| --- | --- | --- |
| tower | model.vision_tower.vision_tower.* | model.vision_tower.* |
| query transformer | model.vlm_att_encoder.bert.* | model.qformer.* |
| queries, norm | model.vlm_att_query, model.vlm_att_ln.* | model.query_tokens, model.vision_norm.* |
| context attention | model.vlm_att_{,key_,val_}projector.* | model.context_attention.{query,key,value}_projector.* |
| projector | model.mm_projector.*, of one layer without number | model.projector.* |
| language model | model.*, lm_head.* | model.language_model.*, lm_head.* |

Beside these: ``eva_vit_g.pth`` (the tower without prefix) and the trimmed InstructBLIP file (``Qformer.bert.*``,
``ln_vision.*``, ``query_tokens``). The first stage's adapter is the official layout without tower and language model.
"""

from __future__ import annotations

import re

from baselines.common.llava_layouts import LEFT_OVER

_PREFIXES = (
    ("model.vision_tower.vision_tower.", "model.vision_tower."),
    ("model.vlm_att_encoder.bert.", "model.qformer."),
    ("model.vlm_att_query", "model.query_tokens"),
    ("model.vlm_att_ln.", "model.vision_norm."),
    ("model.vlm_att_projector.", "model.context_attention.query_projector."),
    ("model.vlm_att_key_projector.", "model.context_attention.key_projector."),
    ("model.vlm_att_val_projector.", "model.context_attention.value_projector."),
    ("model.mm_projector.", "model.projector."),
    ("model.", "model.language_model."),
    ("lm_head.", "lm_head."),
)
"""Official prefix -> native prefix; the first that fits decides."""

_ATTENTION = re.compile(r"\.(attention|crossattention)\.self\.")
_LONE_LAYER = re.compile(r"^model\.mm_projector\.(weight|bias)$")
"""A projector of type ``linear`` is the layer itself and no sequence of layers."""
_NATIVE_ATTENTION = re.compile(r"\.(attention|crossattention)\.attention\.")

ADAPTER_PARTS = ("mm_projector", "vlm_att")
"""What the names of an adapter's parameters contain."""


def native_name(key: str) -> str | None:
    """Native name of a parameter stored in the official layout.

    Returns:
        None for left-overs that are not needed; the key itself, prefixed with ``?``, where nothing fits.
    """
    if LEFT_OVER.search(key):
        return None
    if key.startswith("model.vlm_att_bert_proj."):
        return f"?{key}"
    key = _LONE_LAYER.sub(r"model.mm_projector.0.\1", key)
    for official, native in _PREFIXES:
        if key.startswith(official):
            rest = key.removeprefix(official)
            if native == "model.qformer.":
                rest = _ATTENTION.sub(r".\1.attention.", rest)
                rest = rest.replace("embeddings.LayerNorm.", "embeddings.layernorm.")
            return native + rest
    return f"?{key}"


def official_name(name: str) -> str:
    """Key under which the official layout stores a native parameter."""
    for official, native in sorted(_PREFIXES, key=lambda pair: len(pair[1]), reverse=True):
        if name.startswith(native):
            rest = name.removeprefix(native)
            if native == "model.qformer.":
                rest = _NATIVE_ATTENTION.sub(r".\1.self.", rest)
                rest = rest.replace("embeddings.layernorm.", "embeddings.LayerNorm.")
            return official + rest
    return name


def is_adapter_name(key: str) -> bool:
    """Whether an official key belongs to an adapter."""
    return any(part in key for part in ADAPTER_PARTS)


def tower_name(key: str) -> str:
    """Native name of a parameter of ``eva_vit_g.pth``."""
    return f"model.vision_tower.{key}"


def instructblip_name(key: str) -> str | None:
    """Native name of a parameter of the trimmed InstructBLIP file; None for what is not used."""
    if LEFT_OVER.search(key):
        return None
    if "bert" in key:
        return native_name("model.vlm_att_encoder.bert." + key.partition("bert.")[2])
    if key.startswith("ln_vision."):
        return f"model.vision_norm.{key.removeprefix('ln_vision.')}"
    return "model.query_tokens" if key == "query_tokens" else None


def is_official(keys: set[str]) -> bool:
    """Whether these keys are those of a full checkpoint or an adapter in the official layout."""
    return any("vlm_att_" in key for key in keys)


def is_native(keys: set[str]) -> bool:
    """Whether these keys are those of this project's model."""
    return "model.query_tokens" in keys
