#!/usr/bin/env bash
# Checks and measures on this machine, step by step: run.sh RESULTS STEP
#
# Each step takes under eight minutes and writes RESULTS/STEP.md, line by line; begun again it leaves out what is there already.
#   check     versions; the default model in every precision: parity, placement, attention's kernel
#   base10    AST-base 10/10: every batch size, with and without CUDA graphs, one or three products for queries, keys and values
#   base16    the same with strides 16/16
#   peers     transformers: eager, sdpa, its kernels
#   compile   transformers with torch.compile
#   turns     AstStream and transformers' sdpa in turns
#   profile   time by kernel of batches of 8 and 64 (ncu)
#   engine    saturate and live on the real session; two models opened and closed twenty times; memory
#   faults    compute-sanitizer over a small run; a device that is not there
#
#   PROVIDER  cuda (default), tensorrt or cpu          PRECISIONS  float16,bfloat16 (default)      BATCHES  1,2,4,8,16,32,64 (default)
#   SIZE      base (default), small or tiny: the random checkpoint that is made on the spot        SECONDS_EACH  of a peer: 140 (default)
set -uo pipefail
set -a # parts run in shells of their own
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n '2,/^set -u/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//'; exit 2; }
[ $# -eq 2 ] || usage
results=$1 step=$2
provider=${PROVIDER:-cuda} precisions=${PRECISIONS:-float16,bfloat16} batches=${BATCHES:-1,2,4,8,16,32,64} size=${SIZE:-base} each=${SECONDS_EACH:-140}
mkdir -p "$results"
out=$results/$step.md
ASTSTREAM_CACHE=${ASTSTREAM_CACHE:-$here/cache}
aststream=$here/aststream/aststream
load=$here/aststream/AstStream.LoadTest
default=$here/aststream/pipelines/models/ast-audioset-tiny
checkpoint=$ASTSTREAM_CACHE/random/ast-$size-1

# CUDA's libraries lie where CUDA was installed, or among the packages of a Python with PyTorch.
python=$(command -v python3 || true)
RUNS=${RUNS:-20}
libraries=$(ls -d /usr/local/cuda*/lib64 /usr/local/cuda*/targets/x86_64-linux/lib 2>/dev/null)
[ -n "$python" ] && libraries+=" $("$python" -c 'import glob, site
print(*(p for s in site.getsitepackages() + [site.getusersitepackages()] for p in glob.glob(s + "/nvidia/**/lib", recursive=True) + glob.glob(s + "/tensorrt*libs*") + glob.glob(s + "/torch/lib")))' 2>/dev/null)"
for folder in $libraries; do LD_LIBRARY_PATH=$folder:${LD_LIBRARY_PATH:-}; done

# part TITLE SECONDS COMMAND…: writes what the command prints under a title, unless that is there; says where it failed or took too long.
part() {
  local title=$1 limit=$2
  shift 2
  grep -qxF "## $title" "$out" 2>/dev/null && { echo "there already: $title"; return; }
  local text status
  text=$(timeout "$limit" bash -c '"$@"' part "$@" 2>&1)
  status=$?
  printf '%s\n' "$text"
  # What failed is not kept, so that it is tried again.
  if [ $status -eq 0 ]; then printf '\n## %s\n%s\n' "$title" "$text" >>"$out"; else echo "failed ($status$([ $status -eq 124 ] && echo ', out of time')): $title"; failed=1; fi
}
bench() { "$aststream" bench model "$@" --providers "$provider" --parity warn --runs "$RUNS"; }
make_checkpoint() { [ -f "$checkpoint/config.json" ] || "$aststream" bench model --random "$size" --precision float32 --batch 1 --runs 1 --attention sdpa >/dev/null 2>&1; }
versions() {
  date -u +%F
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo "no nvidia-smi"
  grep -m1 'model name' /proc/cpuinfo
  "$aststream" --version
  [ -z "$python" ] || "$python" -c 'import torch, transformers; print("torch", torch.__version__, "CUDA", torch.version.cuda, "cuDNN", torch.backends.cudnn.version(), "transformers", transformers.__version__)' 2>/dev/null || echo "no PyTorch"
}
kernels() { ORT_ENABLE_ATTENTION_KERNEL_DEBUG_INFO=1 "$aststream" bench model "$default" --providers "$provider" --precision float16 --attention sdpa --batch 1,8 --runs 1 --parity warn 2>&1 | grep -iE 'attention|sdpa|flash|cudnn|\|' | sort -u | head -20; }
peer() { [ -z "$python" ] && { echo "no Python"; return; }; "$python" "$here/transformers_ast.py" "$checkpoint" --device "$([ "$provider" = cpu ] && echo cpu || echo cuda)" --runs "$RUNS" --seconds "$each" "$@"; }
by_kernel() {
  command -v ncu >/dev/null || { echo "no ncu here"; return; }
  ncu --clock-control none --metrics gpu__time_duration.sum --csv --launch-skip "$2" --launch-count 170 \
    "$aststream" bench model "$checkpoint" --providers "$provider" --precision float16 --attention sdpa --batch "$1" --runs 2 --parity off --no-cuda-graph 2>/dev/null |
    awk -F'","' '/gpu__time_duration/ { gsub(/"/, "", $NF); t = $NF; gsub(/,/, "", t); k = substr($5, 1, 80); n[k]++; s[k] += t; all += t }
      END { for (k in s) printf "%5.1f %% %4d launches %s\n", 100 * s[k] / all, n[k], k }' | sort -rn
}

sanitizer() {
  command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer here"; return; }
  compute-sanitizer --tool memcheck "$aststream" bench model "$default" --providers "$provider" --precision float16 --attention sdpa --batch 1 --runs 2 --parity warn --no-cuda-graph 2>&1 | tail -5
}
absent() { CUDA_VISIBLE_DEVICES="" "$aststream" bench model "$default" --providers "$provider" --precision float32 --attention sdpa --batch 1 --runs 2 "$@" 2>&1; }
refused() { absent && { echo "expected a refusal"; return 1; } || true; }
export -f bench versions kernels peer by_kernel sanitizer absent refused

failed=0
case $step in
check)
  part "machine" 60 versions
  part "default model, every precision and both attentions" 200 bench "$default" --precision float32,float16,bfloat16 --batch 1,8
  part "float32 without TF32" 60 bench "$default" --precision float32 --batch 1,8 --no-tf32
  part "as a pipeline opens it, twice" 100 "$load" starts --models "$default" --providers "$provider" --turns 2
  part "attention's kernel" 60 kernels
  ;;
base10 | base16)
  make_checkpoint
  strides=$([ "$step" = base16 ] && echo "--frequency-stride 16 --time-stride 16")
  part "CUDA graphs, three products" 200 bench "$checkpoint" $strides --precision "$precisions" --batch "$batches" --attention sdpa
  part "CUDA graphs, one product" 120 bench "$checkpoint" $strides --precision float16 --batch "$batches" --attention sdpa --packed-qkv
  part "no CUDA graphs, three products" 120 bench "$checkpoint" $strides --precision float16 --batch "$batches" --attention sdpa --no-cuda-graph
  ;;
peers)
  make_checkpoint
  for peer in "--attention eager" "--attention sdpa" "--attention sdpa --backend flash" "--attention sdpa --backend cudnn"; do
    part "transformers $peer" 150 peer $peer --batch "$batches"
  done
  ;;
compile)
  make_checkpoint
  for mode in reduce-overhead max-autotune; do
    for backend in flash cudnn; do
      part "transformers --compile $mode --backend $backend" 160 peer --compile $mode --backend $backend --batch "${COMPILE_BATCHES:-1,8,64}"
    done
  done
  ;;
turns)
  make_checkpoint
  for batch in 1 8 64; do
    for turn in 1 2 3; do
      part "batch $batch, turn $turn, AstStream" 60 bench "$checkpoint" --precision float16 --attention sdpa --batch $batch --json
      part "batch $batch, turn $turn, transformers sdpa" 60 peer --batch $batch
    done
  done
  ;;
profile)
  make_checkpoint
  part "batch 8" 220 by_kernel 8 340
  part "batch 64" 220 by_kernel 64 340
  ;;
engine)
  make_checkpoint
  part "saturate, AST-base" 150 "$load" saturate --model "$checkpoint" --providers "$provider" --seconds "${ENGINE_SECONDS:-10}"
  part "live, 1,200 streams at a hop of 1 s" 120 "$load" live --model "$checkpoint" --providers "$provider" --streams "${STREAMS:-1200}" --seconds "${LIVE_SECONDS:-90}"
  part "two models opened and closed twenty times" 150 "$load" starts --models "$default" "$checkpoint" --providers "$provider"
  part "device memory after it" 10 nvidia-smi --query-gpu=memory.used --format=csv,noheader
  ;;
faults)
  part "compute-sanitizer" 300 sanitizer
  part "no device, refused" 60 refused
  part "no device, fallback" 60 absent --fallback
  ;;
*) usage ;;
esac
exit $failed
