#!/usr/bin/env bash
# Checks parity and measures on this machine, and writes tables: run.sh RESULTS
#
#   PROVIDER    cuda (default), tensorrt or cpu
#   PRECISIONS  float16,bfloat16 on a GPU (default), float32,int8 on the CPU
#   BATCHES     1,2,4,8,16,32,64 (default); the CPU: 1
#   SIZE        base (default), small or tiny: the random checkpoint that is built on the spot
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
results=${1:?usage: run.sh RESULTS}
provider=${PROVIDER:-cuda}
size=${SIZE:-base}
if [ "$provider" = cpu ]; then precisions=${PRECISIONS:-float32,int8} batches=${BATCHES:-1}; else precisions=${PRECISIONS:-float16,bfloat16} batches=${BATCHES:-1,2,4,8,16,32,64}; fi
mkdir -p "$results"
export ASTSTREAM_CACHE=${ASTSTREAM_CACHE:-$here/cache}
aststream=$here/aststream/aststream

# CUDA's libraries lie where CUDA was installed, or among the packages of a Python with PyTorch.
python=$(command -v python3 || true)
libraries=$(ls -d /usr/local/cuda*/lib64 /usr/local/cuda*/targets/x86_64-linux/lib 2>/dev/null)
[ -n "$python" ] && libraries+=" $("$python" -c 'import glob, site
print(*(p for s in site.getsitepackages() + [site.getusersitepackages()] for p in glob.glob(s + "/nvidia/**/lib", recursive=True) + glob.glob(s + "/tensorrt*libs*") + glob.glob(s + "/torch/lib")))' 2>/dev/null)"
for folder in $libraries; do export LD_LIBRARY_PATH=$folder:${LD_LIBRARY_PATH:-}; done

{
    echo "# $(date -u +%F), $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo 'no GPU')"
    grep -m1 'model name' /proc/cpuinfo
    echo
    echo "## Parity: the default model on $provider, every precision and both attentions; the logit error stands last"
    "$aststream" bench model "$here/aststream/pipelines/models/ast-esc50" --providers "$provider" --precision "float32,$precisions" --batch 1,8 --runs 3 --parity warn
    echo
    echo "## Random $size in $precisions on $provider"
    "$aststream" bench model --random "$size" --providers "$provider" --precision "$precisions" --batch "$batches" --runs "${RUNS:-20}" --parity warn
    echo
    echo "## Beside transformers: one batch size after the other, AstStream (sdpa) and transformers' sdpa in turns"
    checkpoint=$(ls -d "$ASTSTREAM_CACHE"/random/ast-"$size"-*)
    for batch in ${batches//,/ }; do
        echo "batch $batch"
        for precision in ${precisions//,/ }; do
            "$aststream" bench model "$checkpoint" --providers "$provider" --precision "$precision" --attention sdpa --batch "$batch" --runs "${RUNS:-20}" --parity warn --json
            [ "$precision" = int8 ] || [ -z "$python" ] || "$python" "$here/transformers_ast.py" "$checkpoint" --batch "$batch" --dtype "$precision" --runs "${RUNS:-20}" --device "$([ "$provider" = cpu ] && echo cpu || echo cuda)"
        done
    done
} 2>&1 | tee "$results/results.md"
