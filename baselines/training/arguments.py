"""A recipe as the arguments of transformers' trainer."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from baselines.training.recipe import Recipe
from vdc.errors import InputError, Problem

_SCHEDULERS = {
    "cosine": "cosine",
    "cosine-late": "cosine",  # made by the trainer here
    "linear": "linear",
    "constant": "constant_with_warmup",
}


def training_arguments(recipe: Recipe, out: Path, *, cpu: bool) -> Any:
    """Arguments for the trainer.

    Args:
        recipe: What to do.
        out: Run folder.
        cpu: Whether to stay on the CPU though there may be a GPU.

    Raises:
        InputError: DeepSpeed or FSDP is asked for and cannot run here.
    """
    import torch
    from transformers import TrainingArguments

    on_gpu = torch.cuda.is_available() and not cpu
    check_sharding(recipe, on_gpu=on_gpu)
    options: dict[str, Any] = {}
    if recipe.sharding.startswith("zero"):
        options["deepspeed"] = deepspeed_config(recipe)
    elif recipe.sharding == "fsdp":
        options |= {"fsdp": "full_shard auto_wrap", "fsdp_config": {"use_orig_params": True}}
    if on_gpu:
        options["tf32"] = True
    else:
        options |= {"use_cpu": True, "dataloader_pin_memory": False}
        if "LOCAL_RANK" in os.environ:  # torchrun's mark; the backend alone would be taken for it
            options["ddp_backend"] = "gloo"
    if "LOCAL_RANK" in os.environ:
        # Every trained parameter gets a gradient in every pass, of text alone too; looking for others takes time.
        options["ddp_find_unused_parameters"] = False
    if recipe.checkpoint_activations:
        options["activation_checkpointing_kwargs"] = {"use_reentrant": False}
    return TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        lr_scheduler_type=_SCHEDULERS[recipe.scheduler],
        warmup_steps=recipe.warmup_ratio,
        weight_decay=recipe.weight_decay,
        adam_beta1=recipe.adam_betas[0],
        adam_beta2=recipe.adam_betas[1],
        adam_epsilon=recipe.adam_eps,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch",
        bf16=recipe.dtype == "bfloat16",
        fp16=recipe.dtype == "float16",
        activation_checkpointing=recipe.checkpoint_activations,
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is no number ends the run instead
        save_strategy="steps",
        save_steps=recipe.save_every,
        save_total_limit=None,  # old ones go when the new one is whole, which the trainer cannot know
        seed=recipe.seed,
        data_seed=recipe.seed,
        dataloader_num_workers=recipe.data.workers,
        remove_unused_columns=False,
        label_names=["labels"],
        disable_tqdm=True,
        report_to="none",
        **options,
    )


def check_sharding(recipe: Recipe, *, on_gpu: bool) -> None:
    """Whether the states can be shared out as the recipe says.

    Raises:
        InputError: They cannot on this machine.
    """
    if recipe.sharding == "none":
        return
    advice = "use --set sharding=none for one process or plain data parallel"
    if not on_gpu:
        raise InputError(Problem(f"sharding {recipe.sharding} without a GPU", "a GPU for it", advice))
    if recipe.sharding.startswith("zero") and importlib.util.find_spec("deepspeed") is None:
        problem = Problem(
            f"sharding {recipe.sharding} and no DeepSpeed", "the package deepspeed", f"install it, or {advice}"
        )
        raise InputError(problem)


def deepspeed_config(recipe: Recipe) -> dict[str, Any]:
    """DeepSpeed's settings; what the trainer knows is left to it."""
    level = 3 if recipe.sharding == "zero3" else 2
    zero: dict[str, Any] = {"stage": level, "overlap_comm": True, "contiguous_gradients": True}
    if recipe.sharding.endswith("offload"):
        zero |= {"offload_optimizer": {"device": "cpu", "pin_memory": True}}
    if level == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    return {
        "bf16": {"enabled": "auto"},
        "fp16": {"enabled": "auto"},
        "train_micro_batch_size_per_gpu": "auto",
        "train_batch_size": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": recipe.max_grad_norm,
        "zero_optimization": zero,
    }
