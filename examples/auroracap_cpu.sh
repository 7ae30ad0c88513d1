#!/usr/bin/env bash
# From weights to a scored report on a CPU, in under a minute: a toy AuroraCap with random weights takes the road that
# the released one takes. Its captions are random letters, so its score says nothing; every command is the real one.
#
#   examples/auroracap_cpu.sh [FOLDER]
#
# With a GPU and the released weights the middle part is one command, by Hub name (it converts them once):
#
#   vdc caption --model wchai/AuroraCap-7B-VID-xtuner --benchmark vdc --videos VIDEOS --out predictions.jsonl
set -euo pipefail

work=${1:-auroracap_cpu}
mkdir -p "$work"

echo "1. a toy model in the layout of the release, and six synthetic videos with questions"
python - "$work/released" <<'PY'
import json, shutil, sys
from baselines.auroracap.toy import write_toy_release
from baselines.common.byte_tokenizer import EOS, FIRST_BYTE

shutil.rmtree(sys.argv[1], ignore_errors=True)
folder = write_toy_release(sys.argv[1], seed=0)
# printable letters only: random bytes would not be text
spoken = {EOS, *(FIRST_BYTE + byte for byte in range(32, 127))}
settings = {"suppress_tokens": [token for token in range(320) if token not in spoken], "eos_token_id": EOS}
(folder / "generation_config.json").write_text(json.dumps(settings))
PY
vdc build synthetic --videos 6 --seed 0 --seconds 2 --size 96 --out "$work/world" --overwrite

echo "2. convert the released layout to the one that transformers loads"
python -m baselines.auroracap.convert "$work/released" "$work/model" --overwrite

echo "3. caption; stop it at any time, the same command goes on"
vdc caption --model "$work/model" --benchmark "$work/world" --frames 8 --token-kept-ratio 0.2 --max-new-tokens 64 \
  --device cpu --out "$work/predictions.jsonl"
vdc validate "$work/predictions.jsonl" --benchmark "$work/world"

echo "4. score with the offline judge"
rm -rf "$work/run"
vdc score "$work/predictions.jsonl" --benchmark "$work/world" --judge lexical --out "$work/run"

echo "5. the report"
cat "$work/run/report.md"

# 6. submit, once a leaderboard runs:  vdc submit "$work/run" --url URL
