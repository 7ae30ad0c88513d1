"""Frames and questions of a whole batch through the query transformer at once: same tokens, bounded memory."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.llama_vid.frame_blocks import Part, frame_blocks, paired_rows
from baselines.llama_vid.toy import toy_config, toy_model
from vdc.errors import InputError

SHAPES = ((5, 17), (2, 17), (4, 17), (3, 16))
"""Frames of each sample and tokens of each frame; 16 without class token."""

QUESTIONS = ((2, 6), (1, 9), (3, 4), (5, 7))
"""Questions of each sample and ids of each question."""


def samples() -> tuple[list[Any], list[Any], list[Any]]:
    random = torch.Generator().manual_seed(0)
    features = [torch.randn(frames, tokens, 32, generator=random) for frames, tokens in SHAPES]
    questions = [torch.randint(5, 40, shape, generator=random) for shape in QUESTIONS]
    masks = [torch.ones_like(ids) for ids in questions]
    for ids, mask in zip(questions, masks, strict=True):
        mask[-1, -2:] = 0
        ids[-1, -2:] = 0
    return features, questions, masks


@pytest.mark.parametrize("frame_block", [1, 3, 4, 64])
@torch.no_grad()
def test_a_batch_gives_the_tokens_of_its_samples_alone_within_the_limit(frame_block: int) -> None:
    model = toy_model(toy_config(compress_type="grid:2", frame_block=frame_block)).model
    features, questions, masks = samples()
    passes: list[int] = []
    model.qformer.register_forward_hook(
        lambda module, given, kwargs, made: passes.append(len(kwargs["query_embeds"])), with_kwargs=True
    )
    together = model.visual_tokens(features, questions, masks)
    pairs = [frames * asked for (frames, _), (asked, _) in zip(SHAPES, QUESTIONS, strict=True)]
    assert sum(passes) == sum(pairs)
    assert max(passes) <= frame_block
    if frame_block == 64:
        assert passes == [sum(pairs[:3]), pairs[3]]  # two passes for four samples: one per number of tokens
    for number, tokens in enumerate(together):
        alone = model.visual_tokens([features[number]], [questions[number]], [masks[number]])[0]
        assert tokens.shape == (QUESTIONS[number][0], SHAPES[number][0] * 5, 32)
        assert torch.allclose(tokens, alone, atol=1e-5)


def test_every_sample_of_a_batch_gets_a_gradient() -> None:
    model = toy_model(toy_config(frame_block=3)).model
    features, questions, masks = samples()
    features = [sample.requires_grad_() for sample in features]
    sum(tokens.square().sum() for tokens in model.visual_tokens(features, questions, masks)).backward()
    assert all(bool((sample.grad.abs().sum(dim=(1, 2)) > 0).all()) for sample in features)


def test_blocks_run_over_samples_and_break_where_frames_change_their_size() -> None:
    features = [torch.empty(frames, tokens, 1) for frames, tokens in SHAPES]
    assert frame_blocks(features, 4) == [
        [Part(0, 0, 4)],
        [Part(0, 4, 5), Part(1, 0, 2), Part(2, 0, 1)],
        [Part(2, 1, 4)],
        [Part(3, 0, 3)],
    ]


def test_pairs_meet_each_frame_with_each_question_of_its_sample() -> None:
    questions = [torch.tensor([[1, 2], [3, 4]]), torch.tensor([[5, 6, 7]])]
    masks = [torch.ones_like(ids) for ids in questions]
    frames, ids, mask = paired_rows([Part(0, 3, 5), Part(1, 0, 1)], questions, masks)
    assert frames.tolist() == [0, 0, 1, 1, 2]
    assert ids.tolist() == [[1, 2, 0], [3, 4, 0], [1, 2, 0], [3, 4, 0], [5, 6, 7]]
    assert mask[:, 2].tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("shape", [(0, 17, 32), (2, 17, 8), (17, 32)], ids=["no frames", "other width", "flat"])
def test_features_of_another_shape_are_refused(toy_vid: Any, shape: tuple[int, ...]) -> None:
    ids = torch.ones(1, 3, dtype=torch.long)
    with pytest.raises(InputError, match="features of shape"):
        toy_vid.model.visual_tokens([torch.zeros(shape)], [ids], [ids])
