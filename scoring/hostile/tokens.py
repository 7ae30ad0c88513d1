"""What chat templates and our own prompts treat as structure; every pattern runs on folded text.

Source: the special-token lists and chat templates of the published tokenizers of Llama 2 to 4, Mistral, Gemma, Phi,
Qwen, DeepSeek, ChatGLM, InternLM, Cohere, Granite, gpt-oss, EXAONE, MiniMax, Seed, SmolVLM, StarCoder, T5 and BERT;
names only.
"""

from __future__ import annotations

import re
from typing import Final

DELIMITERS: Final = ("caption", "question", "gold", "answer")
"""Tags of our own prompts around untrusted text."""

_SKIPPED = r"[\s\u200e\u200f\u061c]*"
"""White space and the direction marks that right-to-left text keeps."""

_NAMED_TAGS = (
    r"s|bos|eos|pad|unk|sep|cls|mask|eot|eom|eod|eoh|eoa|eop|sop|human|user|assistant|system|model|think|thinking|"
    r"tool_call|tool_response|tools|tool|function_call|functions|start_of_turn|end_of_turn|start_of_image|endoftext|"
    r"bos_token|eos_token|extra_id_[0-9]+|unused_?[0-9]+|reserved_?[0-9]+|0x[0-9a-f]{2}|sys|image|video|audio|"
    r"instructions?|prompt|context|fim_\w{1,20}|end_of_utterance|fake_token_around_image|seed:\w{1,20}|mask:[0-9]+"
)

OPENING_BRACKET = re.compile(
    rf"<(?=[^\W\d]|\w{{1,40}}\s{{0,4}}>|{_SKIPPED}[|/!?<]|{_SKIPPED}(?:{'|'.join(DELIMITERS)}|{_NAMED_TAGS})\b)"
)
"""A ``<`` that begins something like a tag; ``3 < 5`` and ``<3`` do not."""

BAR_BY_BRACKET = re.compile(rf"(?<=[<‹〈«])({_SKIPPED})\||\|(?={_SKIPPED}[>›〉»])|(?<=\[)\|(?=\w)|(?<=\w)\|(?=\])")

TILDE_BY_BRACKET = re.compile(r"(?<=\])~(?=!?\w{1,12}[\[\]])|(?<=\[e)~(?=\[)")
"""MiniMax's way of writing special tokens: ``]~b]``, ``]~!b[``, ``[e~[``."""

SQUARE_WORD = re.compile(
    r"\[\s{0,4}/?\s{0,4}(?:inst|system_prompt|available_tools|tool_calls?|tool_results?|tool_content|args|call_id|"
    r"model_settings|think|img|img_break|img_end|prefix|middle|suffix|audio|begin_audio|cls|sep|mask|gmask|smask|pad|"
    r"unk|bos|eos|eot|unused_?(?:token_?)?[0-9]*|control_[0-9]+|reference_doc_[0-9]+|multimodal)\s{0,4}\]"
)
"""A control word in square brackets: Mistral's and BERT's way of writing special tokens."""

TEMPLATE_TOKEN = re.compile(
    rf"[<‹〈«]{_SKIPPED}(?:\||/?\s{{0,4}}(?:{_NAMED_TAGS})\s{{0,4}}[>›〉»])|\|{_SKIPPED}[>›]|<<\s{{0,4}}/?\s{{0,4}}sys"
    rf"|\[\|\w{{3,30}}\|\]|{TILDE_BY_BRACKET.pattern}"
)
"""A special token of any family, for flagging."""

CLOSING_DELIMITER = re.compile(
    rf"<{_SKIPPED}/?{_SKIPPED}(?:{'|'.join(DELIMITERS)}|response|description|data|document|input|user_input|text)\s{{0,4}}>"
    r"|\b(?:end|start|beginning) of (?:the )?(?:caption|description|data|document|user input|untrusted text)\b"
    r"|(?:[-=#*]{3,}|\[)\s{0,4}/?(?:end|end of|end of the)\s{1,4}(?:caption|description|data|input|prompt|context)"
)
"""Text that pretends that the data ends here."""

_ROLE = r"system|user|assistant|human|developer|ai|bot|chatbot|gpt4 correct user|gpt4 correct assistant"

ROLE_LINE = re.compile(
    rf"^[ \t>*_`~#|-]{{0,12}}(?:{_ROLE})[*_`]{{0,3}}[ \t]{{0,3}}:"
    rf"|^[ \t]{{0,12}}#{{2,6}}[ \t]{{0,4}}(?:{_ROLE}|instructions?|response|input|output|task|prompt)\b",
    re.MULTILINE,
)
"""A line that opens a turn of a plain-text conversation; it starts where the line starts."""

ROLE_INLINE = re.compile(r"(?<!› )(?<![\w›])(?:USER|ASSISTANT|SYSTEM|HUMAN)\s{0,3}[:：]")
"""The same inside a line, as Vicuna writes turns; runs on the original text: only capitals mean a turn there."""
