"""A seeded world of moving shapes: videos, captions and questions whose right answers are known.

Example::

    from builders.synthetic import build_synthetic, parse_requests
    build_synthetic("toy", videos=20, seed=0, predictions=parse_requests(["strong=0.9:0.95"]))
"""

from __future__ import annotations

from builders.synthetic.build import BuiltBenchmark, build_synthetic, render_video
from builders.synthetic.captions import QuestionTruth, WrittenCaptions, write_captions
from builders.synthetic.facts import Fact, SectionPlan, gold_caption, plan_scene, plan_section, scene_facts
from builders.synthetic.predictions import PredictionRequest, parse_requests
from builders.synthetic.render import render
from builders.synthetic.scene import Scene, draw_scene
from builders.synthetic.settings import VideoSettings

__all__ = [
    "BuiltBenchmark",
    "Fact",
    "PredictionRequest",
    "QuestionTruth",
    "Scene",
    "SectionPlan",
    "VideoSettings",
    "WrittenCaptions",
    "build_synthetic",
    "draw_scene",
    "gold_caption",
    "parse_requests",
    "plan_scene",
    "plan_section",
    "render",
    "render_video",
    "scene_facts",
    "write_captions",
]
