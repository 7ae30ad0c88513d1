"""Toy checkpoints, a folder of pictures and a clip, and records about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"


@pytest.fixture(scope="session")
def llavolta_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")
    from baselines.llavolta.convert import convert
    from baselines.llavolta.toy import write_toy_release

    folder = tmp_path_factory.mktemp("llavolta")
    return convert(write_toy_release(folder / "released"), folder / "native")


@pytest.fixture(scope="session")
def llama_vid_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")
    from baselines.llama_vid.toy import write_toy

    return write_toy(tmp_path_factory.mktemp("llama_vid") / "native")


@pytest.fixture(scope="session")
def auroracap_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")
    from baselines.auroracap.convert import convert
    from baselines.auroracap.toy import write_toy_release

    folder = tmp_path_factory.mktemp("auroracap")
    return convert(write_toy_release(folder / "released"), folder / "native")


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``red.png``, ``green.png``, ``blue.png``, ``grey.png``, 60 x 40 pixels each."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("media")
    for name, colour in (("red", (200, 0, 0)), ("green", (0, 200, 0)), ("blue", (0, 0, 200)), ("grey", (90, 90, 90))):
        Image.fromarray(np.full((40, 60, 3), colour, dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


def picture(name: str, answer: str = "") -> dict[str, Any]:
    told = [{"from": "human", "value": "<image>\nColour?"}, {"from": "gpt", "value": answer or f"{name}."}]
    return {"id": name, "image": f"{name}.png", "conversations": told}


def text(number: int) -> dict[str, Any]:
    told = [{"from": "human", "value": f"Say {number}."}, {"from": "gpt", "value": f"It is {number}."}]
    return {"id": f"text-{number}", "conversations": told}


@pytest.fixture(scope="session")
def write_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes records as a JSON list, or as JSON lines."""

    def write(*records: Any, lines: bool = False) -> Path:
        path = tmp_path_factory.mktemp("data") / ("data.jsonl" if lines else "data.json")
        text = "".join(json.dumps(one) + "\n" for one in records) if lines else json.dumps(list(records))
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="session")
def mixed(write_data: Callable[..., Path]) -> Path:
    """Four pictures and three texts."""
    names = ("red", "green", "blue", "grey")
    return write_data(*(picture(name) for name in names), *(text(number) for number in range(3)))
