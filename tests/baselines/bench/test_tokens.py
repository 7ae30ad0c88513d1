from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.bench import shapes
from baselines.bench.every_line import make_lines
from baselines.bench.memory import peak_bytes
from baselines.bench.run import bench_tokens
from baselines.bench.table import TokenTable, parse_scores
from baselines.bench.write import write_table
from baselines.cli.bench import app
from tests.baselines.bench.test_flops import SMALL
from vdc.errors import InputError, MissingExtra


@pytest.fixture(autouse=True)
def small_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shapes.SHAPES, "toy", SMALL)


@pytest.fixture(scope="module")
def measured() -> TokenTable:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(shapes.SHAPES, "toy", SMALL)
        return bench_tokens(repeats=1)


def test_every_line_is_measured_and_makes_the_tokens_it_announces(measured: TokenTable) -> None:
    table = measured
    assert [row.name for row in table.rows] == [line.name for line in make_lines(SMALL)]
    for row, made in zip(table.rows, make_lines(SMALL), strict=True):
        assert row.visual_tokens == made.budget(SMALL.frames, SMALL.tower.encoder).visual_tokens
        assert row.encode_s is not None and row.encode_s > 0
        assert row.peak_bytes is not None and row.peak_bytes > 0
        assert (row.accuracy, row.score) == (None, None)


def test_peak_memory_is_the_most_that_lived_at_once() -> None:
    def work() -> None:
        first = torch.zeros(1000, 250)
        second = first + 1
        del first
        torch.zeros(10)
        del second

    assert 2_000_000 <= peak_bytes(work, torch.device("cpu")) < 2_010_000


def test_page_chart_and_json_say_the_same(measured: TokenTable, tmp_path: Path) -> None:
    table = measured
    data, page, chart = write_table(table, tmp_path)
    assert json.loads(data.read_text()) == table.to_json()
    shown = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| ")]
    assert shown == [
        "reduction",
        "---",
        *(row.name for row in table.rows),
        "training scheme",
        "---",
        *(row.name for row in table.schemes),
    ]
    assert "(tokens.png)" in page.read_text()
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_without_running_tokens_and_operations_are_counted(measured: TokenTable) -> None:
    counted = bench_tokens(device="none")
    assert [row.flops for row in counted.rows] == [row.flops for row in measured.rows]
    assert counted.rows[0].encode_s is None
    assert counted.cells()[0][7:10] == ("-", "-", "-")
    assert counted.scheme_cells()[0][-1] == "-"


def test_all_three_papers_are_in_the_table_and_lines_have_names_of_their_own() -> None:
    for shape in ("toy", "7b"):
        lines = make_lines(shapes.SHAPES[shape])
        assert {line.model for line in lines} == {"", "AuroraCap", "LLaMA-VID", "LLaVolta"}
        assert len({line.name for line in lines}) == len(lines)


def test_every_setting_of_every_scheme_and_every_compressor_is_a_line() -> None:
    from baselines.llavolta.setting import GROUPINGS

    names = [line.name for line in make_lines(shapes.SHAPES["7b"])]
    for setting in ("1/8 from layer 2", "1/2 from layer 2", "1/8 from layer 16", "1/2 from layer 16"):
        assert f"pool {setting}" in names
    for grouping in set(GROUPINGS) - {"none", "avgpool1d"}:
        assert f"{grouping} 1/8 from layer 2" in names


def test_a_scheme_is_the_weighted_mean_of_its_stages(measured: TokenTable) -> None:
    table = bench_tokens(shapes="7b", device="none")
    lines = {row.name: row.token_layers for row in table.rows}
    schemes = {row.name: row.token_layers for row in table.schemes}
    assert schemes["two-stage"] == (lines["pool 1/8 from layer 2"] + lines["none"]) / 2
    assert schemes["heavy-compression"] == lines["pool 1/8 from layer 2"]
    seconds = {row.name: row.prefill_s for row in measured.rows}
    found = next(row for row in measured.schemes if row.name == "light-compression")
    assert found.stages in seconds
    assert found.prefill_s == seconds[found.stages]


def test_a_compressor_that_works_inside_the_decoder_changes_what_comes_out() -> None:
    from baselines.bench.in_decoder import DecoderLine
    from baselines.bench.measure import build_model, share_decoder
    from baselines.llavolta.setting import Compression

    decoder = share_decoder(build_model(SMALL, torch.device("cpu"), torch.float32, 0))
    patches = SMALL.tower.encoder.patches
    embeds = torch.randn(1, 2 * patches + 5, 64, generator=torch.Generator().manual_seed(0))
    line = DecoderLine(Compression(1, 4))
    with torch.inference_mode():
        whole = decoder(inputs_embeds=embeds).last_hidden_state
        cut = decoder(inputs_embeds=embeds, compression=line.compression(2, patches, embeds.shape[1])).last_hidden_state
    assert cut.shape[1] == 2 * (patches // 4) + 5
    assert not torch.allclose(whole[:, -1], cut[:, -1])


def run_folder(path: Path, average: object) -> Path:
    path.mkdir()
    (path / "report.json").write_text(json.dumps({"average": average}))
    return path


def test_a_scored_run_fills_the_line_it_belongs_to(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", {"accuracy": 0.4123, "score": 2.05})
    table = bench_tokens(device="none", scores=parse_scores([f"merging 0.2={run}"]))
    cells = {row[0]: row[-2:] for row in table.cells()}
    assert cells["merging 0.2"] == ("41.2 %", "2.05")
    assert cells["none"] == ("", "")


def test_scores_that_cannot_be_used_are_all_named(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", None)
    with pytest.raises(InputError) as caught:
        bench_tokens(device="none", scores={"merging 0.3": run, "none": run, "frames 2": tmp_path / "nothing"})
    text = str(caught.value)
    assert "reduction 'merging 0.3'" in text
    assert "without an average" in text
    assert "no such file" in text


@pytest.mark.parametrize(
    ("options", "found"),
    [
        pytest.param({"shapes": "70b"}, "shape '70b'", id="shape"),
        pytest.param({"device": "tpu"}, "device 'tpu'", id="device"),
        pytest.param({"repeats": 0}, "0 repeats", id="repeats"),
        pytest.param({"clock": "sun"}, "clock 'sun'", id="clock"),
        pytest.param({"device": "cuda", "clock": "processor"}, "only waits for a GPU", id="processor-of-a-gpu"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], found: str) -> None:
    with pytest.raises(InputError, match=found):
        bench_tokens(**options)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU: its absence cannot be tried")
def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="no CUDA device"):
        bench_tokens(device="cuda")


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtra, match="baselines"):
        bench_tokens(device="none")


def test_the_command_prints_the_table_or_json() -> None:
    text = CliRunner().invoke(app, ["tokens", "--device", "none"])
    assert text.exit_code == 0
    assert "merging 0.2" in text.stdout
    data = CliRunner().invoke(app, ["tokens", "--device", "none", "--json"])
    assert json.loads(data.stdout)["rows"][0]["reduction"] == "none"


@pytest.mark.parametrize("text", ["none", "=run", "none="])
def test_a_score_without_name_or_run_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--score"):
        parse_scores([text])
