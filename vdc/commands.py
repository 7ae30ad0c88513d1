"""The table of commands and of public Python names; the only place where the ground floor names the floors above.

Nothing here imports anything: a target is resolved when its command is called or its name is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """One line of ``vdc --help``.

    Args:
        name: What the user types.
        target: ``module:attribute``, a function with typed options or a Typer application with subcommands.
        help: One line.
    """

    name: str
    target: str
    help: str


COMMANDS: tuple[Command, ...] = (
    Command("demo", "scoring.cli.demo:demo", "Score the bundled sample offline: two reports and a comparison."),
    Command("score", "scoring.cli.score:score", "Score a file of captions: VDCscore with every verdict kept."),
    Command("score-qa", "scoring.cli.score_qa:score_qa", "Score answers to open-ended questions about videos."),
    Command("compare", "scoring.cli.compare:compare", "Paired comparison of two runs."),
    Command("report", "scoring.cli.report:report", "Make the report of a run again from its verdicts."),
    Command("validate", "vdc.predictions_cli:validate", "List everything wrong with a file of captions."),
    Command("audit", "builders.cli.audit:audit", "Find what is wrong with a benchmark or a published board."),
    Command("build", "builders.cli.build:app", "Make a benchmark, drawn or from videos of your own, or a train set."),
    Command("caption", "baselines.cli.caption:caption", "Caption videos with a model: five sections, resumable."),
    Command("chat", "baselines.cli.chat:chat", "Ask a model about one clip, picture or feature file."),
    Command(
        "features", "baselines.cli.features:features", "Extract the features of a film, for questions about hours."
    ),
    Command("train", "baselines.cli.train:train", "Train a model by a recipe; resumes by itself."),
    Command(
        "reproduce", "baselines.cli.reproduce:reproduce", "Show published numbers beside recomputed and measured ones."
    ),
    Command("bench", "baselines.cli.bench:app", "Measure what things cost."),
    Command("parity", "baselines.cli.parity:parity", "Check a model against the tensors of its published code."),
    Command("submit", "leaderboard.cli_submit:submit", "Submit captions or a run to a board."),
    Command("leaderboard", "leaderboard.cli:app", "Run a board: submissions, scoring, rows, tokens."),
    Command("data", "vdc.data_cli:app", "Look at, fetch or export a benchmark."),
    Command("prompts", "scoring.cli.prompts:app", "List, import and verify judge prompts."),
    Command("store", "vdc.store_cli:app", "Look into or prune the store of judge replies."),
    Command("config", "vdc.config_cli:config", "Show every setting, its value and where it came from."),
)

PUBLIC: dict[str, str] = {
    "load_benchmark": "vdc.benchmark.load:load_benchmark",
    "load_dataset": "vdc.benchmark.load:load_dataset",
    "read_predictions": "vdc.predictions.read:read_predictions",
    "score": "scoring.score:score",
    "score_video_qa": "scoring.video_qa.run:score_video_qa",
    "compare": "scoring.compare:compare_runs",
}
"""Public name of ``vdc`` -> ``module:attribute``."""


def resolve(target: str) -> Any:
    """Import what ``module:attribute`` names.

    Raises:
        ImportError: The module cannot be imported.
        AttributeError: The module has no such attribute.
    """
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
