#!/usr/bin/env bash
# demo-scene.sh OUT.wav: makes the demo's sound scene, 67 s, mono, 16 bit, 44.1 kHz; the same bytes each time.
# The recordings come out of three small Debian packages (6 MB), fetched and unpacked, not installed; the alarm is
# synthesised here. Who recorded what, and under which licence, is in pipelines/demo.md.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh"
[ $# -eq 1 ] || fail "usage: demo-scene.sh OUT.wav"
out=$(realpath -m "$1")

command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
  fail "the demo scene is made from Debian packages, and this is no Debian: run 'aststream run' on a recording of your own"
need_tool sox sox "mixing the demo scene"
[[ $(sox --help 2>/dev/null || true) == *vorbis* ]] || apt_install libsox-fmt-base

debs=$(aststream_cache)/demo
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

for package in mate-media-common minetest-data minetest-mod-homedecor; do unpack "$package" "$debs" files; done
games=files/usr/share/games/minetest
sounds=$games/games/minetest_game/mods/default/sounds
door=$games/mods/homedecor/homedecor_doors_and_gates/sounds/homedecor_door_open.ogg
bark=files/usr/share/sounds/mate/default/alerts/bark.ogg
flush=$games/mods/homedecor/homedecor_bathroom/sounds/homedecor_toilet_flush.ogg
tap=$games/mods/homedecor/homedecor_common/sounds/homedecor_faucet.ogg
fire=$games/games/minetest_game/mods/fire/sounds/fire_small.ogg
for file in "$bark" "$flush" "$door" "$tap" "$fire" "$sounds"/default_break_glass.{1,2}.ogg; do
  [ -f "$file" ] || fail "$file is not in its package; the scene is made from Debian 12's"
done

say "mixing the demo scene"
sox() { command sox -R -V1 "$@"; } # -R: the same random numbers each time
format="-r 44100 -c 1 -b 16"

# recording IN OUT [EFFECT...]: mono at full scale.
recording() { sox "$1" $format "$2" rate -h 44100 gain -n -1 "${@:3}"; }

# slot NAME LEVEL SECONDS IN...: the inputs in a row, at a level, for some seconds, and two of quiet behind.
slot() {
  local name=$1 level=$2 seconds=$3
  sox "${@:4}" $format "$name.wav" gain -n "$level" pad 0 "$seconds" trim 0 "$seconds" fade t 0.01 "$seconds" 0.1 pad 0 2
}

# A door creaks, five times.
recording "$door" door1.wav
slot door -10 7 door1.wav door1.wav door1.wav door1.wav door1.wav

# A fire crackles.
recording "$fire" fire1.wav
slot fire -8 9 fire1.wav fire1.wav

# A dog barks.
recording "$bark" bark.wav
slot dog -6 7 bark.wav bark.wav bark.wav bark.wav bark.wav bark.wav bark.wav bark.wav bark.wav bark.wav bark.wav bark.wav

# An alarm clock: four beeps of 2048 Hz, over and over.
sox -n $format beep.wav synth 0.07 square 2048 gain -6 fade t 0.003 0 0.003 pad 0 0.055
sox beep.wav beep.wav beep.wav beep.wav $format beeps.wav pad 0 0.5
slot alarm -12 7 beeps.wav beeps.wav beeps.wav beeps.wav beeps.wav beeps.wav beeps.wav

# Two panes of glass break at once, four times.
for i in 1 2; do recording "$sounds/default_break_glass.$i.ogg" "glass$i.wav"; done
sox glass2.wav $format glass3.wav pad 0.07
sox -m -v 1 glass1.wav -v 1 glass3.wav $format panes.wav gain -n -1 pad 0 1
slot glass -1 7 panes.wav panes.wav panes.wav panes.wav

# Water runs from a tap, three times.
recording "$tap" tap1.wav
slot tap -8 7 tap1.wav tap1.wav tap1.wav

# A toilet is flushed, twice.
recording "$flush" flush1.wav
slot flush -6 7 flush1.wav flush1.wav

# All of it over the soft noise of a room.
sox -n $format quiet.wav trim 0 2
sox quiet.wav {door,fire,dog,alarm,glass,tap,flush}.wav $format dry.wav
sox -n $format room.wav synth 67 whitenoise gain -70
sox -m -v 1 dry.wav -v 1 room.wav $format scene.wav
mkdir -p "$(dirname "$out")"
mv scene.wav "$out.part" # perhaps from another file system: only the second move is at once
mv "$out.part" "$out"
