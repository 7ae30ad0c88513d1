"""What the numbers of the board mean, and what the board keeps."""

from __future__ import annotations

import platform
from importlib import metadata

import pandas as pd
import streamlit as st

from leaderboard.api.app import API_PATH
from leaderboard.board_table import CELL_NAMES
from leaderboard.settings import judge_in_use
from leaderboard.site.access import board
from leaderboard.site.words import SECTION_MEANINGS
from leaderboard.worked_example import example_table, replies_table
from vdc._version import __version__

site = board()
settings = site.services.settings
st.title("About")

st.subheader("VDCscore")
st.markdown(
    "A captioner describes a video, in five sections. A language model then reads only the caption and answers short "
    "questions about the video; a judge compares each answer with the gold answer and says whether they match, and "
    "how well, from 0 to 5. **Accuracy** is the share of matches, **score** the mean of the points: first over the "
    "questions of a video, then over the videos of a section, then over the five sections."
)
st.dataframe(
    pd.DataFrame(
        [(CELL_NAMES[section], text) for section, text in SECTION_MEANINGS.items()],
        columns=["Section", "What its caption describes"],
    ),
    hide_index=True,
    key="sections",
)

st.subheader("Protocols")
st.markdown(
    "A protocol is the rule that turns the judge's verdicts into a number. The published scorers use different ones, "
    "and two of them leave captions out without saying so. The board computes all of them from the same verdicts and "
    "ranks by `strict`. An example: three videos with two questions each, and what the judge said."
)
st.dataframe(replies_table(), hide_index=True, key="example-replies")
st.markdown("The same six verdicts under every protocol, computed by this board just now:")
st.dataframe(example_table(), hide_index=True, key="example-results")
st.caption("– means that the protocol does not count the video. B has no match, C has one reply that is no verdict.")

st.subheader("Intervals and ranks")
st.markdown(
    "Intervals are 95 % intervals: whole videos are drawn again 2,000 times, because questions about one video are "
    "not independent. Published rows come without intervals. Rows share a rank only within a group: the same judge, "
    "prompts, benchmark and protocol, or the same source. The rank range says which ranks the intervals allow; rows "
    "with equal values are tied."
)

st.subheader("Verified and reported")
st.markdown(
    f"- **✓ verified**: the board judged the captions itself; or it judged "
    f"{settings.verification.questions:,} questions of a submitted run again, drawn at random, by the same judge and "
    f"prompts, {100 * settings.verification.agreement:g} % of the verdicts agreed, and neither matches nor scores "
    "leaned towards the run.\n"
    "- **○ reported**: a submitted run that could not be verified, which then says why; or a number that was "
    "published elsewhere, with its source.\n"
)

st.subheader("The judge")
st.markdown(
    "The judge decides what a number means: two judges, or two prompts, give two scales. Each row names its own. The "
    "**lexical** judge compares words and asks no model; it is for trying things out, and its numbers are not "
    "comparable with those of a language model. This board's own judge:"
)
st.text(judge_in_use(settings))

st.subheader("What the board keeps")
st.markdown(
    "- Of a submission: its files, what was said about it, its verdicts and numbers. Public submissions show their "
    "captions and verdicts to everybody, private ones to their token only.\n"
    "- Of people: the name that a token was made with, or the name that a login provider gives; no address, no "
    "password. Tokens are kept as hashes.\n"
    "- Of a vote: the choice, the pair, the time and a hash of the voter.\n"
    "- Withdrawing a submission deletes its files, numbers and votes for good; only the fact remains that there was "
    "one. Backups that were made before still hold it until they are deleted.\n"
    "- These pages load nothing from elsewhere and count nobody. One cookie protects uploads from forgery; a login "
    "sets another."
)

st.subheader("For programs")
st.markdown(
    f"The same rows as JSON and CSV, and everything that can be done here, are in the [API]({API_PATH}/docs) under "
    f"`{API_PATH}`: `GET {API_PATH}/board`, `GET {API_PATH}/audit`, `POST {API_PATH}/submissions`. From a terminal: "
    "`vdc submit predictions.jsonl --url ADDRESS --wait`."
)
st.caption(
    f"vdc-toolkit {__version__}, Streamlit {metadata.version('streamlit')}, Python {platform.python_version()}. "
    "Apache License 2.0."
)
