"""Records become the rows that each model was trained with: ids, labels, pictures, questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.common.byte_tokenizer import EOS, FIRST_BYTE
from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.training.families import load_family
from baselines.training.llama_vid import _without_marks_behind
from baselines.training.recipe_files import load_recipe
from baselines.training.records import TrainRecord
from baselines.training.rows import TrainRow, TrainRows
from vdc.errors import RunFailed


def made(name: str, folder: Path, *changes: str) -> tuple[Any, Any]:
    recipe = load_recipe(name, changes).recipe
    family = load_family(recipe.model)
    config = family.model_class().config_class.from_pretrained(folder)
    family.prepare_config(config, recipe)
    return family.rows(folder, config, recipe), config


def record(kind: str, *messages: str, media: tuple[Path, ...] = ()) -> TrainRecord:
    told = tuple({"from": "gpt" if number % 2 else "human", "value": value} for number, value in enumerate(messages))
    return TrainRecord("r", 0, kind, media, told)  # type: ignore[arg-type]


def learned(row: TrainRow) -> str:
    """The text that has a loss; ``$`` stands for the end mark."""
    tokens = [label for label in row.text.labels if label != IGNORED_LABEL]
    return "".join("$" if token == EOS else chr(token - FIRST_BYTE) for token in tokens)


def test_llavolta_learns_answers_alone(llavolta_toy: Path, media: Path) -> None:
    maker, _ = made("llavolta/toy-4stage", llavolta_toy)
    row = maker.row(record("image", "<image>\nWhat?", "Red.", "Sure?", "Yes.", media=(media / "red.png",)))
    assert learned(row).replace(" ", "") == "Red.$Yes.$"
    assert row.placeholders == 1 and row.frames is not None and row.frames.shape == (1, 3, 56, 56)


def test_llavolta_learns_captions_in_its_first_phase(llavolta_toy: Path, media: Path) -> None:
    maker, _ = made("llavolta/toy-pretrain", llavolta_toy)
    row = maker.row(record("image", "<image>\nDescribe.", "A red field.", media=(media / "red.png",)))
    assert learned(row) == "A red field.\n"
    assert row.text.input_ids[:2] == (1, IMAGE_PLACEHOLDER)


@pytest.mark.parametrize("name", ["llavolta/toy-4stage", "auroracap/toy-stage3"])
def test_a_video_has_a_placeholder_for_every_frame(
    name: str, llavolta_toy: Path, auroracap_toy: Path, tmp_path: Path
) -> None:
    pytest.importorskip("av", reason="PyAV is not installed (extra baselines)")
    from tests.builders.made_videos import moving_square, write_video

    write_video(tmp_path / "a.mp4", moving_square(1, 6))
    maker, _ = made(name, llavolta_toy if "llavolta" in name else auroracap_toy, "data.frames=3")
    row = maker.row(record("video", "<image>\nWhat?", "A square.", media=(tmp_path / "a.mp4",)))
    assert row.frames is not None and row.placeholders == len(row.frames) == 3
    assert learned(row).replace(" ", "") == "Asquare.$"


def test_mixed_rows_keep_their_own_pictures(llavolta_toy: Path, media: Path) -> None:
    maker, _ = made("llavolta/toy-4stage", llavolta_toy)
    rows = [
        maker.row(record("text", "Why?", "So.")),
        maker.row(record("image", "<image>\nWhat?", "Red.", media=(media / "red.png",))),
    ]
    batch = maker.collate(rows)
    assert batch["pixel_values"][0] is None and batch["pixel_values"][1].shape == (1, 3, 56, 56)
    assert batch["input_ids"].shape == batch["labels"].shape == batch["attention_mask"].shape
    assert not batch["attention_mask"][0, -1] and batch["labels"][0, -1] == IGNORED_LABEL


@pytest.mark.parametrize(
    ("name", "model"),
    [("llavolta/toy-4stage", "llavolta"), ("llama_vid/toy-stage2", "llama_vid"), ("auroracap/toy-stage3", "auroracap")],
)
def test_a_batch_of_text_still_reaches_every_trained_parameter(
    name: str, model: str, llavolta_toy: Path, llama_vid_toy: Path, auroracap_toy: Path
) -> None:
    """Or processes of a parallel training would wait for each other's gradients."""
    from baselines.training.parts import choose_trained

    folder = {"llavolta": llavolta_toy, "llama_vid": llama_vid_toy, "auroracap": auroracap_toy}[model]
    recipe = load_recipe(name).recipe
    family = load_family(recipe.model)
    network = family.model_class().from_pretrained(folder).train()
    names = choose_trained(network, family, recipe)
    maker, _ = made(name, folder)
    batch = maker.collate([maker.row(record("text", "Why?", "So."))] * 2)
    loss = network(**batch).loss
    loss.backward()
    without = [one for one, parameter in network.named_parameters() if one in set(names) and parameter.grad is None]
    assert torch.isfinite(loss)
    assert without == []


def test_cut_rows_lose_the_pictures_whose_marks_are_gone(llavolta_toy: Path, media: Path) -> None:
    maker, config = made("llavolta/toy-4stage", llavolta_toy, "data.max_length=32")
    row = maker.row(record("image", "<image>\nWhat?", "Red.", media=(media / "red.png",)))
    assert len(row.text.input_ids) == 32 == config.max_sequence_length
    assert row.placeholders == 0
    batch = maker.collate([row])
    assert batch["pixel_values"][0].abs().sum() == 0


def test_llama_vid_asks_every_turn_its_own_question(llama_vid_toy: Path, media: Path) -> None:
    maker, _ = made("llama_vid/toy-stage2", llama_vid_toy)
    about = (media / "red.png",)
    row = maker.row(record("image", "<image>\nWhat is it?", "Red.", "Is it big?", "Yes.", media=about))
    assert row.questions == ("What is it?", "Is it big?") and row.placeholders == 2
    assert learned(row).replace(" ", "") == "Red.$Yes.$"
    text = maker.row(record("text", "Why?", "So."))
    batch = maker.collate([row, text])
    assert batch["question_ids"].shape[:2] == (2, 2)
    assert batch["question_mask"][0].any(dim=1).all()
    assert [len(frames) for frames in batch["pixel_values"]] == [1, 1]


def test_llama_vids_coin_falls_the_same_way_for_the_same_record(llama_vid_toy: Path, media: Path) -> None:
    maker, _ = made("llama_vid/toy-stage2", llama_vid_toy)
    messages = ("<image>\nA?", "a", "B?", "b", "C?", "c", "D?", "d", "E?", "e")
    rows = [maker.row(record("image", *messages, media=(media / "red.png",))) for _ in range(2)]
    assert rows[0].text == rows[1].text
    other, _ = made("llama_vid/toy-stage2", llama_vid_toy, "seed=43")
    assert other.row(record("image", *messages, media=(media / "red.png",))).text != rows[0].text


def test_a_film_brings_features_and_a_mark_for_every_token(llama_vid_toy: Path, tmp_path: Path) -> None:
    import numpy as np

    from baselines.llama_vid.features import Film, write_published

    features = np.zeros((3, 17, 32), dtype=np.float16)
    write_published(Film(features, "<image>one<image><image>two"), tmp_path / "film.pkl")
    maker, config = made("llama_vid/toy-stage2", llama_vid_toy)
    row = maker.row(record("film", "<image>\nWhat happens?", "Much.", media=(tmp_path / "film.pkl",)))
    assert row.stored and row.placeholders == 6 and row.frames is not None and len(row.frames) == 3
    batch = maker.collate([row])
    network = load_family("llama_vid").model_class().from_pretrained(llama_vid_toy)
    assert torch.isfinite(network(**batch).loss)
    assert load_family("llama_vid").visual_tokens(config, batch) == 6


def test_half_a_frame_is_no_frame() -> None:
    from baselines.common.prompts import TextSample

    text = TextSample((1, IMAGE_PLACEHOLDER, IMAGE_PLACEHOLDER, 5, IMAGE_PLACEHOLDER), (-100,) * 5)
    assert _without_marks_behind(text, 2).input_ids == (1, IMAGE_PLACEHOLDER, IMAGE_PLACEHOLDER, 5)


def test_a_file_that_breaks_in_the_middle_fails_the_run_and_names_the_record(
    llavolta_toy: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    maker, _ = made("llavolta/toy-4stage", llavolta_toy)
    rows = TrainRows([record("image", "<image>\nWhat?", "Red.", media=(tmp_path / "bad.png",))], maker)
    with pytest.raises(RunFailed, match="record r"):
        rows[0]


@pytest.mark.parametrize("model", ["llavolta", "llama_vid", "auroracap"])
def test_visual_tokens_are_counted(
    model: str, llavolta_toy: Path, llama_vid_toy: Path, auroracap_toy: Path, media: Path
) -> None:
    name, folder, tokens = {
        "llavolta": ("llavolta/toy-4stage", llavolta_toy, 16.0),
        "llama_vid": ("llama_vid/toy-stage2", llama_vid_toy, 2.0),
        "auroracap": ("auroracap/toy-stage3", auroracap_toy, 10.0),  # 2 of 16 merged in each of 3 layers that run
    }[model]
    maker, config = made(name, folder)
    rows = [maker.row(record("image", "<image>\nWhat?", "Red.", media=(media / "red.png",)))] * 2
    assert load_family(model).visual_tokens(config, maker.collate(rows)) == 2 * tokens  # type: ignore[arg-type]
