#!/usr/bin/env bash
# From weights to a report and a conversation, on a CPU, in about a minute: a toy LLaMA-VID with random weights takes the
# road that the released one takes. Its captions are random letters, so its score says nothing; every command is the real
# one.
#
#   examples/llama_vid_cpu.sh [FOLDER]
#
# With a GPU and the released weights the middle part is one command, by Hub name (it converts them once, and fetches the
# vocabulary of the questions, which no release holds):
#
#   vdc caption --model YanweiLi/llama-vid-7b-full-224-video-fps-1 --benchmark vdc --videos VIDEOS --out predictions.jsonl
set -euo pipefail

source "$(dirname "$0")/toy.sh"
work_folder "${1:-}" llama_vid_cpu

echo "1. a toy model in the layout of the release, and six synthetic videos with questions"
toy_release "from baselines.llama_vid.toy import write_toy; write_toy(target, seed=0, layout='official')"
# the question tokenizer is no part of a release; its vocabulary is a file of its own
python - "$work" <<'PY'
import shutil, sys
from pathlib import Path
from baselines.llama_vid.toy import TOY_WORDS

work = Path(sys.argv[1])
shutil.rmtree(work / "released" / "question_tokenizer")
(work / "vocab.txt").write_text("\n".join(TOY_WORDS) + "\n")
PY
toy_world

echo "2. convert the released layout to the one that transformers loads"
python -m baselines.llama_vid.convert "$work/released" "$work/model" --bert-vocabulary "$work/vocab.txt" --overwrite

echo "3. caption at two frames a second, two visual tokens each; stop it at any time, the same command goes on"
vdc caption --model "$work/model" --benchmark "$work/world" --fps 2 --batch-size 3 --max-new-tokens 64 --device cpu \
  --out "$work/predictions.jsonl"

echo "4. validate, score with the offline judge, and the report"
toy_report

echo "5. two questions about one of the videos; the tower runs for the first one alone"
video=$(find "$work/world" -name '*.mp4' | sort | head -n 1)
printf 'What moves?\nWhich colour has it?\n' |
  vdc chat "$video" --model "$work/model" --fps 2 --max-new-tokens 40 --device cpu
