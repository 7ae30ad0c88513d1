"""Stages, counts and costs against the paper and by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.llavolta.accounting import compression_ratio, mean_token_layers, tera_flops, token_layers
from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.schedule import CounterSchedule, Stage, StageSchedule
from baselines.llavolta.schemes import scheme, scheme_cost, schemes
from baselines.llavolta.setting import NO_COMPRESSION, Compression
from vdc.errors import InputError

FOUR = (Compression(2, 8), Compression(2, 2), Compression(16, 2), NO_COMPRESSION)


def quarters() -> StageSchedule:
    return StageSchedule([Stage(compression, Fraction(1, 4)) for compression in FOUR])


def test_quarters_change_at_quarters() -> None:
    stages = [quarters().stage(step, 10) for step in range(10)]
    assert stages == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]


def test_steps_beyond_the_end_stay_in_the_last_stage() -> None:
    assert quarters().at(99, 10) == NO_COMPRESSION


def test_stage_depends_on_nothing_but_the_step() -> None:
    whole = [quarters().at(step, 5198) for step in range(5198)]
    resumed = quarters()
    assert [resumed.at(step, 5198) for step in range(1700, 1800)] == whole[1700:1800]
    assert {whole.count(setting) for setting in FOUR} <= {1299, 1300}


@pytest.mark.parametrize(
    "shares",
    [[], [Fraction(1, 2)], [Fraction(1), Fraction(0)], [Fraction("0.33")] * 3],
    ids=["none", "half", "zero", "0.33 three times"],
)
def test_shares_that_do_not_add_up_are_refused(shares: list[Fraction]) -> None:
    with pytest.raises(InputError, match="add up to 1"):
        StageSchedule([Stage(NO_COMPRESSION, share) for share in shares])


@pytest.mark.parametrize(("step", "total"), [(-1, 10), (0, 0)])
def test_steps_that_cannot_be_are_refused(step: int, total: int) -> None:
    with pytest.raises(InputError, match="optimiser"):
        quarters().stage(step, total)


def counted(passes: int, **lists: list[int]) -> list[int]:
    schedule, strides = CounterSchedule(**lists), []
    for _ in range(passes):
        strides.append(schedule.compression.stride)
        schedule.after_forward()
    return strides


def test_published_counter_gives_the_first_stage_one_pass_more() -> None:
    assert counted(8, strides=[8, 2, 1], layers=[2, 2, 0], pivots=[3, 6]) == [8, 8, 8, 8, 2, 2, 2, 1]


def test_published_counter_tests_a_modulus() -> None:
    # Pivot 2 divides 4, 6, ...: the third stage comes at pass 4 and not with a pass above 2.
    assert counted(8, strides=[8, 4, 1], layers=[2, 2, 0], pivots=[3, 2]) == [8, 8, 8, 8, 4, 1, 1, 1]


def test_stride_one_ends_all_changes() -> None:
    assert counted(6, strides=[8, 1, 4], layers=[2, 0, 3], pivots=[1, 2]) == [8, 8, 1, 1, 1, 1]


def test_published_counter_without_a_last_stage_says_so_where_it_ends() -> None:
    schedule = CounterSchedule(strides=[8], layers=[2], pivots=[2])
    schedule.after_forward()
    schedule.after_forward()
    with pytest.raises(InputError, match="no stage after number 1"):
        schedule.after_forward()


def test_published_counter_can_be_saved_which_the_published_one_cannot() -> None:
    lists = {"strides": [8, 2, 1], "layers": [2, 2, 0], "pivots": [3, 6]}
    whole = counted(9, **lists)
    first = CounterSchedule(**lists)
    for _ in range(5):
        first.after_forward()
    second = CounterSchedule(**lists)
    second.load_state_dict(first.state_dict())
    rest = []
    for _ in range(4):
        rest.append(second.compression.stride)
        second.after_forward()
    assert rest == whole[5:]
    with pytest.raises(InputError, match="same scheme"):
        second.load_state_dict({"taken": 9, "count": 1})


@pytest.mark.parametrize(
    ("setting", "tokens", "percent"),
    [
        (Compression(2, 8), 3312, 556.5),
        (Compression(2, 2), 9792, 188.2),
        (Compression(16, 8), 10368, 177.8),
        (Compression(16, 2), 13824, 133.3),
        (Compression(16, 16), 9792, 188.2),
        (Compression(8, 8), 6336, 290.9),
        (Compression(0, 1), 18432, 100.0),
        (NO_COMPRESSION, 18432, 100.0),
        (Compression(-1, 8), 2304, 800.0),
        (Compression(32, 8), 18432, 100.0),
    ],
    ids=str,
)
def test_token_counts_of_the_paper(setting: Compression, tokens: int, percent: float) -> None:
    assert token_layers(setting) == tokens
    assert 100 * compression_ratio(setting) == pytest.approx(percent, abs=0.05)


def test_cost_of_the_four_stages_is_the_papers() -> None:
    mean = mean_token_layers(FOUR)
    assert mean == 11340
    assert tera_flops(mean) == pytest.approx(5.39, abs=0.005)


def test_unequal_shares_weigh_the_mean() -> None:
    assert mean_token_layers([NO_COMPRESSION, Compression(-1, 8)], [3, 1]) == (3 * 18432 + 2304) / 4


def test_every_scheme_compresses_least_at_its_end() -> None:
    for name, chosen in schemes().items():
        ratios = [compression_ratio(stage.compression) for stage in chosen.schedule.stages]
        assert ratios == sorted(ratios, reverse=True), name


@pytest.mark.parametrize(
    ("name", "tokens", "percent", "tera", "unexplained"),
    [
        ("reproduce", 18432, 100.0, 8.26, ()),
        ("two-stage", 10872, 169.5, 5.20, ("mean_tokens", "ratio_percent")),
        ("three-stage-deeper", 10704, 172.2, 5.13, ("mean_tokens", "ratio_percent")),
        ("three-stage-wider", 10512, 175.3, 5.05, ("mean_tokens", "ratio_percent", "tera_flops")),
        ("4stage", 11340, 162.5, 5.39, ("mean_tokens", "ratio_percent")),
        ("four-stage-deeper-then-wider", 11484, 160.5, 5.45, ("mean_tokens", "ratio_percent")),
    ],
)
def test_published_costs_that_do_not_follow_from_the_stages_are_named(
    name: str, tokens: float, percent: float, tera: float, unexplained: tuple[str, ...]
) -> None:
    cost = scheme_cost(scheme(name))
    assert cost.mean_tokens == pytest.approx(tokens)
    assert cost.ratio_percent == pytest.approx(percent, abs=0.05)
    assert cost.tera_flops == pytest.approx(tera, abs=0.005)
    assert cost.unexplained == unexplained


def test_scripts_that_compress_throughout_do_so_in_both_phases_and_in_answers() -> None:
    heavy = scheme("heavy-compression")
    assert (
        heavy.pretrain == heavy.inference == heavy.schedule.at(0, 10) == heavy.schedule.at(9, 10) == Compression(2, 8)
    )
    assert heavy.published_schedule().compression == Compression(2, 8)
    assert scheme("4stage").pretrain == scheme("4stage").inference == NO_COMPRESSION


def test_unknown_scheme_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="4stage"):
        scheme("last-stage")
    with pytest.raises(InputError, match="optimiser steps"):
        scheme("two-stage").published_schedule()


def test_callback_follows_the_trainers_step_and_survives_a_restart() -> None:
    from types import SimpleNamespace

    from baselines.llavolta.stage_callback import StageCallback

    def run(first: int, last: int) -> list[Compression]:
        model = SimpleNamespace(config=LlavoltaConfig())
        callback, seen = StageCallback(quarters(), after=Compression(2, 8)), []
        for step in range(first, last):
            state = SimpleNamespace(global_step=step, max_steps=8)
            callback.on_step_begin(None, state, None, model=model)
            seen.append(model.config.compression)
        callback.on_train_end(None, None, None, model=model)
        assert model.config.compression == Compression(2, 8)
        return seen

    whole = run(0, 8)
    assert [setting.stride for setting in whole] == [8, 8, 2, 2, 2, 2, 1, 1]
    assert run(0, 3) + run(3, 8) == whole


def test_counter_callback_counts_every_pass_and_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from baselines.llavolta.stage_callback import COUNTER_FILE, CounterCallback

    def run(first: int, last: int, *, resume: Path | None = None) -> list[int]:
        """Optimiser steps of two passes each; the stride of every pass."""
        model = SimpleNamespace(config=LlavoltaConfig())
        schedule = CounterSchedule(strides=[8, 2, 1], layers=[2, 2, 0], pivots=[3, 6])
        callback, seen = CounterCallback(schedule, after=NO_COMPRESSION), []
        if resume is not None:
            callback.resume(resume)
        for step in range(first, last):
            callback.on_step_begin(None, None, None, model=model)
            seen.append(model.config.compression.stride)
            callback.on_substep_end(None, None, None, model=model)
            seen.append(model.config.compression.stride)
            callback.on_step_end(None, None, None, model=model)
            state = SimpleNamespace(global_step=step + 1, is_world_process_zero=True)
            (tmp_path / f"checkpoint-{step + 1}").mkdir(exist_ok=True)
            callback.on_save(SimpleNamespace(output_dir=str(tmp_path)), state, None, model=model)
        callback.on_train_end(None, None, None, model=model)
        assert model.config.compression == NO_COMPRESSION
        return seen

    whole = run(0, 5)
    assert whole == [8, 8, 8, 8, 2, 2, 2, 1, 1, 1]
    assert whole[:6] + run(3, 5, resume=tmp_path / "checkpoint-3") == whole
    (tmp_path / "checkpoint-3" / COUNTER_FILE).unlink()
    with pytest.raises(InputError, match="schedule it was made with"):
        run(3, 5, resume=tmp_path / "checkpoint-3")
