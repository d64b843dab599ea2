#!/usr/bin/env bash
# Packs AstStream for a machine with a GPU but without network and .NET: a self-contained program, ONNX Runtime's CUDA and TensorRT
# providers, the default model, and the scripts that measure there. In parts, since such machines often take small files only.
#
#   make.sh [OUT]      OUT: artifacts/gpu-bundle
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=${1:-artifacts/gpu-bundle}
part_size=${PART_SIZE:-56M}
rm -rf "$out/stage" "$out"/part-* "$out/unpack.sh"
mkdir -p "$out/stage/aststream"
echo "==> publishing, self-contained"
dotnet publish src/AstStream.Worker -c Release -r linux-x64 --self-contained -o "$out/stage/aststream" -v:q -nologo
find "$out/stage/aststream" \( -name '*.pdb' -o -name 'AstStream.*.xml' \) -delete
cp deploy/gpu-bundle/run.sh load-tests/peers/*.py "$out/stage/"
echo "==> packing"
tar -C "$out/stage" -cf - . | xz -T0 -4 | split -b "$part_size" -d - "$out/part-"
cp deploy/gpu-bundle/unpack.sh "$out/"
rm -rf "$out/stage"
du -h "$out"/*
echo "There: unpack.sh DIR (with all parts beside it), then DIR/run.sh RESULTS"
