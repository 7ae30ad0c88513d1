"""``caption_videos`` end to end with a toy model: what is written, what is refused, what survives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from baselines.captioning.output import FAILURES, RECORD, beside
from baselines.captioning.run import CaptionOptions, CaptionRun, caption_videos
from baselines.captioning.types import ClipQuestions, ModelSettings
from tests.baselines.captioning.toy_families import Toy
from vdc.errors import InputError, MissingExtra, RunFailed
from vdc.predictions.read import read_predictions
from vdc.sections import SECTIONS

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")


@pytest.fixture
def settings(toy_folder: Path) -> ModelSettings:
    return ModelSettings(model=str(toy_folder), frames=3, max_new_tokens=5)


@pytest.fixture
def options(videos: Path, tmp_path: Path) -> CaptionOptions:
    return CaptionOptions(out=tmp_path / "p.jsonl", videos=videos, device="cpu")


def counts(run: CaptionRun) -> tuple[int, int, int, int]:
    return run.wanted, run.there_before, run.written, run.failed


def record(options: CaptionOptions) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(beside(options.out, RECORD).read_text())
    return table


def failures(options: CaptionOptions) -> list[dict[str, Any]]:
    return [json.loads(line) for line in beside(options.out, FAILURES).read_text().splitlines()]


def test_every_video_gets_its_five_captions_and_a_record(settings: ModelSettings, options: CaptionOptions) -> None:
    told: list[tuple[int, int, bool]] = []
    run = caption_videos(settings, options, progress=lambda total: lambda *now: told.append(now))
    assert counts(run) == (15, 0, 15, 0)
    assert told[-1] == (15, 0, True)
    read = read_predictions(options.out)
    assert set(read.captions) == {(video, section) for video in ("a", "b", "one") for section in SECTIONS}
    known = record(options)
    assert known["finished"] is True
    assert known["predictions_sha256"] == read.sha256
    assert known["settings"]["frames"] == 3
    assert known["settings"]["model"] == "native"
    assert known["model"]["kind"] == "auroracap"
    assert len(known["model"]["sha256"]) == 64
    assert known["environment"]["packages"]["torch"]
    assert str(options.out.parent) not in json.dumps(known)


@pytest.mark.parametrize(
    ("family", "change", "facts"),
    [
        (
            "auroracap",
            {"token_kept_ratio": 0.5},
            {"frame_rule": "8 frames (uniform_with_last)", "token_kept_ratio": 0.5},
        ),
        (
            "llama_vid",
            {"fps": 4.0, "frames": 2},
            {"frame_rule": "4 frames a second, at most 2", "visual_tokens_per_frame": 2, "compress_type": "mean"},
        ),
        (
            "llavolta",
            {"compressor": "2,4"},
            {
                "frame_rule": "8 frames (uniform)",
                "visual_tokens_per_frame_mean_over_layers": 10.0,
                "compressor": {"grouping": "avgpool1d", "layer": 2, "stride": 4},
            },
        ),
    ],
)
def test_every_family_captions_and_its_record_says_what_a_frame_costs(
    toys: dict[str, Toy], options: CaptionOptions, family: str, change: dict[str, Any], facts: dict[str, Any]
) -> None:
    settings = ModelSettings(model=str(toys[family].native), max_new_tokens=5, **change)
    run = caption_videos(settings, replace(options, batch_size=2))
    assert counts(run) == (15, 0, 15, 0)
    model = record(options)["model"]
    assert model["kind"] == family
    assert {name: model[name] for name in facts} == facts
    one_by_one = replace(options, out=options.out.with_name("single.jsonl"))
    caption_videos(settings, one_by_one)
    assert one_by_one.out.read_bytes() == options.out.read_bytes()


def test_a_finished_file_is_not_touched_and_loads_no_model(
    settings: ModelSettings, options: CaptionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    caption_videos(settings, options)
    before = options.out.read_bytes()
    monkeypatch.setattr("baselines.captioning.models.open_model", None)
    assert counts(caption_videos(settings, options)) == (15, 15, 0, 0)
    assert options.out.read_bytes() == before


def test_a_stopped_run_goes_on_where_it_was(
    settings: ModelSettings, options: CaptionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.captioning.own_captioner import OwnCaptioner

    whole = replace(options, out=options.out.with_name("whole.jsonl"))
    caption_videos(settings, whole)
    answer = OwnCaptioner.answer
    asked: list[int] = []

    def stopped(self: OwnCaptioner, clips: Sequence[ClipQuestions]) -> list[list[str]]:
        asked.append(len(clips))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return answer(self, clips)

    monkeypatch.setattr(OwnCaptioner, "answer", stopped)
    with pytest.raises(KeyboardInterrupt):
        caption_videos(settings, options)
    assert record(options)["finished"] is False
    # a power cut in the middle of a line, on top
    with options.out.open("ab") as file:
        file.write(b'{"video_id": "b", "sec')
    assert counts(caption_videos(settings, options)) == (15, 5, 10, 0)
    assert len(asked) == 4
    assert options.out.read_bytes() == whole.out.read_bytes()


def test_sections_can_be_added_later(settings: ModelSettings, options: CaptionOptions) -> None:
    caption_videos(settings, replace(options, sections=("camera",), limit=1))
    assert counts(caption_videos(settings, replace(options, sections=("short", "camera")))) == (6, 1, 5, 0)


def test_a_video_that_fails_is_recorded_tried_again_and_stops_nothing(
    settings: ModelSettings, options: CaptionOptions, videos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a.mp4").write_bytes((videos / "a.mp4").read_bytes())
    (folder / "broken.mp4").write_bytes(b"no video")
    mixed = replace(options, videos=folder)
    run = caption_videos(settings, mixed)
    assert counts(run) == (10, 0, 5, 5)
    assert {row["video_id"] for row in failures(mixed)} == {"broken"}
    assert "cannot be opened as a video" in failures(mixed)[0]["found"]
    assert record(mixed)["counts"] == {"videos": 2, "captions": 5, "failed": 5}
    (folder / "broken.mp4").write_bytes((videos / "one.mp4").read_bytes())
    assert counts(caption_videos(settings, mixed)) == (10, 5, 5, 0)
    assert not beside(mixed.out, FAILURES).exists()


def test_a_clip_the_model_fails_on_does_not_take_its_batch_with_it(
    settings: ModelSettings, options: CaptionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.captioning.own_captioner import OwnCaptioner

    answer = OwnCaptioner.answer

    def short_of_memory(self: OwnCaptioner, clips: Sequence[ClipQuestions]) -> list[list[str]]:
        if any(len(clip.media.frames) == 1 for clip in clips):
            raise torch.OutOfMemoryError("not enough memory")
        return answer(self, clips)

    monkeypatch.setattr(OwnCaptioner, "answer", short_of_memory)
    run = caption_videos(settings, replace(options, batch_size=3))
    assert counts(run) == (15, 0, 10, 5)
    assert "not enough memory" in failures(options)[0]["found"]


def test_a_video_too_long_for_the_model_fails_alone(
    settings: ModelSettings, options: CaptionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the video of a single frame fits, the others do not
    monkeypatch.setattr("baselines.captioning.own_captioner.context_length", lambda config: 300)
    run = caption_videos(replace(settings, token_kept_ratio=1.0, frames=9), replace(options, batch_size=3))
    assert counts(run) == (15, 0, 5, 10)
    assert "positions" in failures(options)[0]["found"]
    assert "fewer frames" in failures(options)[0]["do_next"]


def test_a_model_that_fails_on_everything_ends_the_run(
    settings: ModelSettings, options: CaptionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.captioning.own_captioner import OwnCaptioner

    def broken(self: OwnCaptioner, clips: Sequence[ClipQuestions]) -> list[list[str]]:
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(OwnCaptioner, "answer", broken)
    monkeypatch.setattr("baselines.captioning.local.GIVE_UP_AFTER", 2)
    with pytest.raises(RunFailed, match="no kernel image"):
        caption_videos(settings, options)
    assert len(failures(options)) == 10


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"frames": 4}, "frames 3", id="frames"),
        pytest.param({"token_kept_ratio": 0.5}, "token_kept_ratio None", id="ratio"),
        pytest.param({"fps": 1.0}, "fps None", id="rate"),
        pytest.param({"compressor": "2,8"}, "compressor None", id="compressor"),
        pytest.param({"seed": 1}, "seed 0", id="seed"),
        pytest.param({"max_new_tokens": 6}, "max_new_tokens 5", id="length"),
    ],
)
def test_a_file_never_mixes_two_ways_of_captioning(
    settings: ModelSettings, options: CaptionOptions, change: dict[str, Any], named: str
) -> None:
    caption_videos(settings, replace(options, limit=1))
    before = options.out.read_bytes()
    with pytest.raises(InputError, match=named):
        caption_videos(replace(settings, **change), options)
    assert options.out.read_bytes() == before


def test_other_weights_under_the_same_name_are_refused(
    settings: ModelSettings, options: CaptionOptions, toy_folder: Path, tmp_path: Path
) -> None:
    from baselines.auroracap.toy import toy_model

    caption_videos(settings, replace(options, limit=1))
    other = tmp_path / "other" / toy_folder.name
    other.mkdir(parents=True)
    for path in toy_folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    toy_model(seed=9).save_pretrained(other)
    with pytest.raises(InputError, match="sha256"):
        caption_videos(replace(settings, model=str(other)), options)


def test_captions_of_unknown_origin_are_not_continued(settings: ModelSettings, options: CaptionOptions) -> None:
    options.out.write_text('{"video_id": "a", "section": "short", "caption": "x"}\n')
    with pytest.raises(InputError, match=r"without p\.jsonl\.run\.json"):
        caption_videos(settings, options)


@pytest.mark.parametrize(
    ("settings_change", "options_change", "found"),
    [
        pytest.param({"token_kept_ratio": 1.5}, {}, "--token-kept-ratio 1.5", id="ratio above 1"),
        pytest.param({"token_kept_ratio": float("nan")}, {}, "--token-kept-ratio nan", id="no number"),
        pytest.param({"frames": 0}, {}, "0 frames", id="no frames"),
        pytest.param({"fps": 0.0}, {}, "--fps 0", id="no rate"),
        pytest.param({"compressor": "2,8"}, {}, "--compressor 2,8 with AuroraCap", id="of another family"),
        pytest.param(
            {"compressor": "2,8"}, {"base_url": "http://127.0.0.1:1"}, "with a server", id="compressor on a server"
        ),
        pytest.param({"max_new_tokens": 0}, {}, "--max-new-tokens 0", id="no tokens"),
        pytest.param({}, {"batch_size": 0}, "--batch-size 0", id="empty batch"),
        pytest.param({}, {"engine": "spark"}, "engine 'spark'", id="unknown engine"),
        pytest.param({}, {"limit": 0}, "a limit of 0 videos", id="no videos"),
        pytest.param({"model": "/no/such/folder"}, {}, "no folder", id="no model"),
        pytest.param(
            {"token_kept_ratio": 0.5}, {"base_url": "http://127.0.0.1:1"}, "with a server", id="ratio on a server"
        ),
    ],
)
def test_bad_options_are_refused_before_anything_is_written(
    settings: ModelSettings,
    options: CaptionOptions,
    settings_change: dict[str, Any],
    options_change: dict[str, Any],
    found: str,
) -> None:
    with pytest.raises(InputError, match=found):
        caption_videos(replace(settings, **settings_change), replace(options, **options_change))
    assert not options.out.exists() or options.out.read_bytes() == b""


def test_a_dry_run_counts_and_writes_nothing(settings: ModelSettings, options: CaptionOptions) -> None:
    run = caption_videos(settings, options, dry_run=True)
    assert (run.wanted, run.there_before, run.written) == (15, 0, 0)
    assert list(options.out.parent.iterdir()) == []


def test_without_torch_the_extra_is_named(
    settings: ModelSettings, options: CaptionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtra, match="baselines"):
        caption_videos(settings, options)


def command() -> typer.Typer:
    from baselines.cli.caption import caption

    app = typer.Typer(rich_markup_mode=None)
    app.command()(caption)
    return app


def test_the_command_writes_what_it_says_and_exits_1_when_a_video_failed(
    toy_folder: Path, videos: Path, tmp_path: Path
) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a.mp4").write_bytes((videos / "a.mp4").read_bytes())
    (tmp_path / "v" / "bad.mp4").write_bytes(b"x")
    out = tmp_path / "o.jsonl"
    words = ["--model", str(toy_folder), "--videos", str(tmp_path / "v"), "--out", str(out), "--max-new-tokens", "3"]
    done = CliRunner().invoke(command(), [*words, "--sections", "object,short", "--device", "cpu", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["captions"] == {"wanted": 4, "there_before": 0, "written": 2, "failed": 2}
    assert "2 captions failed" in done.stderr
    assert read_predictions(out).sections == {"short", "main_object"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(["--dtype", "int4"], "--dtype 'int4'", id="dtype"),
        pytest.param(["--quantize", "2bit"], "--quantize '2bit'", id="quantize"),
        pytest.param(["--engine", "spark"], "--engine 'spark'", id="engine"),
        pytest.param(["--sections", "mood"], "section 'mood'", id="section"),
    ],
)
def test_options_with_a_closed_set_of_values_list_them(words: list[str], found: str) -> None:
    done = CliRunner().invoke(command(), ["--model", "m", "--out", "o", *words])
    assert isinstance(done.exception, InputError)
    assert found in str(done.exception)
