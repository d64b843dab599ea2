#!/usr/bin/env bash
# Builds the stand-ins as the libraries that ONNX Runtime's CUDA provider asks for: build.sh FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${1:?usage: build.sh FOLDER}
mkdir -p "$out"
library() { gcc -shared -fPIC -O1 -w -Wl,-soname,"$1" -o "$out/$1" "${@:2}"; }
library libcudart.so.13 cudart.c -lpthread
library libcublas.so.13 cublas.c "$out/libcudart.so.13"
library libcudnn.so.9 cudnn.c "$out/libcudart.so.13"
library libcuda.so.1 cuda.c
: >"$out/empty.c"
for name in libcublasLt.so.13 libcurand.so.10 libnvrtc.so.13; do library "$name" "$out/empty.c"; done
rm "$out/empty.c"
