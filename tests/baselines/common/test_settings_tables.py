"""Settings as older libraries wrote them."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from transformers import LlamaConfig

from baselines.common.settings_tables import (
    dtype_name,
    fields_of,
    read_llama,
    read_rope,
    settings_of,
    stored_dtype,
    write_llama,
    write_rope,
)

LINEAR = {"rope_theta": 5000.0, "rope_type": "linear", "factor": 4.0}


@pytest.mark.parametrize(
    ("table", "rope"),
    [
        ({}, {"rope_theta": 10000.0, "rope_type": "default"}),
        ({"rope_theta": 5000.0, "rope_scaling": {"type": "linear", "factor": 4.0}}, LINEAR),
        ({"rope_theta": 5000.0, "rope_scaling": {"rope_type": "linear", "type": "linear", "factor": 4.0}}, LINEAR),
        ({"rope_parameters": LINEAR, "rope_theta": 1.0}, LINEAR),
    ],
    ids=["nothing said", "early", "late", "nested"],
)
def test_positions_of_every_version_read_alike(table: dict[str, Any], rope: dict[str, Any]) -> None:
    assert read_rope(table) == rope


def test_positions_are_written_with_the_two_fields_that_early_versions_demand() -> None:
    config = LlamaConfig(rope_parameters=LINEAR)
    assert write_rope(config) == {"rope_theta": 5000.0, "rope_scaling": {"type": "linear", "factor": 4.0}}
    assert write_rope(config, rope_type=True)["rope_scaling"] == {
        "type": "linear",
        "rope_type": "linear",
        "factor": 4.0,
    }
    assert write_rope(LlamaConfig())["rope_scaling"] is None


def test_a_language_model_survives_the_flat_table() -> None:
    config = LlamaConfig(hidden_size=32, num_attention_heads=4, vocab_size=99, rope_parameters=LINEAR, pad_token_id=0)
    table = write_llama(config)
    assert "head_dim" not in table
    assert read_llama(table).to_dict() == config.to_dict()
    odd = LlamaConfig(hidden_size=32, num_attention_heads=4, head_dim=16)
    assert write_llama(odd)["head_dim"] == 16


def test_names_that_changed_and_fields_of_the_library_are_sorted_out() -> None:
    table = {"torch_dtype": "float16", "architectures": ["X"], "model_type": "x", "hidden_size": 8, "mm_x": 1}
    assert settings_of(table) == {"dtype": "float16", "hidden_size": 8, "mm_x": 1}
    assert fields_of(LlamaConfig, table) == {"hidden_size": 8}
    assert stored_dtype(table) == stored_dtype({"dtype": "float16"}) == "float16"


def test_a_dtype_and_its_name_are_written_alike() -> None:
    torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
    assert dtype_name(torch.float16) == dtype_name("float16") == "float16"
    assert dtype_name(None) is None
