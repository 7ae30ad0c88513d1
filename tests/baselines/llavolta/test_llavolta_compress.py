"""The compressor alone: known answers, a naive second version, and properties."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.common.splice import Span
from baselines.llavolta.compress import make_layout
from baselines.llavolta.compressors.choose import Compressor
from baselines.llavolta.setting import Compression
from vdc.errors import InputError


def naive(row: list[float], spans: list[tuple[int, int]], stride: int) -> list[float]:
    """One row, number by number."""
    out, place = [], 0
    for start, length in spans:
        out += row[place:start]
        for group in range(length // stride):
            out.append(sum(row[start + group * stride : start + (group + 1) * stride]) / stride)
        place = start + length
    return out + row[place:]


def test_picture_in_the_module_is_what_happens() -> None:
    layout = make_layout([[Span(2, 5)]], 2, positions=8)
    states = torch.tensor([0.0, 1, 10, 20, 30, 40, 99, 2])[None, :, None]
    assert layout.states(states)[0, :, 0].tolist() == [0, 1, 15, 35, 2]
    assert layout.positions(torch.arange(8)[None]).tolist() == [[0, 1, 2, 4, 7]]
    assert layout.labels(torch.tensor([[7, 8, -100, -100, -100, -100, -100, 9]])).tolist() == [[7, 8, -100, -100, 9]]


def test_rows_with_no_one_and_two_spans_are_padded_on_the_right() -> None:
    layout = make_layout(
        [[], [Span(1, 4)], [Span(0, 4), Span(4, 4)]],
        2,
        positions=9,
        attention_mask=torch.tensor([[1, 1, 1, 0, 0, 0, 0, 0, 0], [1] * 6 + [0] * 3, [1] * 9]),
    )
    assert layout.lengths == (3, 4, 5)
    assert layout.mask(torch.device("cpu")).tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1] * 5]
    states = torch.arange(9.0).repeat(3, 1)[..., None]
    assert layout.states(states)[..., 0].tolist() == [[0, 1, 2, 0, 0], [0, 1.5, 3.5, 5, 0], [0.5, 2.5, 4.5, 6.5, 8]]


def test_span_starts_count_left_padding() -> None:
    # The published compressor pools the wrong tokens here.
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1], [1] * 7])
    layout = make_layout([[Span(3, 4)], [Span(1, 4)]], 4, positions=7, attention_mask=mask)
    states = torch.tensor([[0.0, 0, 5, 1, 2, 3, 4], [9, 2, 4, 6, 8, 7, 6]])[..., None]
    assert layout.states(states)[..., 0].tolist() == [[0, 0, 5, 2.5], [9, 5, 7, 6]]
    assert layout.mask(states.device).tolist() == [[False, False, True, True], [True] * 4]


def test_span_cut_by_the_end_of_the_row_pools_what_is_there() -> None:
    layout = make_layout([[Span(2, 100)]], 4, positions=9)
    assert layout.states(torch.arange(9.0)[None, :, None])[0, :, 0].tolist() == [0, 1, 3.5]


def test_span_shorter_than_the_stride_vanishes() -> None:
    layout = make_layout([[Span(1, 3)]], 8, positions=5)
    assert layout.positions(torch.arange(5)[None]).tolist() == [[0, 4]]


@pytest.mark.parametrize(
    ("first", "stride", "floor", "float16"),
    [
        pytest.param(10, 8, 13, 13, id="early positions agree"),
        pytest.param(1025, 2, 1025, 1026, id="from 1024 a half rounds to even"),
        pytest.param(2049, 1, 2049, 2048, id="from 2048 single positions round"),
    ],
)
def test_float16_rounding_is_an_option(first: int, stride: int, floor: int, float16: int) -> None:
    layout = make_layout([[Span(0, stride)]], stride, positions=stride)
    positions = torch.arange(first, first + stride)[None]
    assert layout.positions(positions).tolist() == [[floor]]
    assert layout.positions(positions, "float16").tolist() == [[float16]]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_batch_equals_the_naive_version(data: Any) -> None:
    stride = data.draw(st.integers(1, 6))
    left = data.draw(st.booleans())
    rows, spans, longest = [], [], 0
    for _ in range(data.draw(st.integers(1, 3))):
        place, row_spans = 0, []
        for _ in range(data.draw(st.integers(0, 3))):
            place += data.draw(st.integers(0, 4))
            row_spans.append((place, data.draw(st.integers(1, 9))))
            place += row_spans[-1][1]
        length = place + data.draw(st.integers(1, 4))
        rows.append([float(data.draw(st.integers(-8, 8))) for _ in range(length)])
        spans.append(row_spans)
        longest = max(longest, length)
    starts = [longest - len(row) if left else 0 for row in rows]
    states, mask = torch.full((len(rows), longest, 1), 77.0), torch.zeros(len(rows), longest)
    for index, (row, start) in enumerate(zip(rows, starts, strict=True)):
        states[index, start : start + len(row), 0] = torch.tensor(row)
        mask[index, start : start + len(row)] = 1
    moved = [[Span(a + start, length) for a, length in row] for row, start in zip(spans, starts, strict=True)]
    layout = make_layout(moved, stride, positions=longest, attention_mask=mask)
    compressed, real = layout.states(states)[..., 0], layout.mask(states.device)
    for index, row in enumerate(rows):
        expected = naive(row, spans[index], stride)
        assert compressed[index][real[index]].tolist() == pytest.approx(expected, abs=1e-5)
        assert len(expected) == layout.lengths[index]
    assert not compressed[~real].any()


def test_gradients_are_shared_by_the_tokens_of_a_mean() -> None:
    states = torch.zeros(1, 7, 1, requires_grad=True)
    make_layout([[Span(1, 5)]], 2, positions=7).states(states).sum().backward()
    assert states.grad[0, :, 0].tolist() == [1, 0.5, 0.5, 0.5, 0.5, 0, 1]


def test_pooling_before_the_decoder_drops_the_remainder() -> None:
    features = torch.arange(14.0).view(2, 7, 1)
    assert Compressor("avgpool1d", 3).features(features)[..., 0].tolist() == [[1, 4], [8, 11]]


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Compression(layer=-2, stride=0, grouping="avgpool")  # type: ignore[arg-type]
    assert len(caught.value.problems) == 3
    assert "avgpool1d" in str(caught.value)
