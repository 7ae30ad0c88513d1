from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from leaderboard.board import BoardQuery, BoardReader
from leaderboard.db.models import Model, ReportedRow
from leaderboard.db.session import reading, writing
from leaderboard.import_rows import import_published
from leaderboard.names import slug_of
from leaderboard.published import parse_number, read_published
from leaderboard.published_audit import RULES, audit_rows, mean_of_sections
from leaderboard.services import Services
from tests.conftest import REFERENCE
from vdc.errors import InputError


def test_forty_three_rows_of_the_site_are_carried() -> None:
    published = read_published()
    assert sum(row.source == "site" for row in published.rows) == 43
    assert all(source.url is None or source.url.startswith("https://") for source in published.sources.values())


def test_carried_numbers_are_the_published_ones() -> None:
    path = REFERENCE / "vdc" / "data" / "leaderboard.json"
    if not path.is_file():
        pytest.skip("the official site's file is not part of this project and is not beside this checkout")
    own = [row for row in read_published().rows if row.source == "site"]
    theirs = read_published(path).rows
    for mine, row in zip(own, theirs, strict=True):
        assert mine.model == row.model
        assert parse_number(mine.average.accuracy) == parse_number(row.average.accuracy)
        for section, pair in row.sections.items():
            assert parse_number(mine.sections[section].accuracy) == parse_number(pair.accuracy)
            assert parse_number(mine.sections[section].score) == parse_number(pair.score)
    wrong = {row.model for row in theirs if row.wrong_types}
    assert {"VideoCap-R1", "AVC-DPO-7B"} <= wrong


def test_carried_tables_are_the_published_ones() -> None:
    path = REFERENCE / "vdc" / "tables.json"
    if not path.is_file():
        pytest.skip("the published tables are not part of this project and are not beside this checkout")
    tables = json.loads(path.read_text())
    mine = {row.model: row for row in read_published().rows if row.source == "lmms-eval-readme"}
    rows = tables["lmms_eval_readme_2024_11"]["rows"]
    assert len(mine) == len(rows)
    for row in rows:
        for section, pair in mine[row["model"]].sections.items():
            assert parse_number(pair.accuracy) == row[section]["acc"]
            assert parse_number(pair.score) == row[section]["score"]


def test_the_audit_finds_exactly_the_five_site_averages_that_disagree() -> None:
    published = read_published()
    found = {
        row.model
        for row, flags in zip(published.rows, audit_rows(published), strict=True)
        if row.source == "site" and any(flag.rule == "average_differs" for flag in flags)
    }
    assert found == {"AVC-DPO-7B", "Apollo", "LLaVA-Video-7B", "AuroraCap-7B", "LLaVA-1.6-7B"}


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        ("LLaVA-1.6-7B", "average_repeats_section"),
        ("Tarsier-7B", "average_only"),
        ("Tarsier-7B", "placeholder"),
        ("Qwen2-VL-7B", "odd_number"),
        ("LLaVA-OneVision-7B", "alias"),
        ("Vicuna-v1.5-7B", "no_frames"),
        ("MovieChat-7B", "differs_between_sources"),
    ],
)
def test_the_audit_finds_what_is_known_to_be_wrong(model: str, rule: str) -> None:
    published = read_published()
    flags = [
        flag.rule
        for row, found in zip(published.rows, audit_rows(published), strict=True)
        for flag in found
        if (row.source, row.model) == ("site", model)
    ]
    assert rule in flags and rule in RULES


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,924", 1924.0), ("64.", 64.0), ("41.30", 41.3), ("41,50", None), ("-", None), ("unk.", None), ("", None)],
)
def test_printed_values(text: str, number: float | None) -> None:
    assert parse_number(text) == number


def test_mean_of_sections_by_hand() -> None:
    apollo = next(row for row in read_published().rows if row.model == "Apollo")
    # (44.25 + 34.43 + 39.92 + 29.37 + 40.86) / 5
    assert mean_of_sections(apollo)[0] == pytest.approx(37.766)


def test_importing_twice_changes_nothing(board: Services) -> None:
    counts = []
    for _ in range(2):
        with writing(board.engine) as session:
            import_published(session)
        with reading(board.engine) as session:
            counts.append([session.scalar(select(func.count()).select_from(one)) for one in (ReportedRow, Model)])
    assert counts[0] == counts[1] and counts[0][0] == len(read_published().rows)


def test_names_that_differ_in_case_are_one_model(board: Services) -> None:
    with writing(board.engine) as session:
        import_published(session)
    with reading(board.engine) as session:
        models = session.scalars(select(Model).where(Model.slug == slug_of("AURORACAP-7B"))).all()
    assert [model.name for model in models] == ["AuroraCap-7B"]


def test_published_rows_rank_inside_their_source_and_figures_stay_off_the_board(board: Services) -> None:
    with writing(board.engine) as session:
        import_published(session)
    reader = BoardReader(board.engine)
    rows = reader.page(BoardQuery()).rows
    site = [row for row in rows if row.source == "site"]
    assert [row.model for row in site][:2] == ["AVC-DPO-7B", "Cockatiel-13B"]
    assert all(row.rank_low is None and row.kind == "reported" for row in site)
    assert not any(row.source_kind == "figure" for row in rows)
    assert any(row.visual_tokens == 56 for row in reader.page(BoardQuery(figures=True)).rows)


def test_numbers_in_place_of_text_are_all_told(tmp_path: Path) -> None:
    source = {"id": "s", "name": "S", "url": None, "date": None, "judge": "j", "kind": "paper"}
    row = {"source": "s", "model": "M", "frames": 8, "average": [41.0, "2.1"], "sections": {"short": ["40.0", 2]}}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"schema_version": 1, "sources": [source], "rows": [row]}))
    with pytest.raises(InputError) as caught:
        read_published(path)
    assert [problem.found for problem in caught.value.problems] == [
        "frames = 8", "average, accuracy = 41.0", "short, score = 2"]  # fmt: skip


SOURCE = {"id": "s", "name": "S", "url": None, "date": None, "judge": "j", "kind": "paper"}
ROW = {"source": "s", "model": "M", "average": ["41.0", "2.1"], "sections": {"short": ["40.0", "-"]}}


def write_rows(folder: Path, sources: list[Any], rows: list[Any], **more: Any) -> Path:
    path = folder / "rows.json"
    path.write_text(json.dumps({"schema_version": 1, "sources": sources, "rows": rows, **more}))
    return path


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"average": ["140.0", "2.1"]}, "average, accuracy = '140.0'"),
        ({"average": ["41.0", "5.1"]}, "average, score = '5.1'"),
        ({"sections": {"short": ["abc", "-"]}}, "short, accuracy = 'abc'"),
        ({"sections": {"short": ["41,50", "-"]}}, "short, accuracy = '41,50'"),
        ({"sections": {"short": ["0,041", "-"]}}, "short, accuracy = '0,041'"),
        ({"sections": {"short": ["-1", "-"]}}, "short, accuracy = '-1'"),
        ({"sections": {"short": ["nan", "-"]}}, "short, accuracy = 'nan'"),
        ({"sections": {"short": "41"}}, "short = '41'"),
        ({"sections": {"short": ["1", "1", "1"]}}, "short = ['1', '1', '1']"),
        ({"sections": {"object": [], "main_object": []}}, "the section main_object twice"),
        ({"sections": {"shrot": []}}, "section 'shrot'"),
        ({"sections": []}, "sections = []"),
        ({"frames": "-8"}, "frames = '-8'"),
        ({"frames": "1,5"}, "frames = '1,5'"),
        ({"frames": "9" * 12}, "frames = '999999999999'"),
        ({"source": "t"}, "source 't'"),
        ({"averge": []}, "key 'averge'"),
        ({"model": ""}, "an empty model"),
        ({"model": None}, "model = None"),
        ({"setting": "x" * 61}, "setting of 61 characters"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_place(tmp_path: Path, change: dict[str, Any], found: str) -> None:
    with pytest.raises(InputError) as caught:
        read_published(write_rows(tmp_path, [SOURCE], [ROW, ROW | {"setting": "other"} | change]))
    [problem] = caught.value.problems
    assert problem.found == found and problem.where == f"{tmp_path / 'rows.json'}: row 2"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"kind": "papr"}, "kind 'papr'"),
        ({"kind": 3}, "kind = 3"),
        *(
            ({"date": text}, f"date = {text!r}")
            for text in ("soon", "2025-13", "2025-02-30", "2025-1", "03.07.2025", 25)
        ),
        ({"url": "javascript:alert(1)"}, "a url that is no web address"),
        ({"when": "2025"}, "key 'when'"),
        ({"name": ""}, "an empty name"),
    ],
)
def test_a_source_that_cannot_be_is_refused_with_its_id(tmp_path: Path, change: dict[str, Any], found: str) -> None:
    with pytest.raises(InputError) as caught:
        read_published(write_rows(tmp_path, [SOURCE | change], [ROW]))
    [problem] = caught.value.problems
    assert problem.found == found and problem.where == f"{tmp_path / 'rows.json'}: source 's'"


@pytest.mark.parametrize("when", [None, "2025", "2025-07", "2024-02-29"])
def test_dates_as_precise_as_known_and_marks_for_nothing_are_taken(tmp_path: Path, when: str | None) -> None:
    row = ROW | {"frames": "unk.", "tokens_per_frame": "1,924", "average": ["-", "-"]}
    published = read_published(write_rows(tmp_path, [SOURCE | {"date": when}], [row]))
    assert published.sources["s"].date == when and published.rows[0].average.accuracy == "-"


def test_all_that_is_wrong_with_a_file_is_told_at_once_and_nothing_is_written(board: Services, tmp_path: Path) -> None:
    without_judge = {key: value for key, value in SOURCE.items() if key != "judge"} | {"id": "t"}
    rows = [ROW, ROW, ROW | {"source": "nobody"}, 3, ROW | {"average": ["101", "6"], "setting": "a"}]
    path = write_rows(tmp_path, [SOURCE, SOURCE, without_judge, 3], rows, aliases=[{"names": ["one"]}])
    with pytest.raises(InputError) as caught, writing(board.engine) as session:
        import_published(session, path)
    assert caught.value.exit_code == 2
    assert [(one.where.removeprefix(f"{path}: "), one.found) for one in caught.value.problems] == [
        ("source 2", "the source 's' twice"),
        ("source 't'", "no judge"),
        ("source 4", "3"),
        ("row 2", "source 's', model 'M', setting '' again, as in row 1"),
        ("row 3", "source 'nobody'"),
        ("row 4", "3"),
        ("row 5", "average, accuracy = '101'"),
        ("row 5", "average, score = '6'"),
        ("alias 1", "an alias of another form"),
    ]
    with reading(board.engine) as session:
        assert session.scalar(select(func.count()).select_from(ReportedRow)) == 0


def test_values_of_the_site_that_cannot_be_are_told_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"model": "M", "avg_acc": 4150, "avg_score": "unk."}]))
    with pytest.raises(InputError, match=r"row 1: found avg_acc, accuracy = '4150'"):
        read_published(path)


@pytest.mark.parametrize(
    "content",
    ["", "not json", "{}", '{"schema_version": 1}', '[{"model": 3}]', "[" * 100_000, '{"schema_version": 99}'],
    ids=["empty", "text", "object", "no-rows", "bad-row", "nested", "version"],
)
def test_a_file_that_is_no_board_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(content)
    with pytest.raises(InputError):
        read_published(path)
