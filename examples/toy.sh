# What the examples with toy models share; sourced, not run.

# Folder of the example, made where it is missing: work_folder GIVEN DEFAULT
work_folder() {
  python -c "import baselines.auroracap" 2>/dev/null && command -v vdc >/dev/null || {
    echo "found no vdc-toolkit with the baselines extra on the path; do next: activate its environment first" >&2
    exit 2
  }
  mkdir -p "${1:-$2}"
  work=$(cd "${1:-$2}" && pwd)
}

# A random model in the layout of its release that writes letters: toy_release "PYTHON CALL that writes to target"
toy_release() {
  python - "$work/released" "$1" <<'PY'
import shutil, sys
from baselines.common.toy_text import write_printable_generation

target = sys.argv[1]
shutil.rmtree(target, ignore_errors=True)
exec(sys.argv[2])
write_printable_generation(target)
PY
}

# Six synthetic videos with questions, in $work/world
toy_world() {
  vdc build synthetic --videos 6 --seed 0 --seconds 2 --size 96 --out "$work/world" --overwrite
}

# Captions to a report with the offline judge
toy_report() {
  vdc validate "$work/predictions.jsonl" --benchmark "$work/world"
  rm -rf "$work/run"
  vdc score "$work/predictions.jsonl" --benchmark "$work/world" --judge lexical --out "$work/run"
  cat "$work/run/report.md"
}
