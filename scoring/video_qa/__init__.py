"""Open-ended video QA by an LLM judge: accuracy and mean score, and the five Video-ChatGPT dimensions.

One call per answer, over the same judge servers, reply store and parser as VDCscore. Three rules stand side by side:
``strict``, ``observed`` and ``published``, the arithmetic of the scripts that published numbers come from.
"""
