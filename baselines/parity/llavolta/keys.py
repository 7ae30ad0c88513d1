"""Names and shapes of a large model's parameters, without its weights."""

from __future__ import annotations

import math
from typing import Any

from baselines.common.llava_layouts import LEFT_OVER
from baselines.llavolta.convert import expected_shapes
from baselines.llavolta.layouts import canonical_name, stored_name
from baselines.llavolta.settings_files import config_from_official
from baselines.parity.llavolta.context import Context

_TOWER = "model.vision_tower.vision_tower.vision_model."


def check_keys(context: Context, file: str) -> None:
    """Names and shapes of the large model's parameters, from a configuration read off the shapes."""
    golden, checker = context.golden.json(file), context.checker
    known = frozenset(("meaning", "num_keys", "total_parameters", "llm_parameters", "keys", "note"))
    checker.fields(file, "", golden, known)
    theirs = {name: tuple(shape) for name, shape in golden["keys"].items() if not LEFT_OVER.search(name)}
    config = config_from_official(_table_of(theirs))
    with_tower = any(name.startswith(_TOWER) for name in theirs)  # released files leave it out
    ours = {
        stored_name(name, "official", projector_type=config.projector_type): shape
        for name, shape in expected_shapes(config).items()
        if with_tower or not name.startswith("vision.")
    }
    checker.same(file, "names", sorted(ours.keys() ^ theirs.keys()), [])
    different = {name: (ours[name], shape) for name, shape in theirs.items() if ours.get(name, shape) != shape}
    checker.same(file, f"shapes that differ ({len(theirs)})", different, {})
    sizes = {name: _size(shape) for name, shape in ours.items()}
    counts = {
        "num_keys": len(ours) + len(golden["keys"]) - len(theirs),
        "total_parameters": sum(sizes.values()),
        "llm_parameters": sum(size for name, size in sizes.items() if _part(name) == "llm"),
    }
    for name, count in counts.items():
        if name in golden:
            checker.same(file, name, count, golden[name])


def _part(key: str) -> str:
    return str(canonical_name(key, "official")).partition(".")[0]


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def _table_of(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    vocabulary, width = shapes["model.embed_tokens.weight"]
    keys = shapes["model.layers.0.self_attn.k_proj.weight"][0]
    head = math.gcd(width, keys)  # how wide a head is changes no shape
    return {
        "hidden_size": width,
        "vocab_size": vocabulary,
        "intermediate_size": shapes["model.layers.0.mlp.gate_proj.weight"][0],
        "num_hidden_layers": sum(name.endswith("mlp.gate_proj.weight") for name in shapes),
        "num_attention_heads": width // head,
        "num_key_value_heads": keys // head,
        **_projector_table(shapes),
    }


def _projector_table(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """The projector and, where it is there, the tower."""
    projector = {
        name: shape
        for name, shape in shapes.items()
        if name.startswith("model.mm_projector.") and name.endswith("weight")
    }
    kind = "linear" if "model.mm_projector.weight" in projector else f"mlp{len(projector)}x_gelu"
    table: dict[str, Any] = {"mm_projector_type": kind if projector else "identity"}
    if f"{_TOWER}embeddings.patch_embedding.weight" not in shapes:
        width = next(iter(projector.values()))[1] if projector else shapes["model.embed_tokens.weight"][1]
        return table | {"vision_config": {"hidden_size": width, "num_attention_heads": 1}}
    patch = shapes[f"{_TOWER}embeddings.patch_embedding.weight"]
    places = shapes[f"{_TOWER}embeddings.position_embedding.weight"][0]
    return table | {
        "vision_config": {
            "hidden_size": patch[0],
            "intermediate_size": shapes[f"{_TOWER}encoder.layers.0.mlp.fc1.weight"][0],
            "num_hidden_layers": sum(name.endswith("mlp.fc1.weight") for name in shapes),
            "num_attention_heads": 1,
            "patch_size": patch[-1],
            "image_size": patch[-1] * round((places - 1) ** 0.5),
        }
    }
