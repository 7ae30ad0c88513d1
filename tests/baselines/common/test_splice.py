"""Visual tokens in rows of text."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

import torch

from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.common.splice import Span, splice
from vdc.errors import InputError

HOLE = IMAGE_PLACEHOLDER


def embed(ids: torch.Tensor) -> torch.Tensor:
    """Id n becomes (n, -n), so that rows can be read back."""
    return torch.stack([ids, -ids], dim=-1).float()


def block(*values: float) -> torch.Tensor:
    return torch.tensor([[value, -value] for value in values])


def read(embeddings: torch.Tensor) -> list[list[float]]:
    return embeddings[..., 0].tolist()


def test_one_row_by_hand() -> None:
    ids = torch.tensor([[1, HOLE, 4, HOLE, 5]])
    done = splice(
        input_ids=ids,
        visual=[[block(0.1, 0.2), block(0.3)]],
        embed=embed,
        labels=torch.tensor([[-100, -100, 4, -100, 5]]),
    )
    assert read(done.inputs_embeds) == [pytest.approx([1, 0.1, 0.2, 4, 0.3, 5])]
    assert done.labels.tolist() == [[-100, -100, -100, 4, -100, 5]]
    assert done.spans == ((Span(1, 2), Span(4, 1)),)
    assert done.attention_mask is None
    assert done.position_ids is None


@pytest.mark.parametrize("side", ["left", "right"])
def test_rows_of_different_length_are_padded_and_masked(side: str) -> None:
    ids = torch.tensor([[1, HOLE, 4], [1, 6, 0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    done = splice(
        input_ids=ids, visual=[[block(0.1, 0.2)], []], embed=embed, attention_mask=mask, labels=ids, padding_side=side
    )
    gap = [0.0, 0.0]
    text = [1.0, 6.0]
    assert read(done.inputs_embeds)[1] == (gap + text if side == "left" else text + gap)
    assert done.attention_mask.tolist()[1] == (
        [False, False, True, True] if side == "left" else [True, True, False, False]
    )
    assert done.position_ids.tolist() == [[0, 1, 2, 3], [0, 0, 0, 1] if side == "left" else [0, 1, 0, 0]]
    assert done.labels.tolist()[1] == ([-100, -100, 1, 6] if side == "left" else [1, 6, -100, -100])
    assert done.labels.tolist()[0] == [1, IGNORED_LABEL, IGNORED_LABEL, 4]


def test_spans_count_the_padding_on_the_left() -> None:
    ids = torch.tensor([[1, HOLE, 4, 5], [7, HOLE, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    done = splice(input_ids=ids, visual=[[block(1)], [block(2)]], embed=embed, attention_mask=mask, padding_side="left")
    assert done.spans == ((Span(1, 1),), (Span(3, 1),))


def test_input_padded_on_either_side_gives_the_same_rows() -> None:
    right = splice(
        input_ids=torch.tensor([[1, HOLE, 4, 0]]), visual=[[block(9)]], embed=embed,
        attention_mask=torch.tensor([[1, 1, 1, 0]]),
    )  # fmt: skip
    left = splice(
        input_ids=torch.tensor([[0, 1, HOLE, 4]]), visual=[[block(9)]], embed=embed,
        attention_mask=torch.tensor([[0, 1, 1, 1]]),
    )  # fmt: skip
    assert torch.equal(right.inputs_embeds, left.inputs_embeds)


def test_surplus_placeholders_vanish_and_are_counted_and_surplus_blocks_are_left_out() -> None:
    ids = torch.tensor([[HOLE, 4, HOLE], [HOLE, 5, 6]])
    done = splice(input_ids=ids, visual=[[block(1)], [block(2), block(3)]], embed=embed)
    assert done.dropped_placeholders == 1
    assert read(done.inputs_embeds) == [[1, 4, 0], [2, 5, 6]]


def test_long_rows_are_cut_with_their_spans() -> None:
    done = splice(input_ids=torch.tensor([[1, HOLE, 4]]), visual=[[block(7, 8, 9)]], embed=embed, max_length=3)
    assert read(done.inputs_embeds) == [[1, 7, 8]]
    assert done.spans == ((Span(1, 2),),)


def test_text_alone_passes_through() -> None:
    ids = torch.tensor([[3, 4]])
    assert torch.equal(splice(input_ids=ids, visual=[[]], embed=embed).inputs_embeds, embed(ids))


def test_gradients_reach_text_and_visual_tokens() -> None:
    table = torch.nn.Embedding(10, 2)
    visual = torch.ones(2, 2, requires_grad=True)
    done = splice(input_ids=torch.tensor([[1, HOLE, 4]]), visual=[[visual]], embed=table)
    done.inputs_embeds.sum().backward()
    assert torch.equal(visual.grad, torch.ones(2, 2))
    assert table.weight.grad[[1, 4]].eq(1).all()
    assert table.weight.grad[0].eq(0).all()  # what stood in for the placeholder


def test_shapes_that_do_not_fit_are_refused() -> None:
    ids = torch.tensor([[1, HOLE]])
    with pytest.raises(InputError, match="one per row"):
        splice(input_ids=ids, visual=[], embed=embed)
    with pytest.raises(InputError, match="width of the text"):
        splice(input_ids=ids, visual=[[torch.zeros(2, 5)]], embed=embed)
