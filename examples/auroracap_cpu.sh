#!/usr/bin/env bash
# From weights to a row on a board, on a CPU, in about a minute: a toy AuroraCap with random weights takes the road that
# the released one takes. Its captions are random letters, so its score says nothing; every command is the real one.
#
#   examples/auroracap_cpu.sh [FOLDER]
#
# With a GPU and the released weights the middle part is one command, by Hub name (it converts them once):
#
#   vdc caption --model wchai/AuroraCap-7B-VID-xtuner --benchmark vdc --videos VIDEOS --out predictions.jsonl
set -euo pipefail

source "$(dirname "$0")/toy.sh"
work_folder "${1:-}" auroracap_cpu

echo "1. a toy model in the layout of the release, and six synthetic videos with questions"
toy_release "from baselines.auroracap.toy import write_toy_release; write_toy_release(target, seed=0)"
toy_world

echo "2. convert the released layout to the one that transformers loads"
python -m baselines.auroracap.convert "$work/released" "$work/model" --overwrite

echo "3. caption; stop it at any time, the same command goes on"
vdc caption --model "$work/model" --benchmark "$work/world" --frames 8 --token-kept-ratio 0.2 --max-new-tokens 64 \
  --device cpu --out "$work/predictions.jsonl"

echo "4. validate, score with the offline judge, and the report"
toy_report

echo "5. submit the run to a board of its own, with API, queue and one worker on this machine"
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export VDC_HOME="$work/board" VDC_LEADERBOARD_BENCHMARKS="$work/world" VDC_LEADERBOARD_JUDGE=lexical
rm -rf "$VDC_HOME"
vdc leaderboard init --empty
VDC_LEADERBOARD_TOKEN=$(vdc leaderboard token create example | grep -oE 'vdc_[A-Za-z0-9_-]+' | head -n 1)
export VDC_LEADERBOARD_TOKEN
vdc leaderboard serve --port "$port" >"$work/board.log" 2>&1 &
board=$!
trap 'kill $board 2>/dev/null || true; wait $board 2>/dev/null || true' EXIT
for _ in $(seq 60); do
  python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/readyz', timeout=2)" 2>/dev/null && break
  sleep 0.5
done
vdc submit "$work/predictions.jsonl" --url "http://127.0.0.1:$port" --model "Toy AuroraCap" --frames 8 --wait
