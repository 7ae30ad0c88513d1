"""All checks of AuroraCap over one golden folder."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers.utils import logging

from baselines.parity.auroracap.checkpoints import check_checkpoint, checkpoint_folders
from baselines.parity.auroracap.context import Context
from baselines.parity.auroracap.full import check_inference, check_missing_frames, check_slow_fast, check_training
from baselines.parity.auroracap.merging import check_merging
from baselines.parity.auroracap.text import check_frames, check_preprocessing, check_text
from baselines.parity.auroracap.vision import (
    check_hidden_states,
    check_projector,
    check_size_bias,
    check_vision,
)
from baselines.parity.checker import Checker
from baselines.parity.context import by_name, first_fit
from baselines.parity.golden import GoldenFolder
from baselines.parity.report import ParityReport

CHECKS = by_name(
    (r"tome.*\.safetensors", check_merging),
    (r"vision_hidden.*\.safetensors", check_hidden_states),
    (r"vision.*\.safetensors", check_vision),
    (r"projector.*\.safetensors", check_projector),
    (r"full_inference.*\.safetensors", check_inference),
    (r"full_training.*\.safetensors", check_training),
    (r"full_slowfast.*\.safetensors", check_slow_fast),
    (r"full_missing_frames.*\.safetensors", check_missing_frames),
    (r"preprocess.*\.safetensors", check_preprocessing),
    (r"text.*\.json", check_text),
    (r"frames.*\.json", check_frames),
)
"""File name -> check, the first that fits; files of the checkpoints are checked as folders."""


def check(folder: Path) -> ParityReport:
    """Every check the folder allows.

    Raises:
        InputError: No manifest.
    """
    golden = GoldenFolder(folder)
    threads = torch.get_num_threads()
    # Golden models are tiny: more threads only wait for each other, and one thread adds up in one order.
    torch.set_num_threads(1)
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # several loadings of milliseconds each
    try:
        return _check(golden, Checker(golden))
    finally:
        torch.set_num_threads(threads)
        if bars:
            logging.enable_progress_bar()


def _check(golden: GoldenFolder, checker: Checker) -> ParityReport:
    context = Context(golden, checker)
    for file in golden.files:
        with checker.guarded(file, "file"):
            checker.integrity(file)
    with checker.guarded(golden.manifest_name, "checkpoints"):
        for name, layout in checkpoint_folders(context).items():
            with checker.guarded(name, "checkpoint"):
                check_checkpoint(context, name, layout)
    for file in golden.files:
        found = first_fit(CHECKS, file)
        if found is not None:
            with checker.guarded(file, "check"):
                found(context, file)
    features = next((file for file in golden.files if file == "vision.safetensors"), None)
    if features is not None:
        with checker.guarded(golden.manifest_name, "sensitivity"):
            check_size_bias(context, features)
    return checker.report("auroracap")
