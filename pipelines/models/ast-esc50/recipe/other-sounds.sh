#!/bin/bash
# Gathers what is not one of the fifty classes, as 16 kHz mono 16-bit raw files: speech, music and other sounds out of Debian 12's
# packages, and espeak-ng reading licences aloud. Usage: other-sounds.sh FOLDER
set -euo pipefail
export LC_ALL=C # one order of the files everywhere
[ $# -eq 1 ] || { echo "usage: other-sounds.sh FOLDER" >&2; exit 2; }
source "$(dirname "$0")/../../../../deploy/common.sh"
mkdir -p "$1"/{deb,tree,speech,speech-test,music,other}
out=$(realpath "$1")
need_tool ffmpeg ffmpeg "reading sounds"
need_tool espeak-ng espeak-ng "reading aloud"

speech="asterisk-core-sounds-en-g722 asterisk-core-sounds-fr-g722 asterisk-core-sounds-es-g722 asterisk-core-sounds-ru-g722"
actors="fillets-ng-data-cs"
words="klettres-data ktuberling-data"
test_speech="asterisk-core-sounds-it-g722"
music="asterisk-moh-opsound-g722 wesnoth-1.16-music frozen-bubble-data supertux-data lincity-ng-data extremetuxracer-data"
other="wesnoth-1.16-data tuxpaint-stamps-default pysiogame sound-theme-freedesktop"
for package in $speech $actors $words $test_speech $music $other; do
    [ -d "$out/tree/$package" ] && continue
    rm -rf "$out/tree/part"
    unpack "$package" "$out/deb" "$out/tree/part"
    mv "$out/tree/part" "$out/tree/$package"
done
cd "$out/tree" # paths from here on don't depend on where FOLDER lies

# decode FILE TO SECONDS [START]: at most SECONDS of it, from START on. What can't be decoded is left out.
decode() {
    local raw=(); case $1 in *.g722) raw=(-f g722) ;; esac
    [ -s "$2" ] && return
    ffmpeg -nostdin -v error -y "${raw[@]}" ${4:+-ss "$4"} -i "$1" -t "$3" -ac 1 -ar 16000 -f s16le "$2.part" && mv "$2.part" "$2" || rm -f "$2.part"
}
export -f decode

# gather KIND COUNT SECONDS START < list of files: COUNT of them, evenly spread over the sorted list
gather() {
    sort | awk -v count="$2" '{ line[NR] = $0 } END { step = NR > count ? NR / count : 1; for (i = 1; i <= NR; i += step) print line[int(i)] }' |
        awk -v dir="$out/$1" -v seconds="$3" -v start="$4" '{ name = $0; gsub("[^A-Za-z0-9]", "_", name); print $0; print dir "/" substr(name, length(name) > 100 ? length(name) - 100 : 1) ".s16"; print seconds; print start }' |
        xargs -d '\n' -n 4 -P "$(nproc)" bash -c 'decode "$0" "$1" "$2" "$3"'
}
# ones TREE...: the sounds under a package
ones() { find "$@" -type f \( -name '*.g722' -o -name '*.ogg' -o -name '*.wav' -o -name '*.oga' \); }

for p in $speech; do ones "$p" | gather speech 250 15 ""; done
ones tuxpaint-stamps-default | grep _desc | gather speech 700 10 ""
ones $actors | gather speech 1000 15 ""
ones $words | grep -v 'klettres/[i-z]' | gather speech 1000 5 "" # letters and words, by dozens of people with poor microphones
ones $words | grep 'klettres/[i-z]' | gather speech-test 300 5 ""
for p in $test_speech; do ones "$p" | gather speech-test 300 15 ""; done
ones $music | grep -iE "music/|zik" | grep -v g722 | gather music 200 90 20
ones asterisk-moh-opsound-g722 | gather music 10 240 ""
ones $other | grep -v _desc | gather other 2000 12 ""

# espeak-ng reads: voices and texts of the test are not those of the training.
read_aloud() { # TO TEXT VOICE SPEED PITCH
    [ -s "$1" ] && return
    head -c 1400 "/usr/share/common-licenses/$2" | espeak-ng -v "$3" -s "$4" -p "$5" --stdout | ffmpeg -nostdin -v error -y -i - -ac 1 -ar 16000 -f s16le "$1.part"
    mv "$1.part" "$1"
}
i=0
for voice in en-us en-gb+f2 en-us+m3 en-gb+m5 de fr es+f1 it ru pt+f3 nl pl+m2 en-us+f4 en-gb-scotland sv cs ar hi+f2 cmn ja; do
    read_aloud "$out/speech/espeak_$voice.s16" GPL-3 "$voice" $((130 + i % 6 * 15)) $((30 + i % 5 * 12))
    i=$((i + 1))
done
for voice in en-gb en-us+f3 en-gb-x-rp+m1 en-us+m7 de+f2 fr+m4 it+f5 tr; do
    read_aloud "$out/speech-test/espeak_$voice.s16" Artistic "$voice" 160 50
done
for kind in speech speech-test music other; do
    echo "$kind: $(ls "$out/$kind" | wc -l) sounds, $(($(cat "$out/$kind"/*.s16 | wc -c) / 32000 / 60)) minutes"
done
