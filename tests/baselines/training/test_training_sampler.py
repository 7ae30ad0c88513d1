"""The order of samples against the published code, and what it promises."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

from baselines.training.sampler import TrainSampler, group_by_length, group_by_modality, word_length
from tests.baselines.training.conftest import REFERENCE
from vdc.errors import InputError

LENGTHS = [5, -3, 8, 2, -9, 4, -1, 6, 7, -2, 3, 9, -4]


def golden(model: str, name: str) -> object:
    path = REFERENCE / model / "golden" / name
    if not path.is_file():
        pytest.skip("the golden files of the published code are not part of this project and not beside this checkout")
    return json.loads(path.read_text())


def test_filled_order_is_that_of_llavolta() -> None:
    table = golden("llavolta", "modality_sampler.json")
    for case in table["cases"]:  # type: ignore[index]
        torch.manual_seed(case["torch_manual_seed"])
        order = group_by_modality(case["lengths"], case["batch_size"], case["world_size"], filled=True)
        assert order == case["indices"]


def test_joined_order_is_that_of_llama_vid() -> None:
    for case in golden("llama_vid", "length_grouping.json"):  # type: ignore[attr-defined]
        torch.manual_seed(case["torch_seed"])
        order = group_by_modality(case["lengths"], case["batch_size"], case["world_size"], filled=False)
        assert order == case["modality_grouped_global"]
        torch.manual_seed(case["torch_seed"])
        lengths = [abs(length) for length in case["lengths"]]
        assert group_by_length(lengths, case["batch_size"], case["world_size"]) == case["length_grouped"]


def test_filled_batches_never_mix_kinds_and_lose_nothing() -> None:
    order = list(TrainSampler(LENGTHS, grouping="modality_filled", batch_size=2, processes=2, seed=3))
    for start in range(0, len(order), 2):
        assert len({LENGTHS[index] > 0 for index in order[start : start + 2]}) == 1
    assert set(order) == set(range(len(LENGTHS)))


@pytest.mark.parametrize("grouping", ["random", "modality", "modality_filled"])
@pytest.mark.parametrize("lengths", [LENGTHS, [4, 2, 7], [-4, -2, -7], [4, -2], [1, 2, 3, 4, -1]], ids=str)
def test_length_is_the_number_of_indices(grouping: str, lengths: list[int]) -> None:
    sampler = TrainSampler(lengths, grouping=grouping, batch_size=2, processes=2)  # type: ignore[arg-type]
    assert len(list(sampler)) == len(sampler)


@pytest.mark.parametrize("grouping", ["random", "modality"])
def test_every_sample_comes_once(grouping: str) -> None:
    sampler = TrainSampler(LENGTHS, grouping=grouping, batch_size=2, processes=2)  # type: ignore[arg-type]
    assert sorted(sampler) == list(range(len(LENGTHS)))


def test_order_follows_from_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = TrainSampler(LENGTHS, grouping="modality", batch_size=2, seed=seed)
        torch.rand(seed + epoch)  # the global generator plays no part
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(5, 2)


def test_processes_get_about_as_much_to_do() -> None:
    lengths = [100, 1, 1, 1, 100, 1, 1, 1]
    order = group_by_length(lengths, 4, 2, generator=torch.Generator().manual_seed(0))
    assert [sum(lengths[index] for index in order[start : start + 4]) for start in (0, 4)] == [103, 103]


def test_words_are_counted_and_text_is_negative() -> None:
    assert word_length(["<image>\nWhat is it?", "A kite."], visual=True) == 6
    assert word_length(["Why?", "Because."], visual=False) == -2


@pytest.mark.parametrize("lengths", [[], [3, 0]])
def test_samples_without_words_are_refused(lengths: list[int]) -> None:
    with pytest.raises(InputError):
        TrainSampler(lengths, grouping="random", batch_size=1)
