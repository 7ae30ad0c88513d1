#!/usr/bin/env bash
# Training through the four stages of LLaVolta on a CPU, in a few minutes: a toy with random weights learns the captions
# of synthetic videos, is killed in the middle of a stage, goes on with the same loss curve, captions videos it has not
# seen, and is scored. It has 0.1 million parameters and writes letter by letter, so its score says nothing; every
# command is the real one.
#
#   examples/llavolta_cpu.sh [FOLDER]
#
# With GPUs, the released weights and the published data, tuning is one command:
#
#   torchrun --nproc_per_node 8 -m vdc train llavolta/4stage-tune --model MODEL --adapter STAGE1 --data mix665k.json \
#     --media IMAGES --out RUN
set -euo pipefail

python -c "import baselines.training" 2>/dev/null && command -v vdc >/dev/null || {
  echo "found no vdc-toolkit with the baselines and builders extras on the path; do next: activate its environment" >&2
  exit 2
}
mkdir -p "${1:-llavolta_cpu}"
work=$(cd "${1:-llavolta_cpu}" && pwd)
export OMP_NUM_THREADS=1 # toy tensors are faster on one thread
rm -rf "$work"/{model,whole,killed,score} "$work/predictions.jsonl"*

echo "1. synthetic videos: some to learn from, others to be scored on"
vdc build synthetic --videos 12 --seed 1 --seconds 2 --size 64 --fps 8 --out "$work/learn" --overwrite
vdc build synthetic --videos 3 --seed 2 --seconds 2 --size 64 --fps 8 --out "$work/test" --overwrite
python -m baselines.training.synthetic "$work/learn" --section short --text-only 8 --out "$work/train.json"

echo "2. a toy LLaVolta: four decoder layers, 16 visual tokens a picture, random weights"
python - "$work/model" <<'PY'
import json, sys, tempfile
from baselines.common.byte_tokenizer import EOS, FIRST_BYTE
from baselines.llavolta.convert import convert
from baselines.llavolta.toy import write_toy_release

with tempfile.TemporaryDirectory() as released:
    folder = convert(write_toy_release(released, seed=0), sys.argv[1])
# printable letters only: random bytes would not be text
spoken = {EOS, *(FIRST_BYTE + byte for byte in range(32, 127))}
settings = {"suppress_tokens": [token for token in range(320) if token not in spoken], "eos_token_id": EOS}
(folder / "generation_config.json").write_text(json.dumps(settings))
PY

given=(--model "$work/model" --data "$work/train.json" --media "$work/learn/videos" --device cpu)
echo "3. what will be trained"
vdc train llavolta/toy-4stage "${given[@]}" --dry-run

echo "4. train through the four stages without a stop"
vdc train llavolta/toy-4stage "${given[@]}" --out "$work/whole"

echo "5. the same again, killed in the middle of the second stage"
vdc train llavolta/toy-4stage "${given[@]}" --out "$work/killed" &
run=$!
trap 'kill -9 $run 2>/dev/null || true' EXIT
while [ "$(cat "$work/killed/curve.jsonl" 2>/dev/null | wc -l)" -lt 45 ]; do
  kill -0 "$run" # ends the script if training failed by itself
  sleep 0.05
done
kill -9 "$run" && wait "$run" 2>/dev/null || true
trap - EXIT
echo "killed after step $(wc -l <"$work/killed/curve.jsonl"), whole checkpoints: $(cd "$work/killed" && ls -d checkpoint-*/whole.json | tr '\n' ' ')"

echo "6. the same command goes on"
vdc train llavolta/toy-4stage "${given[@]}" --out "$work/killed"
cmp "$work/whole/curve.jsonl" "$work/killed/curve.jsonl"
cmp "$work/whole/model/model.safetensors" "$work/killed/model/model.safetensors"
echo "loss curve and weights are equal, byte for byte"

echo "7. loss per stage"
python - "$work/killed/curve.jsonl" <<'PY'
import json, sys
points = [json.loads(line) for line in open(sys.argv[1])]
for stage in range(1, 5):
    of_stage = [point for point in points if point["stage"] == stage]
    tokens = max(point["visual_tokens"] for point in of_stage)
    first, last = (sum(point["loss"] for point in part) / 5 for part in (of_stage[:5], of_stage[-5:]))
    print(f"stage {stage}: steps {of_stage[0]['step']} to {of_stage[-1]['step']}, {tokens:g} visual tokens a row, "
          f"loss {first:.2f} (first five) to {last:.2f} (last five)")
PY

echo "8. caption videos it has not seen"
vdc caption --model "$work/killed/model" --benchmark "$work/test" --sections short --frames 2 --max-new-tokens 120 \
  --device cpu --out "$work/predictions.jsonl"
head -n 1 "$work/predictions.jsonl"

echo "9. score with the offline judge"
vdc score "$work/predictions.jsonl" --benchmark "$work/test" --section short --judge lexical --out "$work/score"
