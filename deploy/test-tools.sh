#!/usr/bin/env bash
# Installs from Debian what the tests need besides .NET: a sound server in place of a sound card, ffmpeg, sox, a Kafka
# client that is not ours, a browser, reverse proxies, a Prometheus, and a compiler for what stands in for CUDA's libraries.
# test-tools.sh kafkajs FOLDER: another one, for Node.js, into a folder.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [ "${1:-}" = kafkajs ]; then
  need_tool npm npm "the tests with an unrelated Kafka client"
  [ -d "$2/node_modules/kafkajs" ] || npm install --prefix "$2" --no-save --silent kafkajs@2.2.4 || fail "npm could not install kafkajs; see its message above"
  exit
fi

has_library() { /sbin/ldconfig -p | grep -q "$1"; }
missing=()
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
command -v kcat >/dev/null || missing+=(kcat)
command -v sox >/dev/null || missing+=(sox)
command -v chromium >/dev/null || missing+=(chromium)
command -v caddy >/dev/null || missing+=(caddy)
[ -x /usr/sbin/nginx ] || missing+=(nginx-light)
[ -x /usr/sbin/mosquitto ] || missing+=(mosquitto)
{ command -v promtool && command -v prometheus; } >/dev/null || missing+=(prometheus)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
command -v setpriv >/dev/null || missing+=(util-linux)
command -v pulseaudio >/dev/null || missing+=(pulseaudio)
{ command -v pactl && command -v paplay; } >/dev/null || missing+=(pulseaudio-utils)
has_library libportaudio.so.2 || missing+=(libportaudio2)
has_library libsndfile.so.1 || missing+=(libsndfile1)
compgen -G '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null || missing+=(libasound2-plugins)
[ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
