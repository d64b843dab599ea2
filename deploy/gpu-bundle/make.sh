#!/usr/bin/env bash
# Packs AstStream for a machine with a GPU but without network and .NET: a self-contained program and its load tests, ONNX Runtime's CUDA
# provider, the default model, and the scripts that measure there. In parts, since such machines often take small files only.
#
#   make.sh [OUT]      OUT: artifacts/gpu-bundle
#   SM                 keeps one architecture's code in the CUDA provider: 75, 80, 86, 89, 90 (H100, H200) or 120; all of them by default
#   PART_SIZE          44M by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=${1:-artifacts/gpu-bundle}
part_size=${PART_SIZE:-44M}
rm -rf "$out/stage" "$out"/part-* "$out/unpack.sh"
mkdir -p "$out/stage/aststream"
for project in load-tests/AstStream.LoadTest src/AstStream.Worker; do
  echo "==> publishing ${project#*/}, self-contained"
  dotnet publish "$project" -c Release -r linux-x64 --self-contained -o "$out/stage/aststream" -v:q -nologo
done
# What no step there loads: symbols and documentation, Kafka's native library, debuggers' libraries, XML.
(cd "$out/stage/aststream" && find . \( -name '*.pdb' -o -name '*.xml' -o -name '*librdkafka.so' -o -name 'libmscord*' -o -name 'libclrgc*' \
  -o -name 'libcoreclrtraceptprovider.so' -o -name createdump -o -name 'System.Private.Xml*' -o -name 'System.Private.DataContract*' \
  -o -name 'Microsoft.VisualBasic*' -o -name System.Data.Common.dll \) -delete)
if [ -n "${SM:-}" ]; then
  # A published file may be linked to the package's own.
  provider=$out/stage/aststream/libonnxruntime_providers_cuda.so
  cp "$provider" "$provider.copy" && mv -f "$provider.copy" "$provider"
  dotnet run deploy/gpu-bundle/keep-architecture.cs -- "$provider" "$SM"
fi
cp deploy/gpu-bundle/run.sh load-tests/peers/*.py "$out/stage/"
echo "==> packing"
tar -C "$out/stage" -cf - . | xz -T0 -9e | split -b "$part_size" -d - "$out/part-"
cp deploy/gpu-bundle/unpack.sh "$out/"
rm -rf "$out/stage"
du -h "$out"/*
echo "There: unpack.sh DIR (with all parts beside it), then DIR/run.sh RESULTS STEP for each step"
