"""The text files of a synthetic benchmark, in the layout in which VDC is published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from builders.synthetic.facts import SectionPlan, gold_caption, plan_scene
from builders.synthetic.scene import Scene
from vdc.sections import SECTIONS, Section

GENERATOR_VERSION: Final = "1"
"""Changes whenever the same seed gives other text or other frames."""

MANIFEST: Final = "manifest.json"
UNFINISHED: Final = ".build.json"
"""Stands in the folder from the first to the last step of a build, with what is being built."""

Record = Mapping[str, Any]


def write_texts(folder: Path, scenes: Sequence[Scene], record: Record) -> int:
    """Write captions, questions, scenes and the card.

    Args:
        folder: The benchmark's folder.
        scenes: The videos in order.
        record: What is being built (seed, videos, size, ...), for the card.

    Returns:
        Number of questions.
    """
    plans = [plan_scene(scene) for scene in scenes]
    captions = (
        {
            "video_id": scene.video_id,
            "captions": {f"{section}_caption": gold_caption(scene, plan[section]) for section in SECTIONS},
        }
        for scene, plan in zip(scenes, plans, strict=True)
    )
    write_lines(folder / "VDC_1k.jsonl", captions)
    for section in SECTIONS:
        rows = ({plan[section].video_id: _question_rows(plan[section])} for plan in plans)
        write_lines(folder / "VDCScore_qa" / f"{section}.jsonl", rows)
    write_lines(folder / "scenes.jsonl", map(_scene_row, scenes, plans))
    questions = sum(len(plan[section].questions) for plan in plans for section in SECTIONS)
    write_text(folder / "README.md", _card(record, questions))
    return questions


def write_manifest(folder: Path, record: Record, scenes: Sequence[Scene]) -> None:
    """Write ``manifest.json``: what was built and the SHA-256 of every file of it, videos included."""
    names = ["VDC_1k.jsonl", "scenes.jsonl", "README.md"]
    names += [f"VDCScore_qa/{section}.jsonl" for section in SECTIONS]
    for name in record["predictions"]:
        names += [f"predictions/{name}.jsonl", f"truth/{name}.json", f"truth/{name}.jsonl"]
    names += [f"videos/{scene.video_id}.mp4" for scene in scenes]
    checksums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    write_text(folder / MANIFEST, json.dumps({**record, "files": checksums}, indent=2) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines, UTF-8, through a temporary name."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_text(path: Path, text: str) -> None:
    """Write a text file that is never seen half written; line ends are LF everywhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.replace(path)


def _question_rows(plan: SectionPlan) -> list[dict[str, str | None]]:
    return [{"question": row.question, "answer": row.gold, "category": row.category} for row in plan.questions]


def _scene_row(scene: Scene, plans: Mapping[Section, SectionPlan]) -> dict[str, Any]:
    return {**asdict(scene), "asked": {section: list(plans[section].asked) for section in SECTIONS}}


def _card(record: Record, questions: int) -> str:
    count, size, seconds, fps = record["videos"], record["size"], record["seconds"], record["fps"]
    rows = [f"| `predictions/{name}.jsonl` | captions of known quality |\n" for name in record["predictions"]]
    predictions = "".join(rows)
    truth = "| `truth/` | what those captions really do with every question |\n" if predictions else ""
    return f"""---
license: apache-2.0
language: en
task_categories: [video-text-to-text]
tags: [synthetic, video-captioning]
configs:
- config_name: default
  data_files:
  - split: VDC_captions
    path: VDC_1k.jsonl
---

# Synthetic detailed-caption benchmark, seed {record["seed"]}

{count} drawn videos of {seconds:g} s ({size} x {size} pixels, {fps} frames per second) with known contents, their five
captions, and {questions} questions with answers. Everything here is generated from the seed: no footage, no person, no
text of others.

Do not compare numbers measured on it with numbers measured on filmed videos.

| file | contents |
| --- | --- |
| `VDC_1k.jsonl` | `video_id` and five captions each |
| `VDCScore_qa/SECTION.jsonl` | one line per video: its id and the list of question, answer, category |
| `videos/ID.mp4` | the videos, H.264 |
| `scenes.jsonl` | every fact of every scene, and which fact each question asks for |
{predictions}{truth}| `manifest.json` | settings, generator version, SHA-256 of every file |

Remake: `vdc build synthetic --videos {count} --seed {record["seed"]} --size {size} --seconds {seconds:g} --fps {fps}`
(generator version {GENERATOR_VERSION}).
"""
