#!/usr/bin/env bash
# Installs from Debian what the tests need besides .NET: a sound server in place of a sound card, and ffmpeg.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

has_library() { /sbin/ldconfig -p | grep -q "$1"; }
missing=()
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
command -v setpriv >/dev/null || missing+=(util-linux)
command -v pulseaudio >/dev/null || missing+=(pulseaudio)
{ command -v pactl && command -v paplay; } >/dev/null || missing+=(pulseaudio-utils)
has_library libportaudio.so.2 || missing+=(libportaudio2)
compgen -G '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null || missing+=(libasound2-plugins)
[ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
