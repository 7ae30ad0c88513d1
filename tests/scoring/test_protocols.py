"""Each published rule against cases worked by hand, and our two rules that bound the truth."""

from __future__ import annotations

import ast
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.protocols.result import ProtocolResult
from scoring.protocols.rules import PROTOCOLS, apply_protocols
from tests.scoring.verdict_rows import EMPTY, FAILED, MISSING, Row, frame, no, one_section, said, unparsed, yes
from vdc.errors import InputError
from vdc.sections import SECTIONS

NOTHING = (None, None)


def means(verdicts: pd.DataFrame, section: str = "short") -> dict[str, tuple[float | None, float | None]]:
    """Protocol -> (accuracy, score) of one section."""
    found = apply_protocols(verdicts)
    return {
        name: (result.sections[section].mean("accuracy"), result.sections[section].mean("score"))
        for name, result in found.items()
    }


def close(pair: tuple[float | None, float | None]) -> object:
    return pytest.approx(pair) if None not in pair else pair


# Columns: strict, observed, official, lmms_eval, vlmevalkit; each (accuracy, score), worked by hand.
CASES = {
    "all-wrong video still counts in strict": (
        [[yes(4), no(0)], [no(0), no(0)]],
        ((0.25, 1.0), (0.25, 1.0), (0.5, 2.0), (0.25, 1.0), (0.0, 0.0)),
    ),
    "the worked example of docs/protocols.md": (
        [[yes(5), no(1)], [no(0), no(0)], [yes(4), unparsed("no idea")]],
        ((1 / 3, 5 / 3), (0.5, 7 / 3), (0.5, 3.0), (0.25, 1.5), (0.0, 0.5)),
    ),
    "one unparsable verdict among nineteen": (
        [[unparsed(), *[yes(5)] * 18]],
        ((18 / 19, 90 / 19), (1.0, 5.0), NOTHING, NOTHING, (1.0, 5.0)),
    ),
    "capital Yes": (
        [[said("{'pred': 'Yes', 'score': 4}", True, 4)]],
        ((1.0, 4.0), (1.0, 4.0), NOTHING, (0.0, 4.0), (1.0, 4.0)),
    ),
    "score as text": (
        [[said("{'pred': 'yes', 'score': '4'}", True, 4)]],
        ((1.0, 4.0), (1.0, 4.0), (1.0, 4.0), NOTHING, NOTHING),
    ),
    "a missing field": (
        [[unparsed("{'pred': 'yes'}"), yes(3)]],
        ((0.5, 1.5), (1.0, 3.0), NOTHING, (1.0, 3.0), (1.0, 3.0)),
    ),
    "no verdict of the video has both fields": (
        [[unparsed("{'pred': 'yes'}"), unparsed("{'score': 3}")]],
        ((0.0, 0.0), NOTHING, NOTHING, NOTHING, NOTHING),
    ),
    "JSON that is a Python literal too": (
        [[said('{"pred": "yes", "score": 4}', True, 4)]],
        ((1.0, 4.0),) * 5,
    ),
    "JSON booleans": (
        [[said('{"pred": true, "score": 4}', True, 4)]],
        ((1.0, 4.0), (1.0, 4.0), NOTHING, NOTHING, NOTHING),
    ),
    "JSON null beside both fields is JSON only": (
        [[said('{"pred": "yes", "score": 4, "why": null}', True, 4)]],
        ((1.0, 4.0), (1.0, 4.0), NOTHING, NOTHING, (1.0, 4.0)),
    ),
    "fenced text": (
        [[said("```json\n{'pred': 'yes', 'score': 4}\n```", True, 4)]],
        ((1.0, 4.0), (1.0, 4.0), NOTHING, NOTHING, NOTHING),
    ),
    "a score beyond five is not clipped": (
        [[unparsed("{'pred': 'yes', 'score': 7}"), yes(5)]],
        ((0.5, 2.5), (1.0, 5.0), (1.0, 6.0), (1.0, 6.0), (1.0, 5.0)),
    ),
    "a fraction as score": (
        [[said("{'pred': 'yes', 'score': 4.8}", True, 4.8)]],
        ((1.0, 4.8),) * 5,
    ),
    "a negative score leaves only the score's mean in VLMEvalKit": (
        [[unparsed("{'pred': 'yes', 'score': -1}")], [yes(3)]],
        ((0.5, 1.5), (1.0, 3.0), (1.0, 1.0), (1.0, 1.0), (1.0, 3.0)),
    ),
    "the retry's text is not what the published scorers read": (
        [[said("hm", True, 5, retry="{'pred': 'yes', 'score': 5}"), yes(5)]],
        ((1.0, 5.0), (1.0, 5.0), NOTHING, NOTHING, (1.0, 5.0)),
    ),
    "a missing caption": (
        [[MISSING, MISSING], [yes(4), yes(4)]],
        ((0.5, 2.0), (0.5, 2.0), (1.0, 4.0), (1.0, 4.0), (1.0, 4.0)),
    ),
    "an empty caption": (
        [[EMPTY, EMPTY], [yes(4), yes(4)]],
        ((0.5, 2.0), (0.5, 2.0), (1.0, 4.0), (0.5, 2.0), (1.0, 4.0)),
    ),
    "a failed question enters no mean": (
        [[FAILED, yes(4)], [no(1), yes(3)]],
        ((0.75, 3.0), (0.75, 3.0), (0.75, 3.0), (0.75, 3.0), (1.0, 3.5)),
    ),
    "only the last question survives in VLMEvalKit": (
        [[yes(5), yes(5), yes(5), no(1)], [no(0), yes(5)]],
        ((0.625, 3.25), (0.625, 3.25), (0.625, 3.25), (0.625, 3.25), (0.5, 3.0)),
    ),
    "videos weigh the same whatever their number of questions": (
        [[yes(5)], [no(1), no(1), no(1)], [yes(5)]],
        ((2 / 3, 11 / 3), (2 / 3, 11 / 3), (1.0, 5.0), (2 / 3, 11 / 3), (2 / 3, 11 / 3)),
    ),
}


@pytest.mark.parametrize(("videos", "expected"), CASES.values(), ids=CASES.keys())
def test_hand_worked_means(videos: list[list[Row]], expected: tuple[tuple[float | None, float | None], ...]) -> None:
    found = means(one_section(*videos))
    assert found == {name: close(pair) for name, pair in zip(PROTOCOLS, expected, strict=True)}


DROPS = {
    "official names why a video is gone": (
        "official",
        [[MISSING], [unparsed()], [no(0)], [FAILED], [yes(1)], [unparsed("{'pred': 'yes', 'score': 1e999}")]],
        {"missing_caption": 1, "unreadable_verdict": 1, "zero": 1, "not_finite": 1, "failed_calls": 1},
        0,
    ),
    "official: yes with score zero is a zero video": ("official", [[yes(0)]], {"zero": 1}, 0),
    "official: nan as text passes float and makes the mean no number": (
        "official",
        [[unparsed("{'pred': 'yes', 'score': 'nan'}")]],
        {"not_finite": 1},
        0,
    ),
    "observed drops a video with nothing left": ("observed", [[unparsed()], [yes()]], {"nothing_left": 1}, 0),
    "strict drops only what could not be judged at all": (
        "strict",
        [[unparsed()], [MISSING], [EMPTY], [FAILED]],
        {"failed_calls": 1},
        0,
    ),
    "lmms_eval counts what would have ended its run": (
        "lmms_eval",
        [[unparsed(), yes()], [MISSING], [unparsed("{'pred': 'yes'}")], [no(0)]],
        {"missing_caption": 1, "would_crash": 2},
        2,
    ),
    "vlmevalkit: empty captions and text scores end the aggregation": (
        "vlmevalkit",
        [[EMPTY], [said("{'pred': 'yes', 'score': '4'}", True, 4)], [unparsed()], [yes()], [MISSING]],
        {"missing_caption": 1, "would_crash": 2, "unreadable_verdict": 1},
        2,
    ),
}


@pytest.mark.parametrize(("protocol", "videos", "dropped", "would_crash"), DROPS.values(), ids=DROPS.keys())
def test_every_dropped_video_has_a_reason(
    protocol: str, videos: list[list[Row]], dropped: dict[str, int], would_crash: int
) -> None:
    section = apply_protocols(one_section(*videos))[protocol].sections["short"]
    assert dict(section.dropped) == dropped
    assert section.would_crash == would_crash
    assert section.videos + section.dropped_videos == len(videos)


def test_questions_left_out_of_kept_videos_are_counted() -> None:
    found = apply_protocols(one_section([unparsed("{'pred': 'yes'}"), yes(), yes()], [yes()]))
    sections = {name: result.sections["short"] for name, result in found.items()}
    assert {name: section.questions for name, section in sections.items()} == {
        "strict": 4,
        "observed": 3,
        "official": 1,
        "lmms_eval": 3,
        "vlmevalkit": 2,
    }
    assert dict(sections["observed"].left_out) == {"unparsed": 1}
    assert dict(sections["lmms_eval"].left_out) == {"without_both_fields": 1}
    assert dict(sections["vlmevalkit"].left_out) == {"not_the_last": 2}


def test_vlmevalkit_prints_two_decimals_and_one_number_pooled_over_rows() -> None:
    verdicts = frame(
        {("short", "a"): [yes(4)], ("short", "b"): [no(1)], ("short", "c"): [no(1)], ("camera", "a"): [yes(5)]}
    )
    result = apply_protocols(verdicts)["vlmevalkit"]
    assert dict(result.sections["short"].printed) == {"accuracy": "0.33", "score": "2.00"}
    assert dict(result.printed) == {"accuracy": "0.50", "score": "2.75"}


def test_a_judge_without_text_is_read_by_its_own_verdict() -> None:
    found = means(one_section([Row("judged", None, True, 3.0), Row("judged", None, False, 1.0)]))
    assert found["official"] == close((0.5, 2.0))
    assert found["lmms_eval"] == close((0.5, 2.0))
    assert found["vlmevalkit"] == close((0.0, 1.0))


def test_an_unparsed_verdict_without_text_is_unreadable_to_every_published_rule() -> None:
    found = apply_protocols(one_section([Row("unparsed"), yes()], [yes(), Row("unparsed")]))
    assert dict(found["official"].sections["short"].dropped) == {"unreadable_verdict": 2}
    assert found["lmms_eval"].sections["short"].would_crash == 2
    assert dict(found["vlmevalkit"].sections["short"].dropped) == {"unreadable_verdict": 1}


def test_the_average_exists_only_with_five_sections() -> None:
    captions = {(section, "v"): [yes(place + 1), no(0)] for place, section in enumerate(SECTIONS)}
    whole = apply_protocols(frame(captions))["strict"]
    assert whole.average("score") == pytest.approx((0.5 + 1 + 1.5 + 2 + 2.5) / 5)
    assert whole.average("accuracy") == pytest.approx(0.5)
    del captions[("camera", "v")]
    assert apply_protocols(frame(captions))["strict"].average("accuracy") is None


def test_the_average_is_null_when_a_rule_drops_a_whole_section() -> None:
    captions = {(section, "v"): [yes()] for section in SECTIONS} | {("camera", "v"): [no(0)]}
    found = apply_protocols(frame(captions))
    assert found["official"].average("accuracy") is None
    assert found["strict"].average("accuracy") == pytest.approx(0.8)


def test_a_video_without_questions_in_a_section_is_not_counted_there() -> None:
    result = apply_protocols(frame({("short", "a"): [yes()], ("short", "b"): [no()], ("camera", "a"): [yes()]}))[
        "strict"
    ]
    assert result.sections["camera"].videos == 1
    assert result.sections["camera"].dropped_videos == 0


RAWS = st.sampled_from(
    [
        "{'pred': 'yes', 'score': 5}",
        "{'pred': 'no', 'score': 0}",
        "{'pred': 'Yes', 'score': 4}",
        "{'pred': 'yes', 'score': '3'}",
        "{'pred': 'yes'}",
        "[('pred', 'yes'), ('score', 2)]",
        "prose",
        "",
        "5",
        "{'pred': 'yes', 'score': [1]}",
    ]
)
SOME_ROWS = st.one_of(
    st.builds(said, RAWS, st.booleans(), st.sampled_from([0.0, 2.0, 5.0])),
    st.builds(unparsed, RAWS),
    st.just(FAILED),
)
TABLES = st.lists(
    st.one_of(st.lists(SOME_ROWS, min_size=1, max_size=4), st.just([MISSING, MISSING]), st.just([EMPTY])),
    min_size=1,
    max_size=5,
)


def published_script(videos: list[list[Row]]) -> tuple[list[float], list[float]]:
    """The official rule as a plain loop over videos, for comparison."""
    accuracies, scores = [], []
    for rows in videos:
        asked = [row for row in rows if row.status != "failed"]
        if not asked or asked[0].status in ("missing", "empty"):
            continue
        try:
            total_score, total_yes = 0.0, 0
            for row in asked:
                fields = dict(ast.literal_eval(row.raw or ""))
                total_score += float(fields["score"])
                total_yes += fields["pred"] == "yes"
        except (ValueError, SyntaxError, TypeError, KeyError):
            continue
        if total_score and total_yes:
            accuracies.append(total_yes / len(asked))
            scores.append(total_score / len(asked))
    return accuracies, scores


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_official_equals_a_plain_loop_over_videos(videos: list[list[Row]]) -> None:
    section = apply_protocols(one_section(*videos), ["official"])["official"].sections["short"]
    accuracies, scores = published_script(videos)
    assert section.videos == len(accuracies)
    assert sorted(section.accuracy[~pd.isna(section.accuracy)]) == pytest.approx(sorted(accuracies))
    assert sorted(section.score[~pd.isna(section.score)]) == pytest.approx(sorted(scores))


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_strict_is_never_above_observed(videos: list[list[Row]]) -> None:
    found = means(one_section(*videos))
    for strict, observed in zip(found["strict"], found["observed"], strict=True):
        assert strict is None or observed is None or strict <= observed + 1e-12


@settings(max_examples=25, deadline=None)
@given(TABLES, st.integers(0, 1000))
def test_the_order_of_the_rows_changes_nothing(videos: list[list[Row]], seed: int) -> None:
    verdicts = one_section(*videos)
    first, second = apply_protocols(verdicts), apply_protocols(verdicts.sample(frac=1, random_state=seed))
    for name in PROTOCOLS:
        assert _values(first[name]) == _values(second[name])


def _values(result: ProtocolResult) -> list[object]:
    section = result.sections["short"]
    values = [None if math.isnan(value) else value for value in (*section.accuracy, *section.score)]
    return [result.videos, values, dict(section.dropped), section.questions]


def break_column(verdicts: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    return verdicts.assign(**{column: pd.Series([value] * len(verdicts), dtype=object)})


BROKEN = {
    "a column is gone": (lambda table: table.drop(columns="raw"), "without the columns raw"),
    "no rows": (lambda table: table.iloc[:0], "without rows"),
    "an unknown section": (lambda table: break_column(table, "section", "sound"), "section 'sound'"),
    "an unknown status": (lambda table: break_column(table, "status", "lost"), "status 'lost'"),
    "the same question twice": (lambda table: pd.concat([table, table]), "questions with more than one row"),
    "judged without a match": (lambda table: break_column(table, "match", None), "judged rows without match"),
    "judged without a score": (lambda table: break_column(table, "score", None), "without a score from 0 to 5"),
    "a judged score above five": (lambda table: break_column(table, "score", 6.0), "without a score from 0 to 5"),
    "no video id": (lambda table: break_column(table, "video_id", None), "without video_id"),
}


@pytest.mark.parametrize(("damage", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_verdict_table_is_refused(damage: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        apply_protocols(damage(one_section([yes(), no()])))  # type: ignore[operator]


def test_an_unknown_protocol_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"strict, observed, official, lmms_eval, vlmevalkit.*did you mean 'strict'"):
        apply_protocols(one_section([yes()]), ["strickt"])
