from __future__ import annotations

import json
from pathlib import Path

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
    ("text", "number"), [("1,924", 1924.0), ("64.", 64.0), ("41.30", 41.3), ("-", None), ("unk.", None), ("", None)]
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
