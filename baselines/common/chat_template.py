"""The Jinja template of a model's conversations, written from its format strings so that both cannot disagree."""

from __future__ import annotations

import json
import re

from baselines.common.prompts import IMAGE_MARK, VIDEO_MARK, PromptFormat

# One turn per message: pictures first, then the text, with marks taken out of text from outside.
_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- set seen = namespace(marks=[], text='') -%}"
    "{%- if message['content'] is string -%}{%- set seen.text = message['content'] -%}"
    "{%- else -%}{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{%- set seen.marks = seen.marks + [@image] -%}"
    "{%- elif part['type'] == 'video' -%}{%- set seen.marks = seen.marks + [@video] -%}"
    "{%- elif part['type'] == 'text' -%}{%- set seen.text = seen.text + part['text'] -%}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{%- set text = seen.text | replace(@image, '') | replace(@video, '') -%}"
    "{%- if message['role'] == 'system' -%}{{- text + @after_system -}}"
    "{%- elif message['role'] == 'user' -%}"
    "{%- if loop.first -%}{{- @system -}}{%- endif -%}"
    "{{- @before + (seen.marks | join(@between) + @after_marks if seen.marks else '') + text + @after -}}"
    "{%- else -%}{{- @before_answer + text + eos_token + @after_answer -}}{%- endif -%}"
    "{%- endfor -%}"
)


def chat_template(style: PromptFormat) -> str:
    """The template for ``apply_chat_template``.

    A conversation without a system message starts with the format's own sentence where the weights were trained with
    it. A prompt to answer ends where the answer starts.

    Args:
        style: The format strings.
    """
    before, _, after = style.user_turn.partition("{text}")
    values = {
        "image": IMAGE_MARK,
        "video": VIDEO_MARK,
        "after_system": style.system_separator,
        "system": style.system + style.system_separator if style.always_system else "",
        "between": style.placeholder_separator,
        "after_marks": style.after_placeholders,
        "before_answer": style.before_answer,
        "after_answer": style.answer_separator,
        "before": before,
        "after": after,
    }
    # a JSON string is also a string of Jinja
    return re.sub(r"@(\w+)", lambda found: json.dumps(values[found[1]]), _TEMPLATE)
