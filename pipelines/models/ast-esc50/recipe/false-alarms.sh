#!/bin/bash
# Counts what a model reports in an hour each of silence, pink noise, mains hum and read speech, and in what no training heard:
# actors (96 minutes), music (49 minutes), letters and syllables (35 minutes); with its own thresholds.
# Usage: [WINDOW=2.56s] false-alarms.sh MODEL SCRATCH-FOLDER [ASTSTREAM]
set -euo pipefail
export LC_ALL=C
[ $# -eq 2 ] || [ $# -eq 3 ] || { echo "usage: [WINDOW=2.56s] false-alarms.sh MODEL SCRATCH-FOLDER [ASTSTREAM]" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../../../.." && pwd)
source "$root/deploy/common.sh"
aststream=$(realpath -m "${3:-$root/artifacts/aststream/aststream}")
[ -x "$aststream" ] || fail "$aststream is no program; 'make build' makes it, or name another"
need_tool sox sox "making noise and hum"
need_tool ffmpeg ffmpeg "reading sounds"
need_tool espeak-ng espeak-ng "reading aloud"
"$aststream" model info "$1" >/dev/null
model=$(realpath "$1")
mkdir -p "$2"
cd "$2"
format=(-r 16000 -c 1 -b 16)
sox() { command sox -R -V1 "$@"; } # -R: the same random numbers each time

# Noise and hum at ten levels, from just over nothing to loud.
[ -s silence.wav ] || sox -D -n "${format[@]}" silence.wav trim 0 3600 # -D: no dither, zeros
if [ ! -s pink.wav ] || [ ! -s hum.wav ]; then
    for level in -80 -70 -60 -54 -48 -42 -36 -30 -24 -18; do
        sox -n "${format[@]}" "pink$level.wav" synth 360 pinknoise norm "$level"
        base=$([ $((level % 4)) -eq 0 ] && echo 50 || echo 60)
        sox -n "${format[@]}" "hum$level.wav" synth 360 sine "$base" synth 360 sine mix $((base * 2)) synth 360 sine mix $((base * 3)) synth 360 sine mix $((base * 5)) norm "$level"
    done
    sox pink-*.wav pink.wav
    sox hum-*.wav hum.wav
    rm pink-*.wav hum-*.wav
fi
if [ ! -s speech.wav ]; then
    # Neither voices nor texts that the training or the thresholds had.
    voices=(en-gb+f4 en-us+m2 en-029 en-gb-x-gbclan+f1 da es-419+m6 fi+f3 hu)
    rm -rf parts && mkdir parts
    part=0
    for text in /usr/share/common-licenses/{GFDL-1.3,LGPL-2.1,MPL-2.0,Apache-2.0,GPL-2,GPL-1}; do
        split -C 1800 "$text" "parts/$(basename "$text")."
    done
    for text in parts/*; do
        espeak-ng -v "${voices[part % ${#voices[@]}]}" -s $((140 + part % 5 * 10)) -f "$text" --stdout | ffmpeg -nostdin -v error -y -i - -ac 1 -ar 16000 "parts/$(printf %03d $part).wav"
        part=$((part + 1))
    done
    sox parts/*.wav "${format[@]}" speech.wav norm -6 trim 0 3600
    rm -r parts
fi

# unheard NAME SECONDS PATTERN PACKAGE...: the sounds of Debian packages whose path has the pattern, SECONDS of each at most, one after another.
unheard() {
    [ ! -s "$1.wav" ] || return 0
    rm -rf parts && mkdir parts
    for package in "${@:4}"; do unpack "$package" debs parts/tree; done
    find parts/tree -type f \( -name '*.ogg' -o -name '*.wav' \) | grep -E "$3" | sort | awk '{ printf "%s\n%05d\n", $0, NR }' |
        xargs -d '\n' -n 2 -P "$(nproc)" bash -c 'ffmpeg -nostdin -v fatal -y -t '"$2"' -i "$0" -ac 1 -ar 16000 "parts/$1.wav" || rm -f "parts/$1.wav"'
    find parts -name '*.wav' -size -3k -delete
    sox parts/*.wav "${format[@]}" "$1.wav" norm -6
    rm -r parts
}
unheard actors 60 . fillets-ng-data-nl
unheard music 75 'music/|track' hyperrogue-music drascula-music
unheard letters 6 'klettres/[i-z]' klettres-data # the thresholds know some of these

rm -f events.jsonl
hours=(silence pink hum speech actors music letters)
cat > pipeline.yaml <<Y
sources:
  hours: {type: file, path: [$(printf '%s.wav, ' "${hours[@]}")]}
model: {path: '${model//\'/\'\'}', hop: 500ms${WINDOW:+, window: $WINDOW}}
events: {smoothing: 1.5s}
sinks:
  log: {type: jsonl, path: events.jsonl}
Y
"$aststream" run pipeline.yaml
touch events.jsonl
for hour in "${hours[@]}"; do
    echo "$hour: $(command sox --i -D "$hour.wav") s, $(grep -c "\"stream\":\"[^\"]*$hour.wav\"" events.jsonl || true) events $(grep "\"stream\":\"[^\"]*$hour.wav\"" events.jsonl | grep -o '"event_label":"[^"]*"' | sort | uniq -c | sort -rn | tr -s ' \n' ' ' || true)"
done
