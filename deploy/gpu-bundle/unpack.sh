#!/usr/bin/env bash
# Puts the parts beside this script together again: unpack.sh DIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${1:?usage: unpack.sh DIR}
mkdir -p "$dir"
cat "$here"/part-* | xz -dc -T0 | tar -C "$dir" -xf -
echo "unpacked; next: $dir/run.sh RESULTS"
