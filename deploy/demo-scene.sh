#!/usr/bin/env bash
# demo-scene.sh OUT.wav: makes the demo's sound scene, 67 s, mono, 16 bit, 44.1 kHz; the same bytes each time.
# The recordings come out of three small Debian packages (6 MB), fetched and unpacked, not installed; bells, the alarm and
# the siren are synthesised here. Who recorded what, and under which licence, is in pipelines/demo.md.
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
need_tool awk mawk "synthesising the demo scene"

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
for file in "$bark" "$flush" "$door" "$sounds"/default_break_glass.{1,2}.ogg; do
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

# Church bells: six bells rung in rounds, down the scale, a stroke each 0.5 s; a bell is eleven partials that die away.
awk 'BEGIN {
  rate = 44100; n = 9 * rate; last = 8.2 * rate; pi = 3.14159265358979
  partials = split("0.5 1 1.2 1.5 2 2.5 2.67 3 4 5.3 6.7", ratio, " ")
  split("0.6 0.9 0.7 0.4 1 0.35 0.3 0.35 0.25 0.15 0.1", amplitude, " ")
  split("1 0.8 0.8 0.72 0.6 0.36 0.34 0.3 0.22 0.16 0.12", life, " ")
  bells = split("747 700 630 560 499 420", bell, " ")
  for (b = 1; b <= bells; b++)
    for (p = 1; p <= partials; p++) {
      w = 2 * pi * bell[b] * ratio[p] / rate; r = exp(-1 / (rate * life[p]))
      a = 2 * r * cos(w); c = r * r; kick = amplitude[p] * r * sin(w); y1 = 0; y2 = 0
      first = int((b - 1) * 0.5 * rate); stroke = first
      for (i = first; i < n; i++) {
        y = a * y1 - c * y2; y2 = y1; y1 = y
        if (i == stroke && i <= last) { y1 += kick; stroke += int(bells * 0.5 * rate) }
        x[i] += y
      }
    }
  print "; Sample Rate 44100\n; Channels 1"
  for (i = 0; i < n; i++) printf "%.6f %.5f\n", i / rate, x[i] * 0.08
}' >bells.dat
sox bells.dat $format rounds.wav
slot bells -8 9 rounds.wav

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

# Siren: two notes in turn, 435 and 580 Hz.
sox -n $format low.wav synth 0.6 sawtooth 435 gain -3
sox -n $format high.wav synth 0.6 sawtooth 580 gain -3
sox {low,high,low,high,low,high,low,high,low,high,low,high}.wav $format horn.wav lowpass 3000
slot siren -8 7 horn.wav

# A toilet is flushed, twice.
recording "$flush" flush1.wav
slot flush -6 7 flush1.wav flush1.wav

# All of it over the soft noise of a room.
sox -n $format quiet.wav trim 0 2
sox quiet.wav {door,bells,dog,alarm,glass,siren,flush}.wav $format dry.wav
sox -n $format room.wav synth 67 whitenoise gain -70
sox -m -v 1 dry.wav -v 1 room.wav $format scene.wav
mkdir -p "$(dirname "$out")"
mv scene.wav "$out.part" # perhaps from another file system: only the second move is at once
mv "$out.part" "$out"
