"""The whole toy model: every layout, batches, text alone, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch
from torch import Tensor

from baselines.llama_vid.config import extended_rope
from baselines.llama_vid.toy import toy_config, toy_model
from baselines.llama_vid.vision import resize_positions
from vdc.errors import InputError

IMAGE = -200


def pixels(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, 3, 56, 56, generator=torch.Generator().manual_seed(seed))


def questions(*rows: list[list[int]]) -> dict[str, Tensor]:
    """Rows of questions, padded."""
    most, longest = max(len(row) for row in rows), max(len(one) for row in rows for one in row)
    ids = torch.zeros(len(rows), most, longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for r, row in enumerate(rows):
        for q, one in enumerate(row):
            ids[r, q, : len(one)] = torch.tensor(one)
            mask[r, q, : len(one)] = 1
    return {"question_ids": ids, "question_mask": mask}


ASK = [2, 40, 41, 3]
OTHER = [2, 50, 51, 52, 53, 3]


def test_a_video_becomes_two_tokens_per_frame(toy_vid: Any) -> None:
    ids = torch.tensor([[1, 5, IMAGE, 6]])
    spliced = toy_vid.splice_inputs(ids, pixels(1, 3), **questions([ASK]))
    assert [(span.start, span.length) for span in spliced.spans[0]] == [(2, 6)]
    assert spliced.inputs_embeds.shape == (1, 3 + 6, 32)


def test_the_question_changes_the_context_token_and_not_the_content_token(toy_vid: Any) -> None:
    ids = torch.tensor([[1, IMAGE]])
    first = toy_vid.splice_inputs(ids, pixels(1, 1), **questions([ASK])).inputs_embeds[0]
    second = toy_vid.splice_inputs(ids, pixels(1, 1), **questions([OTHER])).inputs_embeds[0]
    assert not torch.allclose(first[1], second[1], atol=1e-4)
    torch.testing.assert_close(first[2], second[2])


def test_each_placeholder_takes_the_tokens_of_its_own_question(toy_vid: Any) -> None:
    both = toy_vid.splice_inputs(torch.tensor([[1, IMAGE, 7, IMAGE]]), pixels(1, 2), **questions([ASK, OTHER]))
    alone = toy_vid.splice_inputs(torch.tensor([[1, IMAGE]]), pixels(1, 2), **questions([OTHER]))
    torch.testing.assert_close(both.inputs_embeds[0, -4:], alone.inputs_embeds[0, -4:])


def test_padding_of_a_question_changes_nothing(toy_vid: Any) -> None:
    ids = torch.tensor([[1, IMAGE, 5]])
    plain = toy_vid(input_ids=ids, pixel_values=pixels(1, 2), **questions([ASK])).logits
    padded = questions([ASK], [[2] * 9])
    padded = {key: value[:1] for key, value in padded.items()}
    assert padded["question_ids"].shape[-1] == 9
    other = toy_vid(input_ids=ids, pixel_values=pixels(1, 2), **padded).logits
    torch.testing.assert_close(other, plain, atol=1e-3, rtol=1e-3)


def test_frames_in_blocks_give_the_same_tokens(toy_vid: Any) -> None:
    small = toy_model(toy_config(frame_block=2))
    arguments = {"input_ids": torch.tensor([[1, IMAGE]]), "pixel_values": pixels(1, 5), **questions([ASK])}
    torch.testing.assert_close(
        small.splice_inputs(**arguments).inputs_embeds, toy_vid.splice_inputs(**arguments).inputs_embeds
    )


def test_text_alone_is_answered(toy_vid: Any) -> None:
    """The published code crashes on it."""
    made = toy_vid.generate(torch.tensor([[1, 5, 6]]), max_new_tokens=3, do_sample=False)
    assert made.shape == (1, 6)


@pytest.mark.parametrize("side", ["left", "right"])
def test_rows_of_unequal_length_answer_as_they_do_alone(toy_vid: Any, side: str) -> None:
    """The published code crashes on them without labels."""
    rows = [[1, 5, IMAGE, 6, 7], [1, IMAGE, 9], [1, 8]]
    asked = questions([ASK], [OTHER], [ASK])
    frames = pixels(3, 3)
    counts = [3, 1, 0]
    ids, mask = torch.zeros(3, 5, dtype=torch.long), torch.zeros(3, 5, dtype=torch.long)
    for number, row in enumerate(rows):
        place = slice(5 - len(row), 5) if side == "left" else slice(0, len(row))
        ids[number, place], mask[number, place] = torch.tensor(row), 1
    options = {"max_new_tokens": 4, "do_sample": False}
    together = toy_vid.generate(ids, pixel_values=frames, attention_mask=mask, frame_counts=counts, **asked, **options)
    for number, row in enumerate(rows):
        alone = {key: value[number : number + 1] for key, value in asked.items()}
        visual = {"pixel_values": frames[number : number + 1, : counts[number]], **alone} if counts[number] else {}
        single = toy_vid.generate(torch.tensor([row]), **visual, **options)
        assert together[number, -4:].tolist() == single[0, -4:].tolist()


def test_cached_generation_equals_full_passes(toy_vid: Any) -> None:
    ids = torch.tensor([[1, IMAGE, 5]])
    visual = {"pixel_values": pixels(1, 2), **questions([ASK])}
    made = toy_vid.generate(ids, **visual, max_new_tokens=4, do_sample=False)
    for _ in range(4):
        following = toy_vid(input_ids=ids, **visual).logits[:, -1].argmax(-1, keepdim=True)
        ids = torch.cat([ids, following], dim=1)
    assert made.tolist() == ids.tolist()


def test_kept_features_answer_the_next_question_without_the_tower(
    toy_vid: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = torch.tensor([[1, IMAGE, 5]])
    expected = toy_vid(input_ids=ids, pixel_values=pixels(1, 3), **questions([OTHER])).logits
    features = toy_vid.model.encode_frames(pixels(1, 3)[0])
    monkeypatch.setattr(toy_vid.model, "encode_frames", lambda *_: pytest.fail("the tower ran again"))
    torch.testing.assert_close(toy_vid(input_ids=ids, frame_features=[features], **questions([OTHER])).logits, expected)


def test_stored_features_stand_one_token_per_placeholder(toy_vid: Any) -> None:
    features = toy_vid.model.encode_frames(pixels(1, 2)[0])
    film = torch.tensor([[1, IMAGE, IMAGE, 5, 6, IMAGE, IMAGE]])
    spread = toy_vid.splice_inputs(film, frame_features=[features[:, 1:].half()], **questions([ASK]))
    block = toy_vid.splice_inputs(torch.tensor([[1, IMAGE]]), frame_features=[features], **questions([ASK]))
    assert spread.inputs_embeds.shape[1] == 7
    kept = spread.inputs_embeds[0, [1, 2, 5, 6]]
    # without the class token the query transformer sees one token less, so only the content tokens are the same
    torch.testing.assert_close(kept[[1, 3]], block.inputs_embeds[0, [2, 4]], atol=2e-2, rtol=1e-2)


def test_a_wide_picture_is_not_taken_for_stored_features(toy_vid: Any) -> None:
    """The published code decides by the width of the tensor."""
    wide = torch.zeros(1, 3, 56, 1008)
    with pytest.raises(InputError, match="56 x 1008 pixels"):
        toy_vid(input_ids=torch.tensor([[1, IMAGE]]), pixel_values=wide, **questions([ASK]))


@pytest.mark.parametrize(
    ("ids", "frames", "asked", "message"),
    [
        ([1, IMAGE, IMAGE], 1, [ASK], "found 2 placeholders; expected at most 1, one per question"),
        ([1, IMAGE], 0, [ASK], "0 frames"),
        ([1, IMAGE], 1, [], "0 questions"),
    ],
    ids=["more placeholders than questions", "no frames", "no questions"],
)
def test_what_does_not_fit_together_is_refused(
    toy_vid: Any, ids: list[int], frames: int, asked: list[list[int]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        toy_vid.splice_inputs(
            torch.tensor([ids]), pixels(1, frames) if frames else None, **(questions(asked) if asked else {})
        )


def test_a_film_with_a_wrong_number_of_marks_is_refused(toy_vid: Any) -> None:
    features = toy_vid.model.encode_frames(pixels(1, 2)[0])
    with pytest.raises(InputError, match="or 4, one per visual token of 2 frames"):
        toy_vid.splice_inputs(torch.tensor([[1, IMAGE, IMAGE, IMAGE]]), frame_features=[features], **questions([ASK]))


def test_features_of_another_tower_are_refused(toy_vid: Any) -> None:
    with pytest.raises(InputError, match="extract them with this checkpoint's tower"):
        toy_vid.splice_inputs(torch.tensor([[1, IMAGE]]), frame_features=[torch.zeros(2, 5, 99)], **questions([ASK]))


def test_gradients_reach_everything_but_the_tower() -> None:
    model = toy_model()
    ids = torch.tensor([[1, IMAGE, 5, 6]])
    labels = torch.tensor([[-100, -100, 5, 6]])
    model(input_ids=ids, pixel_values=pixels(1, 2), labels=labels, **questions([ASK])).loss.backward()
    without = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    tower = {name for name, _ in model.named_parameters() if name.startswith("model.vision_tower.")}
    # the last layer's text half feeds nothing
    unused = {name for name in without - tower if ".encoder.layer.1." not in name}
    assert tower <= without
    assert not unused


def test_a_training_batch_of_text_alone_touches_the_same_parameters() -> None:
    model = toy_model().train()
    loss = model(input_ids=torch.tensor([[1, 5, 6]]), pixel_values=pixels(1, 1), labels=torch.tensor([[1, 5, 6]])).loss
    loss.backward()
    assert model.model.projector[0].weight.grad is not None
    assert float(model.model.projector[0].weight.grad.abs().sum()) == 0


@pytest.mark.parametrize(("length", "factor"), [(4096, None), (4097, 2.0), (8192, 2.0), (65536, 16.0)], ids=str)
def test_positions_are_stretched_by_the_smallest_whole_factor(length: int, factor: float | None) -> None:
    text = toy_config().text_config
    text.max_position_embeddings = 4096
    assert extended_rope(text, length).get("factor") == factor


def test_a_position_table_of_the_same_size_is_the_table() -> None:
    table = torch.randn(1, 17, 4, generator=torch.Generator().manual_seed(0))
    assert resize_positions(table, 4) is table
    resized = resize_positions(table, 6)
    assert resized.shape == (1, 37, 4)
    assert torch.equal(resized[:, :1], table[:, :1])
