#!/bin/bash
# Makes the default model: make.sh SOUNDS TEACHER START [DEVICE]
#   SOUNDS   what sounds.py gathered (sounds.py CLONES SOUNDS ESC50), or pack.py unpacked
#   TEACHER  EfficientAT's mn04_as_mAP_432.pt
#   START    the model's folder to begin with, with its recipe/heads.safetensors
#   DEVICE   cuda (default) or cpu
# Variables: MINUTES (5.2), PYTHON (/usr/bin/python3, Debian's).
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../../../deploy/common.sh"
[ -f "$1/index.tsv" ] || fail "$1/index.tsv is not there; run sounds.py first"
[ -f "$2" ] || fail "$2 is not there; the teacher's weights are wanted"
[ -f "$3/recipe/heads.safetensors" ] || fail "$3/recipe/heads.safetensors is not there; a folder of export.py is wanted"
sounds=$(realpath "$1") teacher=$(realpath "$2") start=$(realpath "$3") device=${4:-cuda}
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import torch' || fail "apt-get install python3-torch python3-soundfile libopenblas0-pthread"
# On new processors Debian's OpenBLAS may choose slow kernels; freed memory is kept, which saves page faults.
export OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE-SkylakeX} OPENBLAS_NUM_THREADS=1
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=4000000000 PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
small=(); [ "$device" = cpu ] && small=(--fresh 32 --batch 32 --pool 4096)
"$python" train.py "$sounds" "$teacher" "$work" --start "$start" --device "$device" --minutes "${MINUTES:-5.2}" "${small[@]}"
"$python" export.py "$work/6.pt" .. "$start" 0.1
"$python" thresholds.py .. "$sounds" "$teacher"
