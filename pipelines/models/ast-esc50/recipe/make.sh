#!/bin/bash
# The whole recipe: data in, model out. Every step is seeded; sounds, shards and training steps that lie in WORK-FOLDER are not made again.
# Usage: make.sh ESC50-FOLDER YAMNET.npz WORK-FOLDER [option of train.py]...
# Variables: SHARDS (84 of 1,024 mixtures, 175 MB each), VALIDATION (list of the recordings to keep out: validation.txt, or split.py's),
# PYTHON (/usr/bin/python3, Debian's).
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../../../deploy/common.sh"
[ -f "$1/meta/esc50.csv" ] || fail "$1/meta/esc50.csv is not there; a folder with ESC-50's layout is wanted"
[ -f "$2" ] || fail "$2 is not there; YAMNet's weights are wanted"
mkdir -p "$3"
data=$(realpath "$1")
teacher=$(realpath "$2")
work=$(realpath "$3")
shift 3
python=${PYTHON:-/usr/bin/python3}
shards=${SHARDS:-84}
validation=$(realpath "${VALIDATION:-$here/validation.txt}")
"$python" -c 'import torch, soundfile, matplotlib' || fail "apt-get install python3-torch python3-soundfile python3-matplotlib libopenblas0-pthread ffmpeg espeak-ng sox"
export PYTHONDONTWRITEBYTECODE=1

"$here/other-sounds.sh" "$work/sounds"
pool() { OMP_NUM_THREADS=1 "$python" "$here/make_pool.py" "$data" "$teacher" "$work/sounds" "$work/pool" --validation "$validation" --first "$1" --shards "$2"; }
[ -e "$work/pool/basis.npz" ] || pool 0 0 # the principal components that all shards use
cores=$(nproc)
pids=()
trap '[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true' EXIT
for ((core = 0; core < cores; core++)); do
    first=$((shards * core / cores))
    pool $first $((shards * (core + 1) / cores - first)) & pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
pids=()

"$python" "$here/train.py" "$data" "$work/pool" "$work/trained" --validation "$validation" "$@"
"$python" "$here/calibrate.py" "$work/trained" "$data" "$work/sounds" "$work/model" --validation "$validation"
"$python" "$here/report.py" "$work/model" "$data" --validation "$validation"
