"""LLaMA-VID on today's transformers: an EVA tower, a text-guided query transformer, two tokens per frame, a Llama."""

from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

from baselines.llama_vid.config import LlamaVidConfig
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.processor import LlamaVidImageProcessor, LlamaVidProcessor
from baselines.llama_vid.tokenizer import LlamaVidTokenizer

# Importing this package is what makes the Auto classes know the model; exist_ok lets a notebook reload it.
AutoConfig.register(LlamaVidConfig.model_type, LlamaVidConfig, exist_ok=True)
AutoModelForImageTextToText.register(LlamaVidConfig, LlamaVidForConditionalGeneration, exist_ok=True)
AutoImageProcessor.register(LlamaVidConfig, slow_image_processor_class=LlamaVidImageProcessor, exist_ok=True)
AutoProcessor.register(LlamaVidConfig, LlamaVidProcessor, exist_ok=True)
AutoTokenizer.register(LlamaVidConfig, tokenizer_class=LlamaVidTokenizer, exist_ok=True)

__all__ = [
    "LlamaVidConfig",
    "LlamaVidForConditionalGeneration",
    "LlamaVidImageProcessor",
    "LlamaVidProcessor",
    "LlamaVidTokenizer",
]
