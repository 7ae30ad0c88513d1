from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib.resources import files

import pytest
import typer

from baselines.reproduce.compare import compare
from baselines.reproduce.recompute import FORMULAS, recompute
from baselines.reproduce.show import state
from baselines.reproduce.tables import MODELS, Book, Table, read_book
from vdc.commands import COMMANDS, resolve
from vdc.errors import InputError, MissingExtra

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

TABLES = [(book, table) for book in map(read_book, MODELS) for table in book.tables.values()]
every_table = pytest.mark.parametrize(
    ("book", "table"), [pytest.param(book, table, id=f"{book.model}-{table.id}") for book, table in TABLES]
)


@every_table
def test_formulas_name_cells_that_exist(book: Book, table: Table) -> None:
    places = {(row.label, column.name) for row in table.rows for column in table.columns}
    computed = {column.name for column in table.columns if column.how in ("formula", "crosscheck")}
    figures = recompute(book, table)
    assert set(figures) <= places
    assert {column for _, column in figures} == computed


@every_table
def test_a_cell_that_does_not_follow_is_explained_beside_the_table(book: Book, table: Table) -> None:
    cells = compare(table, recompute(book, table), {})
    unexplained = [(cell.row.label, cell.column.name) for cell in cells if cell.follows is False and not cell.notes]
    assert unexplained == []


@every_table
def test_discrepancies_name_rows_and_columns_of_the_table(book: Book, table: Table) -> None:
    for each in table.discrepancies:
        assert set(each.rows) <= {row.label for row in table.rows}
        assert set(each.columns) <= {column.name for column in table.columns}


@every_table
def test_a_table_that_cannot_be_remade_here_says_what_it_needs(book: Book, table: Table) -> None:
    hows = {column.how for column in table.columns}
    if hows & {"run", "file"} and table.needs.kinds():
        assert "needs" in state(table)
    assert len({row.label for row in table.rows}) == len(table.rows)
    assert len({column.name for column in table.columns}) == len(table.columns)


def commands() -> Iterator[tuple[str, list[str]]]:
    for _, table in TABLES:
        for command in table.commands:
            words = shlex.split(command, comments=True)
            if words[:1] == ["vdc"]:
                yield command, words[1:]


@pytest.mark.parametrize(("command", "words"), sorted(commands()), ids=lambda value: str(value)[:60])
def test_every_command_exists_and_knows_its_options(command: str, words: list[str]) -> None:
    targets = {each.name: each.target for each in COMMANDS}
    # Named here so that the tables may be read before the commands are listed.
    targets |= {
        "reproduce": "baselines.cli.reproduce:reproduce",
        "train": "baselines.cli.train:train",
        "score-qa": "scoring.cli.score_qa:score_qa",
    }
    target = resolve(targets[words[0]])
    if not isinstance(target, typer.Typer):
        app = typer.Typer()
        app.command()(target)
        target = app
        words = words[1:]
    else:
        words = words[1:]
    click = typer.main.get_command(target)
    if hasattr(click, "commands"):
        click = click.commands[words[0]]
    known = {option for parameter in click.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known


def test_recipes_that_tables_name_are_bundled() -> None:
    bundled = files("baselines.training").joinpath("recipes")
    named = {word for _, words in commands() if words[0] == "train" for word in words[1:2]}
    named |= {row.recipe.split(" with ")[0] for _, table in TABLES for row in table.rows if row.recipe}
    assert [name for name in sorted(named) if not bundled.joinpath(*f"{name}.yaml".split("/")).is_file()] == []


def test_the_known_slips_in_print_are_found() -> None:
    found = {
        (table.id, cell.row.label, cell.column.name)
        for book, table in TABLES
        for cell in compare(table, recompute(book, table), {})
        if cell.follows is False
    }
    for slip in (
        ("vdc", "AuroraCap-7B", "average accuracy"),
        ("schemes", "three-stage-wider", "TFLOPs"),
        ("schemes", "two-stage", "compression ratio"),
        ("claims", "table 7, single", "compression ratio"),
        ("video_captioning", "MSR-VTT", "CIDEr"),
        ("dataset_statistics", "VDC", "words per caption"),
    ):
        assert slip in found
    assert ("schemes", "4stage", "TFLOPs") not in found
    assert ("parameters", "query transformer", "parameters") not in found


def test_unknown_names_list_the_valid_ones_and_the_closest() -> None:
    with pytest.raises(InputError, match=r"auroracap, llama_vid, llavolta.*did you mean 'llavolta'"):
        read_book("llavota")
    with pytest.raises(InputError, match="did you mean 'schemes'"):
        read_book("llavolta").table("scheme")


def test_without_the_packages_for_models_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        FORMULAS = {"parameters": lambda book, table: (_ for _ in ()).throw(ImportError("torch"))}  # noqa: RUF012

    monkeypatch.setitem(FORMULAS, "llama_vid", "missing")
    monkeypatch.setitem(__import__("sys").modules, "missing", Missing)
    book = read_book("llama_vid")
    with pytest.raises(MissingExtra, match="baselines"):
        recompute(book, book.table("parameters"))
    assert recompute(book, book.table("image_benchmarks")) == {}
