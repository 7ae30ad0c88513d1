"""The GPU benchmarks run to their end at toy size on a CPU, and say that they measured nothing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

ROOT = Path(__file__).parents[2]
TOY = ["--device", "cpu", "--toy", "--repeats", "1"]


@pytest.fixture(autouse=True)
def benchmarks_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.parametrize(
    ("script", "rows"),
    [
        ("llavolta_training", ("reproduce", "4stage", "heavy-compression")),
        ("parity_bf16", ("auroracap", "llavolta", "llama_vid")),
        ("caption_speed", ("auroracap", "llavolta", "llama_vid")),
    ],
)
def test_toy_run_prints_a_full_table_and_calls_it_no_measurement(
    script: str, rows: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    import_module(f"benchmarks.gpu.{script}").main([*TOY, "--frames", "2"])
    printed = capsys.readouterr().out
    assert "toy size: no measurement" in printed
    header = next(line for line in printed.splitlines() if line.startswith("|"))
    for name in rows:
        line = next(line for line in printed.splitlines() if line.startswith(f"| {name} |"))
        assert line.count("|") == header.count("|")
    assert "nan" not in printed


def test_toy_tables_are_not_written_and_a_missing_gpu_is_said() -> None:
    main = import_module("benchmarks.gpu.caption_speed").main
    with pytest.raises(SystemExit, match="--toy with --write"):
        main([*TOY, "--write"])
    if not torch.cuda.is_available():
        with pytest.raises(SystemExit, match="no GPU"):
            main([])


def test_speed_benchmark_measures_every_compressor(capsys: pytest.CaptureFixture[str]) -> None:
    groupings = "avgpool1d,random,kmeans,attention,learned1d"
    small = ["--hidden", "128", "--layers", "3", "--repeats", "1", "--stride", "64", "--groupings", groupings]
    import_module("benchmarks.llavolta_speed").main(small)
    printed = capsys.readouterr().out
    for name in groupings.split(","):
        assert f"| {name} | prefill |" in printed
        assert f"| {name} | forward and backward |" in printed
