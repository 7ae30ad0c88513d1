"""The conversation template against prompts written by the format strings themselves."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from transformers.utils.chat_template_utils import render_jinja_template

from baselines.common.chat_template import chat_template
from baselines.common.prompts import PromptFormat

STYLE = PromptFormat(
    placeholder="<image>",
    placeholder_separator="|",
    after_placeholders="\n",
    user_turn='Q "{text}" é A:',
    answer_separator="\\end\n",
    before_answer="_",
    system="It's a system.",
    system_separator="~",
    always_system=True,
)


def rendered(style: PromptFormat, *messages: dict[str, Any]) -> str:
    texts, _ = render_jinja_template(
        conversations=[list(messages)], chat_template=chat_template(style), eos_token="</s>"
    )
    return str(texts[0])


@pytest.mark.parametrize("always", [True, False], ids=["with system", "without"])
@pytest.mark.parametrize("pictures", [0, 1, 3])
def test_one_question_is_the_prompt_of_the_format(pictures: int, always: bool) -> None:
    style = PromptFormat(**{**{name: getattr(STYLE, name) for name in STYLE.__slots__}, "always_system": always})
    content = [{"type": "text", "text": "why?"}, *[{"type": "image"}] * pictures]
    assert rendered(style, {"role": "user", "content": content}) == style.prompt("why?", pictures)


def test_answers_systems_and_videos_stand_where_the_format_says() -> None:
    made = rendered(
        STYLE,
        {"role": "system", "content": "Short."},
        {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "a<video><image>"}]},
        {"role": "assistant", "content": "b"},
    )
    assert made == 'Short.~Q "<video>\na" é A:_b</s>\\end\n'
