#!/usr/bin/env bash
# Makes the NuGet packages that a closed mirror may lack, from what the npm mirror has, into the user's cache folder.
# Built once a machine. Everything is made in a scratch folder and moved into place whole, one package at a time,
# so an interrupted build leaves either a good package or none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../common.sh"

feed=$(aststream_cache)/feed
managed=Microsoft.ML.OnnxRuntime.Managed.1.29.0.nupkg
gpu=Microsoft.ML.OnnxRuntime.Gpu.1.29.0.nupkg
portaudio=PortAudioSharp2.1.0.6.nupkg

mkdir -p "$feed"
exec 9>"$feed.lock"
# Programs started from here close the lock (9>&-): a server that outlives this script would hold it.
flock 9 # two makes at once: the second waits, then finds everything built
[ -e "$feed/$managed" ] && [ -e "$feed/$gpu" ] && [ -e "$feed/$portaudio" ] && exit 0

rm -rf "$feed".build.* # of a build that was killed; the lock is ours
scratch=$(mktemp -d "$feed.build.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# download NAME@VERSION FILES...: fetch the tarball, check it against pins.txt, unpack the named files into $scratch.
download() {
  local spec=$1; shift
  local pin tarball found
  need_tool npm npm "the feed of NuGet packages that this machine's mirror lacks"
  need_tool openssl openssl "checking what was downloaded"
  pin=$(awk -v s="$spec" '$1 == s { print $2 }' "$here/pins.txt")
  [ -n "$pin" ] || fail "$spec is not pinned in deploy/feed/pins.txt"
  say "downloading $spec"
  tarball=$(cd "$scratch" && npm pack --silent --ignore-scripts "$spec" 9>&-) || fail "npm could not download $spec; check that npm reaches a registry (npm ping)"
  found=sha512-$(openssl dgst -sha512 -binary "$scratch/$tarball" | openssl base64 -A)
  [ "$found" = "$pin" ] || fail "$spec: checksum differs from deploy/feed/pins.txt: expected $pin, found $found"
  tar -xzf "$scratch/$tarball" -C "$scratch" "$@"
  rm "$scratch/$tarball"
}

# pack ID PROPERTY...: build one package and move it into the feed whole.
pack() {
  local id=$1; shift
  say "packing $id"
  dotnet pack "$here/$id" -o "$scratch/out" -v:q -nologo "-p:BaseIntermediateOutputPath=$scratch/obj/$id/" "-p:BaseOutputPath=$scratch/bin/$id/" \
    -nodeReuse:false -p:UseSharedCompilation=false "$@" >"$scratch/pack.log" 2>&1 9>&- || { tail -20 "$scratch/pack.log" >&2; fail "packing $id failed"; }
  mv "$scratch/out/$id".*.nupkg "$feed/"
}

if [ ! -e "$feed/$managed" ]; then
  download com.github.asus4.onnxruntime@0.4.9 package/Runtime
  pack Microsoft.ML.OnnxRuntime.Managed "-p:SourceDir=$scratch/package/Runtime"
fi
if [ ! -e "$feed/$gpu" ]; then
  download onnxruntime-node@1.29.0 package/bin/napi-v6/linux/x64/libonnxruntime.so.1
  download com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9 package/Plugins/Linux/x64
  mkdir "$scratch/native"
  mv "$scratch/package/bin/napi-v6/linux/x64/libonnxruntime.so.1" "$scratch/native/libonnxruntime.so"
  mv "$scratch"/package/Plugins/Linux/x64/*.so "$scratch/native/"
  pack Microsoft.ML.OnnxRuntime.Gpu "-p:NativeDir=$scratch/native" "-p:FeedDir=$feed"
fi
[ -e "$feed/$portaudio" ] || pack PortAudioSharp2
say "packages are in $feed"
