from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.auroracap.load import load_model, load_processor
from baselines.captioning.auroracap_model import AuroraCapCaptioner
from baselines.captioning.checkpoints import find_checkpoint
from baselines.captioning.clips import read_media
from baselines.captioning.types import ClipQuestions, Frames, ModelSettings, Turn
from tests.builders.made_videos import moving_square

QUESTIONS = ("What is it?", "And how is it filmed, from beginning to end?")


def captioner(toy_folder: Path, ratio: float | None = None) -> AuroraCapCaptioner:
    settings = ModelSettings(str(toy_folder), token_kept_ratio=ratio, max_new_tokens=8)
    return AuroraCapCaptioner(find_checkpoint(str(toy_folder)), settings, "cpu")


@pytest.fixture(scope="module")
def clips() -> tuple[ClipQuestions, ...]:
    frames: list[Frames] = [moving_square(5, 4), moving_square(6, 2, size=(48, 64))]
    return tuple(ClipQuestions(clip, QUESTIONS) for clip in frames)


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_answers_are_those_of_the_models_own_generate(
    toy_folder: Path, clips: tuple[ClipQuestions, ...], ratio: float
) -> None:
    model, processor = load_model(toy_folder), load_processor(toy_folder)
    expected = []
    for clip in clips:
        texts = []
        for question in clip.questions:
            inputs = processor(text=processor.prompt(question, len(clip.frames)), images=list(clip.frames))
            made = model.generate(**inputs, token_kept_ratio=ratio, max_new_tokens=8, do_sample=False)
            texts.append(processor.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip())
        expected.append(texts)
    assert captioner(toy_folder, ratio).answer(clips) == expected
    assert expected[0] != expected[1]


def test_the_ratio_changes_what_is_said_and_is_in_the_facts(toy_folder: Path, clips: tuple[ClipQuestions, ...]) -> None:
    whole, merged = captioner(toy_folder, 1.0), captioner(toy_folder, 0.1)
    assert whole.answer(clips) != merged.answer(clips)
    assert whole.facts()["visual_tokens_per_frame"] == 16
    assert merged.facts()["visual_tokens_per_frame"] < 16


def test_the_models_own_ratio_is_used_where_none_is_given(toy_folder: Path) -> None:
    assert captioner(toy_folder).facts()["token_kept_ratio"] == 0.2


def test_a_conversation_streams_what_a_question_alone_answers(
    toy_folder: Path, clips: tuple[ClipQuestions, ...]
) -> None:
    model = captioner(toy_folder)
    pieces = list(model.stream(clips[0].frames, [Turn(QUESTIONS[0])]))
    assert "".join(pieces).strip() == model.answer(clips)[0][0]


def test_earlier_turns_are_part_of_the_question(toy_folder: Path, clips: tuple[ClipQuestions, ...]) -> None:
    model = captioner(toy_folder)
    frames = clips[0].frames
    alone = "".join(model.stream(frames, [Turn(QUESTIONS[1])]))
    later = "".join(model.stream(frames, [Turn(QUESTIONS[0], "A square."), Turn(QUESTIONS[1])]))
    assert alone != later


def test_a_fault_while_streaming_reaches_the_caller(toy_folder: Path, videos: Path) -> None:
    model = captioner(toy_folder)
    model._model.generate = None
    with pytest.raises(TypeError):
        list(model.stream(read_media(videos / "a.mp4", 2), [Turn("What?")]))


def test_any_hub_model_answers_through_the_pipeline(toy_folder: Path, clips: tuple[ClipQuestions, ...]) -> None:
    # our own model is one that the pipeline can run, so both roads must say the same
    from baselines.captioning.hub_model import HubCaptioner

    hub = HubCaptioner(find_checkpoint(str(toy_folder)), ModelSettings(str(toy_folder), max_new_tokens=8), "cpu")
    assert hub.answer(clips) == captioner(toy_folder).answer(clips)
    streamed = "".join(hub.stream(clips[0].frames, [Turn(QUESTIONS[0])])).strip()
    assert streamed == captioner(toy_folder).answer(clips)[0][0]
