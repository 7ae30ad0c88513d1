"""The audit of a board file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builders.audit.board_audit import audit_board, board_json
from tests.conftest import REFERENCE
from vdc.errors import InputError

NAMES = ("detailed", "camera", "short", "background", "object")


def row(model: str, accuracy: float = 40.0, score: float = 2.0, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"model": model, "frames": "8", "tpf": "64", "avg_acc": accuracy, "avg_score": score}
    # The sections differ but their mean is the average.
    for step, name in enumerate(NAMES):
        fields[f"{name}_acc"] = accuracy + step - 2
        fields[f"{name}_score"] = round(score + (step - 2) / 10, 2)
    return {**fields, **changes}


def found(tmp_path: Path, *rows: dict[str, Any]) -> dict[str, list[str]]:
    path = tmp_path / "board.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    rules = board_json(audit_board(path))["board"]["rules"]
    return {rule: [f"{item['model']}|{item['detail']}" for item in entry["items"]] for rule, entry in rules.items()}


@pytest.mark.parametrize(
    ("rule", "changes", "fires"),
    [
        ("accuracy_average_mismatch", {"avg_acc": 40.03}, True),
        ("accuracy_average_mismatch", {"avg_acc": 40.02}, False),
        ("accuracy_average_mismatch", {"avg_acc": "40.03"}, True),
        ("accuracy_average_mismatch", {"avg_acc": 50, "short_acc": "-"}, False),
        ("score_average_mismatch", {"avg_score": 2.012}, True),
        ("score_average_mismatch", {"avg_score": 1.989}, False),
        ("average_repeats_section", {"avg_acc": 41.0, "avg_score": 2.1}, True),
        ("average_repeats_section", {"avg_acc": 41.0}, False),
        ("out_of_range", {"short_acc": 100.1}, True),
        ("out_of_range", {"short_score": -0.1}, True),
        ("out_of_range", {"short_score": 5, "short_acc": 100}, False),
        ("number_as_text", {"short_acc": "38.0"}, True),
        ("number_as_text", {"frames": "38"}, False),
        ("missing_number", {"short_acc": "-"}, True),
        ("missing_number", {"short_acc": None}, True),
        ("missing_number", {"short_acc": True}, True),
        ("missing_number", {"short_acc": "38"}, False),
        ("setting_not_integer", {"frames": "64."}, True),
        ("setting_not_integer", {"tpf": "1,924"}, True),
        ("setting_not_integer", {"tpf": "unk."}, True),
        ("setting_not_integer", {"tpf": 64}, False),
        ("no_frame_count", {"frames": "-", "tpf": "-"}, True),
        ("no_frame_count", {"frames": "-", "tpf": "64."}, False),
    ],
)
def test_rule_on_one_row(rule: str, changes: dict[str, Any], fires: bool, tmp_path: Path) -> None:
    assert bool(found(tmp_path, row("one", **changes))[rule]) == fires


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("LLaVA-OV-7B", "LLaVA-OneVision-7B", True),
        ("Video-ChatGPT-7B", "VideoChatGPT", True),
        ("Qwen2-VL-7B", "QwenVL-v2-8B", True),
        ("VILA-v1.5-8B", "VILA-v1.5-13B", False),
        ("LLaVA-1.5-7B", "LLaVA-1.6-7B", False),
        ("Video-LLaVA-7B", "LLaVA-Video-7B", False),
        ("Video-ChatGPT-7B", "VideoChat2-7B", False),
    ],
)
def test_names_of_one_model(first: str, second: str, same: bool, tmp_path: Path) -> None:
    assert bool(found(tmp_path, row(first), row(second))["alias_models"]) == same


def test_inversions_are_pairs_that_the_two_averages_order_differently(tmp_path: Path) -> None:
    rows = (row("a", 40.0, 2.0), row("b", 41.0, 1.9), row("c", 42.0, 1.9), row("d", 42.0, 2.1))
    assert [line.partition(" (")[0] for line in found(tmp_path, *rows)["accuracy_score_inversion"]] == ["b|a", "c|a"]


def test_duplicate_names_and_unsorted_rows(tmp_path: Path) -> None:
    rules = found(tmp_path, row("a", 40.0), row("b", 41.0), row("a", 39.0))
    assert rules["duplicate_model"] == ["a|also row 0"]
    assert [line[0] for line in rules["not_sorted"]] == ["b"]


def test_section_without_a_field_is_a_missing_number(tmp_path: Path) -> None:
    entry = {key: value for key, value in row("a").items() if not key.startswith("camera")}
    assert found(tmp_path, entry)["missing_number"] == ["a|no field for camera"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{}", "JSON list"),
        ("[]", "JSON list"),
        ("[1]", "row 0"),
        ('[{"model": ""}]', "row 0"),
        ('[{"model": "a", "speed": 1}]', "avg_acc"),
        ('{"v": []}\n{"w": []}', "folder of a benchmark"),
    ],
)
def test_other_files_are_an_input_error(text: str, part: str, tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=part):
        audit_board(path)


def test_published_board() -> None:
    path = REFERENCE / "vdc" / "data" / "leaderboard.json"
    if not path.is_file():
        pytest.skip("the published board file is not part of this project and is not beside this checkout")
    audit = audit_board(path)
    counts = {rule: len(findings) for rule, findings in audit.findings.items()}
    assert len(audit.board.rows) == 43
    assert [finding.video_id for finding in audit.findings["accuracy_average_mismatch"]] == [
        "AVC-DPO-7B",
        "Apollo",
        "LLaVA-Video-7B",
        "AuroraCap-7B",
        "LLaVA-1.6-7B",
    ]
    assert [finding.video_id for finding in audit.findings["score_average_mismatch"]] == ["LLaVA-1.6-7B"]
    assert counts["number_as_text"] == 24
    assert counts["missing_number"] == 10
    assert counts["setting_not_integer"] == 25
    assert counts["alias_models"] == 3
    assert counts["accuracy_score_inversion"] == 15
