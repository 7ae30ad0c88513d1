"""LLaVolta on today's transformers: LLaVA-1.5 whose decoder compresses visual tokens between its layers."""

from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor

from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.model import LlavoltaForConditionalGeneration
from baselines.llavolta.processor import LlavoltaImageProcessor, LlavoltaProcessor
from baselines.llavolta.setting import NO_COMPRESSION, Compression

# Importing this package is what makes the Auto classes know the model; exist_ok lets a notebook reload it.
AutoConfig.register(LlavoltaConfig.model_type, LlavoltaConfig, exist_ok=True)
AutoModelForImageTextToText.register(LlavoltaConfig, LlavoltaForConditionalGeneration, exist_ok=True)
AutoImageProcessor.register(LlavoltaConfig, slow_image_processor_class=LlavoltaImageProcessor, exist_ok=True)
AutoProcessor.register(LlavoltaConfig, LlavoltaProcessor, exist_ok=True)

__all__ = [
    "NO_COMPRESSION",
    "Compression",
    "LlavoltaConfig",
    "LlavoltaForConditionalGeneration",
    "LlavoltaImageProcessor",
    "LlavoltaProcessor",
]
