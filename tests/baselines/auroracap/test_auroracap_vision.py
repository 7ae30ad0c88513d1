"""The merging tower against transformers' own tower and against a version written without it."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch
from torch.nn import functional
from transformers import CLIPVisionModel

from baselines.auroracap.toy import toy_config, toy_model
from baselines.auroracap.vision import AuroraCapVisionTower
from baselines.token_reduction import match_tokens, merge_weighted
from vdc.errors import InputError


def pixels(frames: int = 2, height: int = 56, width: int = 56) -> torch.Tensor:
    return torch.randn(frames, 3, height, width, generator=torch.Generator().manual_seed(height + width))


def naive_features(tower: Any, images: torch.Tensor, merges: int, *, proportional: bool = False) -> torch.Tensor:
    """The whole tower from its parameters, one head at a time."""
    weights = dict(tower.named_parameters())
    config = tower.config
    heads, width = config.num_attention_heads, config.hidden_size // config.num_attention_heads
    x = functional.conv2d(images, weights["embeddings.patch_embedding.weight"], stride=config.patch_size)
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([weights["embeddings.class_embedding"].expand(len(x), 1, -1), x], dim=1)
    x = x + weights["embeddings.position_embedding.weight"]

    def norm(name: str, value: torch.Tensor) -> torch.Tensor:
        scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return functional.layer_norm(value, (value.shape[-1],), scale, shift, config.layer_norm_eps)

    def linear(name: str, value: torch.Tensor) -> torch.Tensor:
        return value @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x, sizes = norm("pre_layrnorm", x), torch.ones_like(x[..., :1])
    for number in range(config.num_hidden_layers - 1):
        layer = f"encoder.layers.{number}"
        y = norm(f"{layer}.layer_norm1", x)
        query, key, value = (linear(f"{layer}.self_attn.{part}_proj", y) for part in "qkv")
        mixed = []
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            scores = query[..., part] @ key[..., part].transpose(1, 2) / width**0.5
            if proportional:
                scores = scores + sizes.transpose(1, 2).log()
            mixed.append(scores.softmax(dim=-1) @ value[..., part])
        x = x + linear(f"{layer}.self_attn.out_proj", torch.cat(mixed, dim=-1))
        metric = torch.stack([key[..., head * width : (head + 1) * width] for head in range(heads)]).mean(dim=0)
        x, sizes = merge_weighted(x, sizes, match_tokens(metric, merges))
        hidden = linear(f"{layer}.mlp.fc1", norm(f"{layer}.layer_norm2", x))
        x = x + linear(f"{layer}.mlp.fc2", hidden * torch.sigmoid(1.702 * hidden))
    return x[:, 1:]


@pytest.mark.parametrize("ratio", [1.0, 0.7, 0.3, 0.0])
def test_features_equal_the_version_from_parameters(toy: Any, ratio: float) -> None:
    tower = toy.model.vision_tower
    images = pixels()
    with torch.no_grad():
        found = tower.features(images, ratio)
        assert torch.allclose(found, naive_features(tower, images, tower.merges(56, 56, ratio)), atol=1e-4)


def test_proportional_attention_counts_sizes_on_the_keys(toy: Any) -> None:
    tower = AuroraCapVisionTower(toy.config.vision_config, size_bias="proportional").eval()
    tower.load_state_dict(toy.model.vision_tower.state_dict())
    images = pixels()
    with torch.no_grad():
        found = tower.features(images, 0.3)
        merges = tower.merges(56, 56, 0.3)
        assert torch.allclose(found, naive_features(tower, images, merges, proportional=True), atol=1e-4)
        assert not torch.allclose(found, naive_features(tower, images, merges), atol=1e-2)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_ratio_one_equals_clips_own_tower_to_the_bit(toy: Any, attention: str) -> None:
    config = toy.config.vision_config
    plain = CLIPVisionModel._from_config(config, attn_implementation=attention).eval()
    ours = AuroraCapVisionTower._from_config(config, attn_implementation=attention).eval()
    plain.load_state_dict(toy.model.vision_tower.state_dict())
    ours.load_state_dict(toy.model.vision_tower.state_dict())
    with torch.no_grad():
        theirs = plain(pixels(), output_hidden_states=True).hidden_states
        states = ours.states(pixels(), 1.0, every_state=True).hidden_states
    assert len(theirs) == len(states) == config.num_hidden_layers + 1
    assert all(torch.equal(a, b) for a, b in zip(theirs, states, strict=True))


def test_token_counts_follow_the_schedule(toy: Any) -> None:
    tower = toy.model.vision_tower
    states = tower.states(pixels(), 0.5, every_state=True)  # trunc(16 * 0.5 / 4) = 2 merges a layer
    assert [state.shape[1] for state in states.hidden_states] == [17, 15, 13, 11, 9]
    assert [int(size[0].sum()) for size in states.sizes] == [17] * 5


def test_frames_do_not_see_each_other(toy: Any) -> None:
    tower, images = toy.model.vision_tower, pixels(3)
    with torch.no_grad():
        together = tower.features(images, 0.5)
        alone = torch.cat([tower.features(image[None], 0.5) for image in images])
    assert torch.allclose(together, alone, atol=1e-5)


def test_other_resolutions_resize_the_position_table(toy: Any) -> None:
    embeddings = toy.model.vision_tower.embeddings
    table = embeddings.position_table(42, 70)
    assert table.shape == (1 + 3 * 5, 32)
    assert torch.equal(table[0], embeddings.position_embedding.weight[0])
    assert torch.equal(embeddings.position_table(56, 56), embeddings.position_embedding.weight)
    # as many patches as the native grid, in another shape: still resized
    assert not torch.equal(embeddings.position_table(28, 112), embeddings.position_embedding.weight)
    assert toy.model.vision_tower.features(pixels(1, 42, 70), 1.0).shape == (1, 15, 32)


@pytest.mark.parametrize("trained", [False, True])
def test_position_table_is_trained_only_where_the_configuration_says_so(trained: bool) -> None:
    config = toy_config()
    config.train_position_embedding = trained
    tower = toy_model(config).model.vision_tower
    tower.features(pixels(), 0.5).sum().backward()
    assert (tower.embeddings.position_embedding.weight.grad is not None) == trained
    assert tower.encoder.layers[0].self_attn.k_proj.weight.grad is not None


def test_bad_input_is_refused(toy: Any) -> None:
    tower = toy.model.vision_tower
    with pytest.raises(InputError, match="0 to 1"):
        tower.features(pixels(), 1.1)
    with pytest.raises(InputError, match="at least one patch"):
        tower.features(pixels(1, 10, 56), 1.0)
    with pytest.raises(InputError, match="attention size bias"):
        AuroraCapVisionTower(toy.config.vision_config, size_bias="canonical")
