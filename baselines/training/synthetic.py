"""A train set from a synthetic benchmark: its videos with their gold captions as conversations.

python -m baselines.training.synthetic BENCHMARK --out train.json [--section short] [--text-only N]

What a caption says can be seen in the video, so a model has something to learn; scenes with facts of their own are left
for the benchmark that scores it: build that with another seed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.captioning.instructions import load_instructions
from baselines.common.prompts import VIDEO_MARK
from vdc.errors import InputError, Problem, VdcError
from vdc.fileio import write_atomic
from vdc.sections import SECTIONS, Section, parse_section


def write_train_set(
    benchmark: str | Path, out: str | Path, *, sections: Sequence[Section] = SECTIONS, text_only: int = 0
) -> int:
    """Write a train set in LLaVA's format. Questions are those that ``vdc caption`` asks, in its first wording.

    Args:
        benchmark: Folder of ``vdc build synthetic``; its ``videos`` folder is what ``--media`` names.
        out: JSON file to write.
        sections: Captions to take, one record each.
        text_only: Records without a video on top, so that mixed batches can be tried: they ask for a caption's first
            words to be repeated.

    Returns:
        Number of records.

    Raises:
        InputError: The folder is no benchmark, or one without gold captions.
    """
    from vdc.benchmark.load import load_benchmark

    asked = load_instructions()
    captions = {key: text for key, text in load_benchmark(str(benchmark)).captions.items() if key[1] in sections}
    if not captions:
        raise InputError(Problem("no gold captions", "a synthetic benchmark", "check the folder", str(benchmark)))
    records: list[dict[str, Any]] = [
        {
            "id": f"{video_id}-{section}",
            "video": f"{video_id}.mp4",
            "conversations": _exchange(f"{VIDEO_MARK}\n{asked.instruction(section)}", caption),
        }
        for (video_id, section), caption in captions.items()
    ]
    for number, caption in enumerate(list(captions.values())[:text_only]):
        words = " ".join(caption.split()[: 6 + number % 5])
        records.append({"id": f"text-{number}", "conversations": _exchange(f"Repeat: {words}", words)})
    write_atomic(out, json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    return len(records)


def _exchange(question: str, answer: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m baselines.training.synthetic``; exit code 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m baselines.training.synthetic", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("benchmark", help="folder of vdc build synthetic")
    parser.add_argument("--out", required=True, help="JSON file to write")
    parser.add_argument("--section", action="append", help="only these; repeat")
    parser.add_argument("--text-only", type=int, default=0, help="records without a video on top")
    given = parser.parse_args(arguments)
    try:
        sections = [parse_section(name, "--section") for name in given.section] if given.section else list(SECTIONS)
        count = write_train_set(given.benchmark, given.out, sections=sections, text_only=given.text_only)
    except VdcError as error:
        sys.stderr.write(f"synthetic: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{given.out}: {count} records\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
