#!/bin/bash
# The whole recipe: data in, model out. Every step is seeded, and is left out where its result lies there already.
# Usage: make.sh ESC50-TRAIN-FOLDER YAMNET.npz WORK-FOLDER [option of train.py]...
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
data=$(realpath "$1") teacher=$(realpath "$2") work=$(realpath -m "$3")
shift 3
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-/usr/bin/python3} # Debian's, which has Debian's PyTorch
shards=${SHARDS:-84}
"$python" -c 'import torch, soundfile, matplotlib' || { echo "error: apt-get install python3-torch python3-soundfile python3-matplotlib libopenblas0-pthread ffmpeg espeak-ng sox" >&2; exit 1; }
mkdir -p "$work"

"$here/other-sounds.sh" "$work/sounds"
pool() { OMP_NUM_THREADS=1 "$python" "$here/make_pool.py" "$data" "$teacher" "$work/sounds" "$work/pool" --first "$1" --shards "$2"; }
[ -e "$work/pool/00000.done" ] || pool 0 1 # which also finds the principal components that the others use
cores=$(nproc)
each=$(((shards + cores - 1) / cores))
pids=()
for ((core = 0; core < cores; core++)); do
    pool $((1 + core * each)) "$each" & pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done

"$python" "$here/train.py" "$data" "$work/pool" "$work/trained" "$@"
"$python" "$here/calibrate.py" "$work/trained" "$data" "$work/sounds" "$work/model"
"$python" "$here/report.py" "$work/model" "$data"
