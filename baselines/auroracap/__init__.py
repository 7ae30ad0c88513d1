"""AuroraCap on today's transformers: a CLIP tower that merges tokens, a projector, a Llama."""

from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor

from baselines.auroracap.config import AuroraCapConfig
from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.auroracap.processor import AuroraCapImageProcessor, AuroraCapProcessor

# Importing this package is what makes the Auto classes know the model; exist_ok lets a notebook reload it.
AutoConfig.register(AuroraCapConfig.model_type, AuroraCapConfig, exist_ok=True)
AutoModelForImageTextToText.register(AuroraCapConfig, AuroraCapForConditionalGeneration, exist_ok=True)
AutoImageProcessor.register(AuroraCapConfig, slow_image_processor_class=AuroraCapImageProcessor, exist_ok=True)
AutoProcessor.register(AuroraCapConfig, AuroraCapProcessor, exist_ok=True)

__all__ = [
    "AuroraCapConfig",
    "AuroraCapForConditionalGeneration",
    "AuroraCapImageProcessor",
    "AuroraCapProcessor",
]
