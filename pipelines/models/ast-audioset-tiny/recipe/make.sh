#!/bin/bash
# Makes the default model: make.sh SOUNDS ESC50 TEACHER.pt WORK
#   SOUNDS   what sounds.py gathered (sounds.py CLONES SOUNDS ESC50)
#   ESC50    ESC-50's layout at 16 kHz, without fold 4
#   TEACHER  EfficientAT's mn04_as_mAP_432.pt
#   WORK     a folder for mixtures and states (7 GB); what is there is gone on from
# Variables: STEPS (1,800 of each of two runs), PYTHON (/usr/bin/python3, Debian's).
set -euo pipefail
[ $# -eq 4 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../../../deploy/common.sh"
[ -f "$1/index.tsv" ] || fail "$1/index.tsv is not there; run sounds.py first"
[ -f "$2/meta/esc50.csv" ] || fail "$2/meta/esc50.csv is not there; a folder with ESC-50's layout is wanted"
[ -f "$3" ] || fail "$3 is not there; the teacher's weights are wanted"
mkdir -p "$4/pool" "$4/fresh"
sounds=$(realpath "$1") esc50=$(realpath "$2") teacher=$(realpath "$3") work=$(realpath "$4")
python=${PYTHON:-/usr/bin/python3}
steps=${STEPS:-1800}
"$python" -c 'import torch, soundfile' || fail "apt-get install python3-torch python3-soundfile libopenblas0-pthread"
# A thread each. On new processors Debian's OpenBLAS may choose slow kernels; freed memory is kept, which saves page faults.
export OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE-SkylakeX} OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=4000000000 PYTHONDONTWRITEBYTECODE=1

# both COMMAND1 COMMAND2: side by side, to the end of both.
both() {
    eval "$1" & local first=$!
    trap 'kill $first 2>/dev/null || true' EXIT
    eval "$2"
    wait $first
    trap - EXIT
}
cd "$here"
# 83 shards of 512 windows to learn from, and ten others to choose thresholds by.
mix() { "$python" mixtures.py "$sounds" "$teacher" "$work/$1" "$2" "$3"; }
both 'mix pool 1 41' 'mix pool 2 42'
mix fresh 50 10
train() { "$python" train.py "$work/pool" "$esc50" "$work" "$@"; }
# A short run, and two long ones that take their mean now and then; the model lies between them.
train --name early --steps 120 --fall 0.01 --rate 2e-4 --warm-up 30
both 'train --name two --beside one --steps "$steps"' 'train --name one --beside two --steps "$steps"'
"$python" export.py "$work/one.pt" .. "$work/early.pt" 0.2
"$python" thresholds.py .. "$work/fresh"
