"""What a training script says, as data: one recipe per published script, with its numbers and where they come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

ModelName = Literal["llavolta", "llama_vid", "auroracap"]
Size = Literal["toy", "7b", "13b"]
Dtype = Literal["float32", "bfloat16", "float16"]
Sharding = Literal["none", "zero2", "zero2-offload", "zero3", "fsdp"]
Scheduler = Literal["cosine", "linear", "constant", "cosine-late"]
Template = Literal["plain", "v1", "plain_guided", "imgsp_v1", "turns"]

Text = Annotated[str, Field(min_length=1)]
Above0 = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
ExactShare = Annotated[str, BeforeValidator(lambda given: str(given)), Field(pattern=r"^[1-9][0-9]*(/[1-9][0-9]*)?$")]

TEMPLATES: dict[ModelName, tuple[Template, ...]] = {
    "llavolta": ("plain", "v1"),
    "llama_vid": ("plain_guided", "imgsp_v1"),
    "auroracap": ("turns",),
}
"""How conversations become text, per model."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Mixture(_Part):
    """One published data file.

    Args:
        name: As its authors call it.
        samples: Records in it; None where that is not published.
    """

    name: Text
    samples: Count | None = None


class DataSettings(_Part):
    """What is read and how.

    Args:
        mixture: The published data; a run reads whatever file it is given.
        template: How a conversation becomes text.
        max_length: Longest row. LLaVolta counts pictures, the others text ids before pictures are put in.
        grouping: Order of samples; see :class:`baselines.training.sampler.TrainSampler`.
        image_aspect_ratio: ``pad`` puts a picture on a square, ``square`` crops its centre.
        frames: Frames of a video, for models that see each as a picture.
        fps: Frames a second of a video, for LLaMA-VID.
        max_frames: Most frames of one video at ``fps``; None as published: no limit.
        workers: Processes that prepare data.
        unusable: ``refuse`` to start where a record is broken or its file missing, or ``skip`` such ones and list them.
    """

    mixture: tuple[Mixture, ...] = ()
    template: Template
    max_length: Annotated[int, Field(ge=16)]
    grouping: Literal["random", "modality", "modality_filled"] = "random"
    image_aspect_ratio: Literal["pad", "square"] = "pad"
    frames: Count = 8
    fps: Above0 = 1.0
    max_frames: Count | None = None
    workers: Annotated[int, Field(ge=0)] = 4
    unusable: Literal["refuse", "skip"] = "refuse"


class LoraSettings(_Part):
    """Low-rank adapters on every linear layer of the language model, in place of training it whole.

    Args:
        rank, alpha, dropout: As in PEFT.
    """

    rank: Count = 64
    alpha: Count = 16
    dropout: Share = 0.05


class StageSettings(_Part):
    """One stage of compression.

    Args:
        layer: Decoder layer, from 0; None stands for no compression.
        stride: Neighbours per pooled token.
        share: Its part of all steps, written exactly, for example ``1/4``.
    """

    layer: Annotated[int, Field(ge=-1)] | None
    stride: Count = 1
    share: ExactShare


class LlavoltaSettings(_Part):
    """Compression over the training.

    Args:
        scheme: One of ``baselines/llavolta/schemes.json``; or None, with ``stages``.
        phase: ``pretrain`` takes the scheme's setting for projector training, ``tune`` its stages.
        stages: Stages of one's own.
        schedule: ``steps`` changes stages by optimiser step; ``published-counter`` counts forward passes as the
            published code does.
    """

    scheme: str | None = None
    phase: Literal["pretrain", "tune"] = "tune"
    stages: tuple[StageSettings, ...] = ()
    schedule: Literal["steps", "published-counter"] = "steps"

    @model_validator(mode="after")
    def _one_of_both(self) -> LlavoltaSettings:
        if (self.scheme is None) == (not self.stages):
            raise ValueError("either scheme (a name) or stages (a list), not both and not neither")
        if self.schedule == "published-counter" and self.stages:
            raise ValueError("a scheme for the published counter, which has pivots; stages have shares")
        return self


class LlamaVidSettings(_Part):
    """What the script says about the frame's tokens and the query transformer.

    Args:
        compress_type: ``none``, ``mean`` or ``grid:n``.
        bert_type: Published name; says what the script freezes.
        image_size: Side of a picture, pixels.
        positions: Context length; above the model's own its positions are stretched.
    """

    compress_type: str
    bert_type: str
    image_size: Count = 224
    positions: Count | None = None


class AuroraCapSettings(_Part):
    """Token merging while training.

    Args:
        token_kept_ratio: Share of visual tokens kept; 1 merges none.
    """

    token_kept_ratio: Share


class Needs(_Part):
    """What a run takes.

    Args:
        hardware: As published.
        memory: Per GPU as published, or that it is not.
        starts_from: Checkpoints to begin with.
    """

    hardware: Text
    memory: Text
    starts_from: Text


class Recipe(_Part):
    """One training script.

    Args:
        model, size: What is trained.
        about: One line.
        source: Where the numbers come from.
        differences: Where script and paper disagree, what the script leaves open, and what this trainer does instead.
        needs: What it takes.
        data: What is read.
        trainable: Parts that learn; see :mod:`baselines.training.families`.
        lora: Adapters in place of the whole language model.
        learning_rate: Highest.
        learning_rates: Parts with a rate of their own.
        batch_size: Rows of one process in one pass.
        accumulation: Passes per optimiser step.
        processes: GPUs of the published run; None where not published.
        epochs: Times that the data is seen.
        max_steps: Optimiser steps, in place of ``epochs``.
        published_steps: Steps of the published run, where known.
        scheduler: ``cosine-late`` is a cosine whose period is the whole run but which starts after the warm-up.
        warmup_ratio: Part of the steps in which the rate rises.
        warmup_start: Share of the rate it rises from.
        weight_decay, adam_betas, adam_eps, max_grad_norm: Of AdamW; a norm of 0 clips nothing.
        dtype: Arithmetic; weights stay in single precision unless DeepSpeed holds them.
        checkpoint_activations: Trade time for memory.
        sharding: How states are shared out over processes.
        loss_mean: ``batch`` averages each pass by its own tokens and passes equally, as the published code does;
            ``tokens`` weighs all tokens of a step alike.
        saves: ``model``, or ``adapter``: only what was trained.
        save_every: Steps between checkpoints.
        keep: Checkpoints kept.
        seed: Of order, dropout and new weights.
        llavolta, llama_vid, auroracap: The model's own settings.
    """

    model: ModelName
    size: Size
    about: Text
    source: Text
    differences: tuple[str, ...] = ()
    needs: Needs
    data: DataSettings
    trainable: Annotated[tuple[str, ...], Field(min_length=1)]
    lora: LoraSettings | None = None
    learning_rate: Above0
    learning_rates: dict[str, Above0] = Field(default_factory=dict)
    batch_size: Count
    accumulation: Count = 1
    processes: Count | None = None
    epochs: Above0 = 1.0
    max_steps: Count | None = None
    published_steps: Count | None = None
    scheduler: Scheduler = "cosine"
    warmup_ratio: Share = 0.03
    warmup_start: Share = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    adam_betas: tuple[Share, Share] = (0.9, 0.999)
    adam_eps: Above0 = 1e-8
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    dtype: Dtype = "bfloat16"
    checkpoint_activations: bool = True
    sharding: Sharding = "none"
    loss_mean: Literal["batch", "tokens"] = "batch"
    saves: Literal["model", "adapter"] = "model"
    save_every: Count = 1000
    keep: Count = 1
    seed: Annotated[int, Field(ge=0)] = 42
    llavolta: LlavoltaSettings | None = None
    llama_vid: LlamaVidSettings | None = None
    auroracap: AuroraCapSettings | None = None

    @model_validator(mode="after")
    def _fits_its_model(self) -> Recipe:
        for name in TEMPLATES:
            if (getattr(self, name) is not None) != (name == self.model):
                raise ValueError(f"settings under the key {self.model}, and none of other models")
        if self.data.template not in TEMPLATES[self.model]:
            raise ValueError(f"data.template one of {', '.join(TEMPLATES[self.model])} for {self.model}")
        if self.lora is not None and self.saves == "adapter":
            raise ValueError("saves: model with lora, which writes its adapter beside the merged model")
        return self

    @property
    def whole_batch(self) -> int | None:
        """Rows of one optimiser step of the published run; None where its processes are not published."""
        return None if self.processes is None else self.batch_size * self.accumulation * self.processes
