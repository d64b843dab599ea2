"""Gathers the sound that the model is trained on: public repositories and Debian packages.

    sounds.py CLONES OUT [ESC50] [PART ...]

CLONES has git clones called OWNER+NAME, bare or not, and CLONES/deb Debian's packages; what is missing there is fetched. OUT gets
pcm/all.i16 (mono, 16 bits, 32 kHz), index.tsv (where each recording lies in it, its source, licence, label, and the group of recordings
that are of one origin), dropped.tsv, and ir/ (impulse responses). ESC50 is a folder of ESC-50's layout without fold 4, or - for none.
PART is one or more of repos, debs, speech, ir and big; all by default. Sources that the index has are not done again, so a run that was
broken off may be repeated.

Needs git, ffmpeg with soxr, numpy, dpkg, fluidsynth and espeak-ng.

Held out, and never read: ESC-50's fold 4 and UrbanSound8K's fold 10. Their Freesound ids are made from the names in DroneAudioDataset and
AC-II, and every file whose name or credit carries one is dropped. Sets that hold such clips under other names are left out.
"""
import collections
import csv
import fnmatch
import glob
import gzip
import hashlib
import io
import os
import re
import struct
import subprocess
import sys
import wave
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

if len(sys.argv) < 3:
    raise SystemExit(__doc__)
CLONES, OUT = map(os.path.abspath, sys.argv[1:3])
ESC = sys.argv[3] if len(sys.argv) > 3 else '-'
PARTS = sys.argv[4:] or ['repos', 'debs', 'speech', 'ir', 'big']
RATE, LIMIT = 32000, 300
TMP = OUT + '/tmp'
for folder in (CLONES + '/deb', OUT + '/pcm', OUT + '/ir', TMP):
    os.makedirs(folder, exist_ok=True)
DEBS = '''
lincity-ng-data scratch gcompris-qt-data warmux-data openttd-opensfx scorched3d-data triplea btanks-data ufoai-sound lugaru-data
sonic-pi-samples colobot-common-sounds xemacs21-basesupport pekka-kana-2-data freedoom minetest-data libreoffice-common lomiri-sounds
searchandrescue-data simutrans-pak64 flare-game supertux-data bucklespring-data tuxpaint-data
'''.split()
ASTERISK = '''
asterisk-core-sounds-en-g722 asterisk-core-sounds-es-g722 asterisk-core-sounds-fr-g722 asterisk-core-sounds-it-g722
asterisk-core-sounds-ru-g722
'''.split()
AUDIO = r'(?i)\.(wav|mp3|ogg|oga|flac|aif|aiff|au|m4a|opus|caf|3gp)$'


# ---------------------------------------------------------------- git
class Repo:
    def __init__(self, name, commit='HEAD'):
        d = f'{CLONES}/{name.replace("/", "+")}'
        self.name, self.folder = name, d
        self.commit = commit
        self.p = None

    @property
    def dir(self):
        if not os.path.exists(self.folder):
            subprocess.run(['git', 'clone', '-q', '--no-checkout', f'https://github.com/{self.name}', self.folder], check=True)
        return self.folder + '/.git' if os.path.exists(self.folder + '/.git') else self.folder

    def git(self, *a):
        return subprocess.run(['git', '--git-dir=' + self.dir, *a], stdout=subprocess.PIPE, check=True).stdout

    def files(self, pattern=AUDIO, under=()):
        out = self.git('ls-tree', '-r', '-z', self.commit, *under).decode('utf-8', 'surrogateescape')
        for e in out.split('\0'):
            if e:
                meta, path = e.split('\t', 1)
                mode, kind, sha = meta.split()
                if kind == 'blob' and mode != '120000' and re.search(pattern, path):
                    yield path, sha

    def blob(self, sha):
        """The blob's bytes, or None where this clone does not have it."""
        if not self.p:
            self.p = subprocess.Popen(
                ['git', '--git-dir=' + self.dir, 'cat-file', '--batch'],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        self.p.stdin.write(sha.encode() + b'\n')
        self.p.stdin.flush()
        h = self.p.stdout.readline().split()
        if not h or h[-1] == b'missing':
            if not h:
                self.p = None
            return None
        data = self.p.stdout.read(int(h[2]))
        self.p.stdout.read(1)
        return data

    def text(self, path):
        return self.git('show', f'{self.commit}:{path}').decode('utf-8', 'replace')


# ---------------------------------------------------------------- held out
DRONE = Repo('saraalemadi/DroneAudioDataset', '1f1ffb214c63215c95176dcb70dda246f8ad96c1')
US8K = Repo('Alejandro-131004/AC-II', '8f8b8f279a1f8b240a3b3019191229c225793e7a')
HELD4 = {re.match(r'4-(\d+)', os.path.basename(p)).group(1) for p, _ in DRONE.files(r'/4-\d+-[^/]*\.wav$', ['Binary_Drone_Audio/unknown'])}
HELD10 = {os.path.basename(p).split('-')[0] for p, _ in US8K.files(r'\.wav$', ['UrbanSound8K/audio/fold10'])}
HELD = HELD4 | HELD10
assert len(HELD4) > 100 and len(HELD10) > 50, 'no held-out ids'


def held(path, own_folds=False):
    base = os.path.basename(path)
    ids = {str(int(x)) for x in re.findall(r'\d+', base) if len(x) < 12}
    if ids & HELD4:
        return 'held out: id of ESC-50 fold 4'
    if ids & HELD10:
        return 'held out: id of UrbanSound8K fold 10'
    if not own_folds and re.match(r'4-\d+-[A-Z]', base):
        return 'held out: ESC-50 fold 4'
    if 'fold10/' in path:
        return 'held out: UrbanSound8K fold 10'


# ---------------------------------------------------------------- classes
ESC50 = '''dog rooster pig cow frog cat hen insects sheep crow rain sea_waves crackling_fire crickets
chirping_birds water_drops wind pouring_water toilet_flush thunderstorm crying_baby sneezing clapping
breathing coughing footsteps laughing brushing_teeth snoring drinking_sipping door_wood_knock mouse_click
keyboard_typing door_wood_creaks can_opening washing_machine vacuum_cleaner clock_alarm clock_tick
glass_breaking helicopter chainsaw siren car_horn engine train church_bells airplane fireworks hand_saw'''.split()
ESC10 = {0, 1, 10, 11, 12, 20, 21, 38, 40, 41}  # this part of ESC-50 is CC BY, the rest CC BY-NC
US8KCLS = '''air_conditioner car_horn children_playing dog_bark drilling engine_idling gun_shot jackhammer
siren street_music'''.split()
HU100 = [
    (17, 'crowd'),
    (29, 'machine'),
    (43, 'alarm_siren'),
    (46, 'traffic_car'),
    (55, 'animal'),
    (69, 'water'),
    (78, 'wind'),
    (82, 'bell'),
    (85, 'cough'),
    (86, 'clap'),
    (87, 'snore'),
    (88, 'click'),
    (90, 'laugh'),
    (92, 'yawn'),
    (93, 'cry'),
    (94, 'shower'),
    (95, 'tooth_brushing'),
    (97, 'footsteps'),
    (98, 'door'),
    (100, 'phone_dialing'),
]
GM = [
    name.strip()
    for name in '''
Acoustic Grand Piano, Bright Acoustic Piano, Electric Grand Piano, Honky-tonk Piano, Electric Piano 1, Electric Piano 2, Harpsichord,
Clavinet, Celesta, Glockenspiel, Music Box, Vibraphone, Marimba, Xylophone, Tubular Bells, Dulcimer, Drawbar Organ, Percussive Organ,
Rock Organ, Church Organ, Reed Organ, Accordion, Harmonica, Tango Accordion, Nylon Guitar, Steel Guitar, Jazz Guitar, Clean Guitar,
Muted Guitar, Overdriven Guitar, Distortion Guitar, Guitar Harmonics, Acoustic Bass, Fingered Bass, Picked Bass, Fretless Bass, Slap
Bass 1, Slap Bass 2, Synth Bass 1, Synth Bass 2, Violin, Viola, Cello, Contrabass, Tremolo Strings, Pizzicato Strings, Orchestral Harp,
Timpani, String Ensemble 1, String Ensemble 2, Synth Strings 1, Synth Strings 2, Choir Aahs, Voice Oohs, Synth Voice, Orchestra Hit,
Trumpet, Trombone, Tuba, Muted Trumpet, French Horn, Brass Section, Synth Brass 1, Synth Brass 2, Soprano Sax, Alto Sax, Tenor Sax,
Baritone Sax, Oboe, English Horn, Bassoon, Clarinet, Piccolo, Flute, Recorder, Pan Flute, Blown Bottle, Shakuhachi, Whistle, Ocarina,
Square Lead, Saw Lead, Calliope Lead, Chiff Lead, Charang Lead, Voice Lead, Fifths Lead, Bass and Lead, New Age Pad, Warm Pad, Polysynth
Pad, Choir Pad, Bowed Pad, Metallic Pad, Halo Pad, Sweep Pad, FX Rain, FX Soundtrack, FX Crystal, FX Atmosphere, FX Brightness, FX
Goblins, FX Echoes, FX Sci-fi, Sitar, Banjo, Shamisen, Koto, Kalimba, Bagpipe, Fiddle, Shanai, Tinkle Bell, Agogo, Steel Drums,
Woodblock, Taiko Drum, Melodic Tom, Synth Drum, Reverse Cymbal, Guitar Fret Noise, Breath Noise, Seashore, Bird Tweet, Telephone Ring,
Helicopter, Applause, Gunshot
'''.split(
        ','
    )
]
GMDRUM = [
    name.strip()
    for name in '''
Acoustic Bass Drum, Bass Drum 1, Side Stick, Acoustic Snare, Hand Clap, Electric Snare, Low Floor Tom, Closed Hi-Hat, High Floor Tom,
Pedal Hi-Hat, Low Tom, Open Hi-Hat, Low-Mid Tom, Hi-Mid Tom, Crash Cymbal 1, High Tom, Ride Cymbal 1, Chinese Cymbal, Ride Bell,
Tambourine, Splash Cymbal, Cowbell, Crash Cymbal 2, Vibraslap, Ride Cymbal 2, Hi Bongo, Low Bongo, Mute Hi Conga, Open Hi Conga, Low
Conga, High Timbale, Low Timbale, High Agogo, Low Agogo, Cabasa, Maracas, Short Whistle, Long Whistle, Short Guiro, Long Guiro, Claves,
Hi Wood Block, Low Wood Block, Mute Cuica, Open Cuica, Mute Triangle, Open Triangle
'''.split(
        ','
    )
]

ESCCLS = {}
# Recordings that overlap.py found in UrbanSound8K or ESC-50 too: same group as there.
REGROUP = {
    'CDDA-Soundpack/env/ambience_and_weather/snow.ogg': 'fs:217186',
    'CDDA-Soundpack/env/ambience_and_weather/thunder_near.ogg': 'fs:156999',
    'CDDA-Soundpack/env/ambience_and_weather/thunder_near3.ogg': 'fs:156999',
    'CDDA-Soundpack/env/ambience_and_weather/thunder_far5.ogg': 'fs:156999',
    'sound/CC-Sounds/environment/ambient/police_siren.ogg': 'fs:159743',
    'fire/fire.wav': 'fs:4211',
    'minetest/games/minetest_game/mods/fire/sounds/fire_small.ogg': 'fs:4211',
    'files/sounds/footsteps/snow3.mp3': 'fs:263501',
    'triplea/assets/sounds/ww2/battle_land/battle_land_03_machine_gun_with_background_fighting.mp3': 'fs:110622',
    'triplea/assets/sounds/ww2/battle_land/battle_land_01_infantry_being_shot_at.mp3': 'fs:110622',
    'openttd/baseset/opensfx/opensfx.cat/56 Lumber mill Chainsaw.wav': 'fs:19898',
}


# ---------------------------------------------------------------- store
class Item:
    """One recording to take: data (bytes or a file's path) or None where it is absent."""

    def __init__(self, path, data, label, lic, group, kind='sound', opts=(), ids='', fold=False):
        self.path, self.data, self.label, self.lic, self.group = path, data, label, lic, REGROUP.get(path, group)
        self.kind, self.opts, self.ids, self.fold = kind, list(opts), ids, fold


def decode(it, n):
    f = tmp = None
    if isinstance(it.data, bytes):
        f = tmp = f'{TMP}/{n % 64}{os.path.splitext(it.path)[1][:6] or ".bin"}'
        open(tmp, 'wb').write(it.data)
    else:
        f = it.data
    r = subprocess.run(
        [
            'ffmpeg',
            '-hide_banner',
            '-nostdin',
            '-nostats',
            *it.opts,
            '-i',
            f,
            '-map',
            '0:a:0',
            '-t',
            str(LIMIT),
            '-ac',
            '1',
            '-af',
            f'aresample={RATE}:resampler=soxr:internal_sample_fmt=fltp',
            '-f',
            's16le',
            '-threads',
            '1',
            '-',
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if tmp:
        os.unlink(tmp)
    m = re.search(rb'Audio: .*?(\d+) Hz', r.stderr)
    return np.frombuffer(r.stdout[: len(r.stdout) // 2 * 2], np.int16), int(m.group(1)) if m else 0


class Store:
    HEAD = 'start samples rate source path licence label group kind'.split()

    def __init__(self):
        self.pcmf, self.idxf, self.donef = OUT + '/pcm/all.i16', OUT + '/index.tsv', OUT + '/pcm/done.tsv'
        self.done, self.end, self.rows = set(), 0, 0
        if os.path.exists(self.donef):
            for l in open(self.donef):
                s, e, r = l.rstrip('\n').split('\t')
                self.done.add(s)
                self.end, self.rows = int(e), int(r)
        open(self.pcmf, 'ab').truncate(self.end * 2)  # drop a source broken off half way
        lines = open(self.idxf, encoding='utf-8').read().split('\n')[1 : self.rows + 1] if os.path.exists(self.idxf) else []
        drops = (
            [l for l in open(OUT + '/dropped.tsv', encoding='utf-8') if l.split('\t')[0] in self.done]
            if os.path.exists(OUT + '/dropped.tsv')
            else []
        )
        self.hash = set()
        hs = open(OUT + '/pcm/sha1.txt').read().split()[: self.rows] if os.path.exists(OUT + '/pcm/sha1.txt') else []
        self.hash.update(hs)
        open(self.idxf, 'w', encoding='utf-8').write('\n'.join(['\t'.join(self.HEAD)] + lines) + '\n')
        open(OUT + '/pcm/sha1.txt', 'w').write(''.join(h + '\n' for h in hs))
        open(OUT + '/dropped.tsv', 'w', encoding='utf-8').writelines(drops)
        self.pcm, self.idx = open(self.pcmf, 'ab'), open(self.idxf, 'a', encoding='utf-8')
        self.sha, self.drop = open(OUT + '/pcm/sha1.txt', 'a'), open(OUT + '/dropped.tsv', 'a', encoding='utf-8')

    def run(self, source, items):
        if source in self.done:
            return
        count, secs, n, seen = collections.Counter(), 0.0, 0, set()
        clean = lambda s: re.sub(r'[\t\r\n]', ' ', s).encode('utf-8', 'replace').decode()

        def drop(it, why):
            count[why] += 1
            self.drop.write(f'{source}\t{clean(it.path)}\t{why}\n')

        def put(it, pcm, rate):
            nonlocal secs
            if len(pcm) == 0:
                return drop(it, 'not decoded')
            if len(pcm) < RATE // 10:
                return drop(it, 'shorter than 0.1 s')
            if np.abs(pcm.astype(np.int32)).max() < 33:
                return drop(it, 'silent')
            h = hashlib.sha1(pcm.tobytes()).hexdigest()
            if h in self.hash:
                return drop(it, 'duplicate')
            self.hash.add(h)
            self.sha.write(h + '\n')
            self.pcm.write(pcm.tobytes())
            self.idx.write(
                '\t'.join(map(clean, (str(self.end), str(len(pcm)), str(rate), source, it.path, it.lic, it.label, it.group, it.kind)))
                + '\n'
            )
            self.end += len(pcm)
            self.rows += 1
            secs += len(pcm) / RATE
            count['taken'] += 1

        with ThreadPoolExecutor(2) as ex:
            wait = collections.deque()
            for it in items:
                why = held(it.path, it.fold) or (it.ids and held(it.ids, True))
                if not why and it.data is None:
                    why = 'absent from this clone'
                if not why and isinstance(it.data, bytes):
                    k = hashlib.sha1(it.data).digest()
                    if k in seen:
                        why = 'duplicate'
                    seen.add(k)
                if why:
                    drop(it, why)
                    continue
                wait.append((it, ex.submit(decode, it, n)))
                n += 1
                if len(wait) >= 24:
                    i, f = wait.popleft()
                    put(i, *f.result())
                if n % 200 == 0:
                    self.flush()
            while wait:
                i, f = wait.popleft()
                put(i, *f.result())
        self.flush()
        with open(self.donef, 'a') as f:
            f.write(f'{source}\t{self.end}\t{self.rows}\n')
        print(f'{source}: {secs / 60:.1f} min', dict(count), flush=True)

    def flush(self):
        for f in (self.pcm, self.idx, self.sha, self.drop):
            f.flush()


def stem(p):
    return os.path.splitext(os.path.basename(p))[0]


def trunk(s):
    """A name without its number: door_close_03 -> door_close."""
    t = re.sub(r'(?i)[\W_]*\d+[a-z]?$', '', s)
    return (re.sub(r'[\W_]*\d+$', '', t) or s).lower()


def tail(p, n=2):
    return '/'.join(os.path.splitext(p)[0].split('/')[-n:])


def sha(p):
    return hashlib.sha1(p.encode('utf-8', 'surrogateescape')).hexdigest()


# ---------------------------------------------------------------- repositories
def drone_esc():
    """ESC-50's folds 1, 2, 3 and 5, put together again from their pieces of 1 s."""
    clips = collections.defaultdict(dict)
    for p, s in DRONE.files(r'/[1235]-\d+-[A-Z]-\d+\.wav$', ['Binary_Drone_Audio/unknown']):
        m = re.match(r'(([1235])-(\d+)-[A-Z]-(\d+))(\d)$', stem(p))
        clips[m.group(1)][int(m.group(5))] = (p, s)
    for c, parts in sorted(clips.items()):
        fold, fs, _, cls = c.split('-')
        cls = int(cls)
        data = b''
        for _, (p, s) in sorted(parts.items()):
            with wave.open(io.BytesIO(DRONE.blob(s))) as w:
                assert w.getparams()[:3] == (1, 2, 16000)
                data += w.readframes(w.getnframes())
        f = io.BytesIO()
        with wave.open(f, 'wb') as w:
            w.setparams((1, 2, 16000, 0, 'NONE', ''))
            w.writeframes(data)
        yield Item(
            f'Binary_Drone_Audio/unknown/{c}.wav', f.getvalue(), f'{ESC50[cls]};fold={fold}', 'free' if cls in ESC10 else 'nc', 'fs:' + fs
        )


def drone_yes():
    """Drones; not mixed_*, which may have ESC-50's fold 4 as background."""
    for p, s in DRONE.files(AUDIO, ['Binary_Drone_Audio/yes_drone']):
        if not os.path.basename(p).startswith('mixed_'):
            yield Item(p, DRONE.blob(s), 'drone', 'none', 'dronerec:' + re.sub(r'_?\d{3,}.*', '', stem(p)))


def us8k():
    for p, s in US8K.files(r'UrbanSound8K/audio/fold[123]/.*\.wav$', ['UrbanSound8K/audio']):
        fs, cls = stem(p).split('-')[:2]
        yield Item(p, US8K.blob(s), f'{US8KCLS[int(cls)]};fold={p.split("/")[-2][4:]}', 'nc', 'fs:' + fs)


def esc50_train():
    """8-bit copies; clips without fold are matched by waveform with those of known fold. What is not found is not taken."""
    import concurrent.futures as cf

    def read(f):
        return np.frombuffer(
            subprocess.run(
                ['ffmpeg', '-v', 'error', '-nostdin', '-i', f, '-f', 's16le', '-ac', '1', '-ar', '16000', '-'], stdout=subprocess.PIPE
            ).stdout,
            np.int16,
        )[:80000].astype(np.float32)

    ref = collections.defaultdict(list)
    for it in drone_esc():
        x = np.frombuffer(it.data[44:], np.int16)[:80000].astype(np.float32)
        x = np.pad(x, (0, 80000 - len(x)))
        ref[it.label.split(';')[0]].append((stem(it.path), x / (np.linalg.norm(x) + 1)))
    for row in csv.DictReader(open(ESC + '/meta/esc50.csv')):
        f, cat = f'{ESC}/audio/{row["filename"]}', row['category']
        x = read(f)
        x = np.pad(x, (0, 80000 - len(x)))
        x /= np.linalg.norm(x) + 1
        name, best = max(((n, float(x @ y)) for n, y in ref[cat]), key=lambda t: t[1])
        if row['fold'] and name.split('-')[0] != row['fold'] or best < 0.8:
            print('esc50-train: not matched', row['filename'], name, round(best, 3))
            if not row['fold']:
                continue
            name = stem(row['filename'])
        fold, fs = name.split('-')[:2]
        yield Item(row['filename'], f, f'{cat};fold={fold}', 'free' if ESC50.index(cat) in ESC10 else 'nc', 'fs:' + fs, ids=name)


def simple(repo, commit, fn, under=(), pattern=AUDIO):
    r = Repo(repo, commit)

    def gen():
        for p, s in r.files(pattern, under):
            v = fn(p)
            if v:
                yield Item(p, r.blob(s), *v[:3], **(v[3] if len(v) > 3 else {}))

    return gen


def tonejs(p):
    d = p.split('/')[0]
    if d == 'berklee':
        return stem(p), 'free', 'berklee:' + re.sub(r'[\W_\d]+', '', stem(p).lower())
    if d == 'salamander':
        return 'piano', 'free', 'salamander'
    if d in ('casio', 'loop'):
        return tail(p), 'nc', 'tonejs:' + d


def kitchen20():
    r = Repo('marc-moreaux/kitchen20', '8bc9544507e8c3477eb8fcd3a6c841b661121220')
    cat = {row['path']: (row['category'], row['usr_id']) for row in csv.DictReader(io.StringIO(r.text('kitchen20.csv')))}
    for p, s in r.files(AUDIO, ['audio']):
        c, u = cat.get(p) or ('', stem(p).split('-')[1])
        yield Item(p, r.blob(s), c or 'kitchen', 'free', 'fs:' + u if u.isdigit() else 'kitchen20:' + u, fold=True)


def mod_sounds():
    r = Repo('AntumMT/mod-sounds', 'a002ea8e3b254081101ebe5372bdfe4e473dce48')
    md = r.text('sources.md')
    head, ref, rules = '', {}, []
    for a, b in re.findall(r'^\[([^\]]+)\]: *(\S+)', md, re.M):
        ref[a] = b
    for l in md.split('\n'):
        if l.startswith('| Filename'):
            head = 'sounds_node_' if 'sounds_node_' in l else 'sounds_'
        m = re.match(r'\| \[(.+?)\]\[([^\]]*)\](\*?) *\|', l)
        if m:
            rules.append((head + m.group(1) + m.group(3), ref.get(m.group(2) or m.group(1), '')))
    for p, s in r.files(AUDIO, ['sounds']):
        n, fs = stem(p), ''
        for pat, url in rules:
            if fnmatch.fnmatchcase(n, pat) or fnmatch.fnmatchcase(n, pat + '.*'):
                m = re.search(r'freesound\.org/.*?(\d+)/?$', url)
                fs = m.group(1) if m else ''
        yield Item(p, r.blob(s), re.sub('^sounds_', '', n), 'free', 'fs:' + fs if fs else 'mod-sounds:' + trunk(n), ids=fs)


def cdda():
    r = Repo('Fris0uman/CDDA-Soundpacks', '88586bb600eae4b053a8928bddbd5371d0b1ecc6')
    credit = {}
    for p, s in r.files(r'(?i)credits\.md$'):
        for l in r.blob(s).decode('utf-8', 'replace').split('\n'):
            c = [x.strip() for x in l.split('|')]
            if len(c) > 4:
                credit[os.path.dirname(p) + '/' + c[1]] = l
    for p, s in r.files(AUDIO):
        l = credit.get(p, '')
        m = re.search(r'freesound\.org/\S*?sounds?/(\d+)|freesound\.org/s/(\d+)', l)
        fs = (m.group(1) or m.group(2)) if m else ''
        lic = 'nc' if re.search(r'NC|Sampling|Noncom', l) else 'free'
        yield Item(
            p, r.blob(s), tail(p), lic, 'fs:' + fs if fs else 'cdda:' + tail(os.path.dirname(p) + '/' + trunk(stem(p)) + '.x'), ids=fs
        )


def librosa():
    r = Repo('librosa/data', '450cdd8a002c98e7bdbfebb309fc1ed024001f77')
    t = {p: r.blob(s).decode('utf-8', 'replace') for p, s in r.files(r'\.txt$', ['audio'])}
    for p, s in r.files(r'\.hq\.ogg$', ['audio']):
        n = p[: -len('.hq.ogg')]
        lic = 'nc' if re.search(r'(?i)by-nc|NC 3|noncommercial', t.get(n + '.txt', '')) else 'free'
        m = re.match(r'(\d+)__', os.path.basename(n))
        yield Item(p, r.blob(s), os.path.basename(n), lic, 'fs:' + m.group(1) if m else 'librosa:' + os.path.basename(n))


def philharmonia():
    r = Repo('skratchdot/philharmonia-samples', '717b7de2bcae05e44aa8a3dde143c8d093b8f6c8')
    n = collections.Counter()
    for p, s in sorted(r.files(AUDIO, ['audio']), key=lambda t: sha(t[0])):
        inst = '/'.join(p.split('/')[1:-1])
        if n[inst] >= 98 or sum(n.values()) >= 1500:
            continue
        n[inst] += 1
        yield Item(p, r.blob(s), inst, 'none', 'phil:' + '_'.join(stem(p).split('_')[:2]))


def yashnita(p):
    # Kedi, Kopek and Koyun (cats, dogs, sheep) have ESC-50 and UrbanSound8K recordings under other names
    c = {'Aslan': 'lion', 'Esek': 'donkey', 'Inek': 'cow', 'Kurbaga': 'frog', 'Kus': 'bird', 'Maymun': 'monkey', 'Tavuk': 'hen'}.get(
        p.split('/')[0].split('-')[0]
    )
    if c:
        return c, 'none', 'yashnita:' + stem(p).lower()


def snoring(p):
    if '/snoring/' in p:
        return 'snoring', 'none', f'snore:1:{int(stem(p).split("_")[1]) // 25}'
    if '_nohash_' in p:  # Speech Commands, CC BY 4.0: sixty a word
        if int(sha(p)[:4], 16) % 4000 < 90:
            return 'speech/' + p.split('/')[-2], 'free', 'sc:' + stem(p).split('_')[0]


def giulbia(p):
    c = p.split('/')[1].split(' - ')[1].lower().replace(' ', '_')
    m = re.match(r'([1-5])-(\d+)-[A-Z]', stem(p))
    if m:
        if not ESCCLS:
            ESCCLS.update(
                stem(q)[:-1].rsplit('-', 1) for q, _ in DRONE.files(r'/[1235]-\d+-[A-Z]-\d+\.wav$', ['Binary_Drone_Audio/unknown'])
            )
        k = int(ESCCLS.get(stem(p), -1)) if m.group(1) != '4' else -1
        return f'{ESC50[k] if k >= 0 else c};fold={m.group(1)}', 'free' if k in ESC10 else 'nc', 'fs:' + m.group(2)
    return c, 'none', 'giulbia:' + re.sub(r'_\d+$', '', stem(p))


def hernanmd():
    r = Repo('hernanmd/COVID-19-train-audio', 'b9553550f85623adc5303c3ce4f65d0e4d6fa0e6')
    fs = list(r.files())
    names = {p for p, _ in fs}
    for p, s in fs:
        if p.endswith('.mp3') and p[:-4] + '.wav' in names:
            continue
        yield Item(p, r.blob(s), 'cough/' + stem(p), 'none', 'hernanmd:' + stem(p))


def sharwin(p):
    n, d = stem(p), p.split('/')[-2]
    m = re.match(r'([a-z]+)_(small|large)', n)
    return (m.group(1) if m else d), 'none', 'sharwin:' + (p.split('/')[0] + m.group(0) if m else d)


def fsdd(p):
    d, who, i = stem(p).split('_')
    if int(i) < 10:
        return 'speech/digit_' + d, 'free', 'fsdd:' + who


def noises(p):
    n = stem(p)
    if '/n' in p and n[1:].isdigit():
        return 'background/' + next(c for k, c in HU100 if int(n[1:]) <= k), 'nc', 'hu100:' + n, {'kind': 'background'}
    return 'background/' + n, 'nc', 'noisex:' + n, {'kind': 'background'}


def redeclipse(p):
    d = p.split('/')[0]
    return tail(p), 'none' if d in ('egmusic', 'music') else 'free', 'redeclipse:' + os.path.dirname(p) + '/' + trunk(stem(p))


def labelled(prefix, lic, depth=2, cut=''):
    return lambda p: (tail(p, depth), lic, f'{prefix}:{os.path.dirname(p)[len(cut):]}/{trunk(stem(p))}')


REPOS = [
    ('DroneAudioDataset/esc50', drone_esc),
    ('UrbanSound8K', us8k),
    ('Tonejs/audio', simple('Tonejs/audio', 'efd8296360f9526e379bfbe5c1698ff54d6a1d34', tonejs)),
    ('DroneAudioDataset/drone', drone_yes),
    ('esc50', esc50_train if ESC != '-' else None),
    ('kitchen20', kitchen20),
    (
        'jt-uiowa',
        simple(
            'jt-uiowa/causal-inference-in-environmental-sound-recognition_data',
            '520e199d41bc9cd80f726f55c2824843533ddb7e',
            lambda p: (re.sub(r'^stim|_?\d+dB$', '', p.split('/')[-2]), 'none', 'uiowa:' + p.split('/')[-2]),
            ['booth_recorded_sound_stimuli'],
        ),
    ),
    (
        'moodist',
        simple(
            'remvze/moodist',
            '983f7412e8cd054e76d156977c563da2028e4428',
            lambda p: None if 'binaural' in p or 'silence' in p else (tail(p), 'none', 'moodist:' + stem(p)),
            ['public/sounds'],
        ),
    ),
    ('Animal-Sound-Dataset', simple('YashNita/Animal-Sound-Dataset', '574b5e2d9b071f142b464bb7b43d6a736ebb0dac', yashnita)),
    ('mod-sounds', mod_sounds),
    (
        'SASED',
        simple(
            'Stevens05/SASED',
            '66b1f3d1e2457689367a843b5f2566ecfb58ada8',
            lambda p: (re.sub(r'\d+$', '', stem(p)), 'none', 'sased:' + stem(p)),
            ['data/train/sound'],
        ),
    ),
    ('Sharwin24', simple('Sharwin24/Machine-Learning-and-Sensing', '75276c08b7681169dc0c30f5bffc04a4db6b52d6', sharwin, ['A1', 'A2'])),
    (
        'Snoring-Detection',
        simple('adrianagaler/Snoring-Detection', 'cae6c6e1b831562ac5ad45c3f430381a046627d1', snoring, ['Snoring_Dataset_@16000']),
    ),
    ('baby_cry_detection', simple('giulbia/baby_cry_detection', '1b93c63b378f61976b6946298e2897c0b90a880f', giulbia, ['data'])),
    (
        'donateacry-corpus',
        simple(
            'gveres/donateacry-corpus',
            '6baf5aca0460964ad072653585837f968a87c2af',
            lambda p: ('baby_cry/' + p.split('/')[-2], 'free', 'donateacry:' + stem(p)[:36].lower()),
            ['donateacry_corpus_cleaned_and_updated_data'],
        ),
    ),
    (
        'virufy-data',
        simple(
            'virufy/virufy-data',
            'e42d7e189831e91859424cbd11b84dfa85485c34',
            lambda p: ('cough', 'nc', 'virufy:' + '-'.join(stem(p).split('-')[1:3])),
        ),
    ),
    ('COVID-19-train-audio', hernanmd),
    ('Fris0uman/CDDA-Soundpacks', cdda),
    (
        'budg3/CDDA-Soundpack',
        simple(
            'budg3/CDDA-Soundpack',
            'aaf81198bd9139855d4f320529bb810a4b78fa06',  # its music is of commercial games
            lambda p: None if '/music/' in p else labelled('budg3', 'none', cut='CDDA-Soundpack')(p),
        ),
    ),
    ('redeclipse/sounds', simple('redeclipse/sounds', 'ce37957f444a5402b9b5a899032c70453f85db16', redeclipse)),
    (
        'PenguinMod',
        simple(
            'PenguinMod/PenguinMod-ObjectLibraries',
            'b541350dfac488aefff29b2777df3b1a115b8923',
            labelled('penguin', 'free', cut='files/sounds'),
        ),
    ),
    (
        'Drone-detection-dataset',
        simple(
            'DroneDetectionThesis/Drone-detection-dataset',
            '442d0c6750708cc221636f7a1fd31cbd8cb0aeb8',
            lambda p: (stem(p).split('_')[0].lower(), 'free', f'ddd:{stem(p).split("_")[0]}:{int(stem(p).split("_")[1]) // 5}'),
            ['Data/Audio'],
        ),
    ),
    ('philharmonia-samples', philharmonia),
    (
        'Dirt-Samples',
        simple(
            'tidalcycles/Dirt-Samples', 'c74fc80f8db8038f6a33648ffef5ac00a07ad402', lambda p: (tail(p), 'none', 'dirt:' + p.split('/')[0])
        ),
    ),
    ('librosa/data', librosa),
    ('free-spoken-digit', simple('Jakobovski/free-spoken-digit-dataset', '26eb9aaf76e81b692f806f9140c2d2777410d7a1', fsdd, ['recordings'])),
    (
        'web-audio-samples',
        simple(
            'GoogleChromeLabs/web-audio-samples',
            'f5fb1a57acce3f7f0a4aedb443de8cc39f206973',
            labelled('webaudio', 'free', cut='src/sounds'),
            ['src/sounds/fx', 'src/sounds/loops', 'src/sounds/drum-samples'],
        ),
    ),
    ('speechdnn/Noises', simple('speechdnn/Noises', 'ea0eae0c5f43435a43ddc5fe72510767e7b04186', noises, ['NoiseX-92', 'Nonspeech'])),
    (
        'wids_tutorial',
        simple(
            'chaeyoung-lee/wids_tutorial',
            '7d028e7211c846244903eb59664087f1fb3e4c07',  # Speech Commands' backgrounds, CC BY 4.0
            lambda p: ('background/' + stem(p), 'free', 'scbg:' + stem(p), {'kind': 'background'}),
            ['data/_background_noise_'],
        ),
    ),
]


# ---------------------------------------------------------------- packages
def unpack(pkg):
    d = f'{CLONES}/deb/{pkg}'
    if not os.path.isdir(d):
        if not glob.glob(f'{CLONES}/deb/{pkg}_*.deb'):
            subprocess.run(['apt-get', 'download', '-qq', pkg], cwd=CLONES + '/deb')
        f = sorted(glob.glob(f'{CLONES}/deb/{pkg}_*.deb'))
        if not f:
            print('missing:', pkg, flush=True)
            return None
        subprocess.run(['dpkg', '-x', f[-1], d + '.tmp'], check=True)
        os.rename(d + '.tmp', d)
    return d


def rcc(b):
    """Qt resource file -> (path, bytes)."""
    if b[:4] != b'qres':
        return
    ver, tree, data, names = struct.unpack('>4I', b[4:20])
    size = 22 if ver >= 2 else 14

    def walk(i, path):
        o = tree + i * size
        no, fl = struct.unpack('>IH', b[o : o + 6])
        (n,) = struct.unpack('>H', b[names + no : names + no + 2])
        name = b[names + no + 6 : names + no + 6 + 2 * n].decode('utf-16-be') if i else ''
        if fl & 2:
            cnt, first = struct.unpack('>2I', b[o + 6 : o + 14])
            for k in range(cnt):
                yield from walk(first + k, path + '/' + name if name else path)
        else:
            (do,) = struct.unpack('>I', b[o + 10 : o + 14])
            (n,) = struct.unpack('>I', b[data + do : data + do + 4])
            x = b[data + do + 4 : data + do + 4 + n]
            if fl & 1:
                x = zlib.decompress(x[4:])
            if not fl & 4:
                yield (path + '/' + name).lstrip('/'), x

    yield from walk(0, '')


def cat(b):
    """OpenTTD's sound file -> (name, wave)."""
    n = (struct.unpack('<I', b[:4])[0] & 0x7FFFFFFF) // 8
    for i in range(n):
        o = struct.unpack('<I', b[i * 8 : i * 8 + 4])[0] & 0x7FFFFFFF
        k = b[o]
        name = b[o + 1 : o + 1 + k].rstrip(b'\0').decode('latin1')
        r = b.find(b'RIFF', o, o + 300)
        if r >= 0:
            size = struct.unpack('<I', b[r + 4 : r + 8])[0] + 8
            t = r + size
            more = b[t + 1 : t + 1 + b[t]].rstrip(b'\0').decode('latin1') if t < len(b) else ''
            title = re.sub(r'[^\w ()-]', '', (re.match(r'"([^"]+)"', name) or [0, name])[1])
            yield f'{i:02d} {title}.wav', b[r : r + size], name + more


def wad(b):
    """Doom's lumps DS*, 8-bit samples -> (name, wave)."""
    n, o = struct.unpack('<2i', b[4:12])
    for i in range(n):
        p, size, name = struct.unpack('<2i8s', b[o + 16 * i : o + 16 * i + 16])
        name = name.rstrip(b'\0').decode('latin1')
        x = b[p : p + size]
        if name.startswith('DS') and size > 40 and x[:2] == b'\3\0':
            rate, cnt = struct.unpack('<HI', x[2:8])
            f = io.BytesIO()
            with wave.open(f, 'wb') as w:
                w.setparams((1, 1, rate, 0, 'NONE', ''))
                w.writeframes(x[24 : 8 + cnt - 16])
            yield name + '.wav', f.getvalue()


def package(pkg):
    d = unpack(pkg)
    if not d:
        return

    def item(p, data, credit=''):
        q = re.sub(r'^usr/(share|lib)/(games/)?', '', p)
        return Item(q, data, tail(q), 'free', f'{pkg}:{os.path.dirname(q)}/{trunk(stem(q))}', ids=credit)

    for root, dirs, files in os.walk(d):
        dirs.sort()
        for f in sorted(files):
            full = os.path.join(root, f)
            p = os.path.relpath(full, d)
            if os.path.islink(full) or not os.path.isfile(full):
                continue
            if re.search(AUDIO, f):
                yield item(p, open(full, 'rb').read())
            elif f.endswith(('.rcc', '.cat', '.wad')):
                for n, x, *credit in {'.rcc': rcc, '.cat': cat, '.wad': wad}[f[-4:]](open(full, 'rb').read()) or ():
                    if re.search(AUDIO, n):
                        yield item(f'{p}/{n}', x, *credit)
            elif f.endswith(('.pk3', '.zip', '.sb2')):
                try:
                    z = zipfile.ZipFile(full)
                except zipfile.BadZipFile:
                    continue
                for n in sorted(z.namelist()):
                    if re.search(AUDIO, n):
                        yield item(f'{p}/{n}', z.read(n))


# ---------------------------------------------------------------- speech and instruments that are made
def asterisk():
    for pkg in ASTERISK:
        d = unpack(pkg)
        fs = sorted(
            (os.path.join(r, f) for r, _, ff in os.walk(d or '/nonexistent') for f in ff if f.endswith('.g722')),
            key=lambda f: sha(os.path.relpath(f, d)),
        )
        for f in [f for f in fs if os.path.getsize(f) > 8000 and '/silence/' not in f][:80]:
            yield Item(os.path.relpath(f, d), f, 'speech/' + pkg.split('-')[3], 'free', pkg, opts=['-f', 'g722'])


def midi():
    """All programs and the drums of General MIDI in one piece; returns its bytes and the slots."""
    ev, slots, t0 = [], [], 0  # 1 tick = 1 ms

    def note(t, ch, k, v, n):
        ev.append((t, 1, bytes([0x90 | ch, k, v])))
        ev.append((t + n, 0, bytes([0x80 | ch, k, 0])))

    for prog, name in enumerate(GM):
        low = prog in range(32, 40) or prog in (42, 43, 47, 57, 58, 67, 70)
        for take in range(3):
            ev.append((t0, -1, bytes([0xC0, prog])))
            base = 36 if low else 60
            base += (0, -5, 7)[take]
            if take == 0:  # a slow scale
                for i, k in enumerate((0, 2, 4, 5, 7, 9, 11, 12)):
                    note(t0 + 100 + i * 600, 0, base + k, 95, 560)
            elif take == 1:  # chords
                for i, ch in enumerate(((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7, 12))):
                    for k in ch:
                        note(t0 + 100 + i * 1250, 0, base + k, 85, 1150)
            else:  # a quick tune
                for i, k in enumerate((0, 4, 7, 12, 7, 4, 0, 2, 5, 9, 5, 2, 0, -1, 0, 7)):
                    note(t0 + 100 + i * 300, 0, base + k, 105, 260)
            slots.append((t0, 6500, name, f'{prog:03d}_{take}'))
            t0 += 7000
    for kit, kn in ((0, 'standard'), (16, 'power'), (25, 'electronic'), (32, 'jazz'), (40, 'brush'), (48, 'orchestral')):
        if kit == 0:
            for i, name in enumerate(GMDRUM):
                ev.append((t0, -1, bytes([0xC9, kit])))
                for j, dt in enumerate((100, 1100, 1600, 1850, 2100)):
                    note(t0 + dt, 9, 35 + i, (100, 80, 110, 70, 100)[j], 200)
                slots.append((t0, 3500, name, f'drum_{35 + i}'))
                t0 += 4000
        ev.append((t0, -1, bytes([0xC9, kit])))
        for i in range(32):
            t = t0 + 100 + i * 180
            note(t, 9, 42 if i % 4 != 2 else 46, 70, 100)
            if i % 8 in (0, 5):
                note(t, 9, 36, 110, 100)
            if i % 8 == 4:
                note(t, 9, 38, 105, 100)
            if i >= 28:
                note(t, 9, (50, 47, 43, 49)[i - 28], 110, 100)
        slots.append((t0, 7000, 'Drum kit ' + kn, f'kit_{kit}'))
        t0 += 8000

    def var(n):
        b = [n & 127]
        while n > 127:
            n >>= 7
            b.insert(0, n & 127 | 128)
        return bytes(b)

    ev.sort(key=lambda e: e[:2])
    trk, t = b'\0\xff\x51\x03' + (1000000).to_bytes(3, 'big'), 0
    for e in ev:
        trk += var(e[0] - t) + e[2]
        t = e[0]
    trk += var(3000) + b'\xff\x2f\0'
    return b'MThd' + struct.pack('>I3H', 6, 0, 1, 1000) + b'MTrk' + struct.pack('>I', len(trk)) + trk, slots


def soundfont():
    d = unpack('fluid-soundfont-gm')
    if not d:
        return
    data, slots = midi()
    open(TMP + '/gm.mid', 'wb').write(data)
    subprocess.run(
        [
            'fluidsynth',
            '-niq',
            '-g',
            '0.6',
            '-r',
            '32000',
            '-O',
            's16',
            '-T',
            'wav',
            '-F',
            TMP + '/gm.wav',
            d + '/usr/share/sounds/sf2/FluidR3_GM.sf2',
            TMP + '/gm.mid',
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with wave.open(TMP + '/gm.wav') as w:
        ch, rate = w.getnchannels(), w.getframerate()
        for t, n, name, num in slots:
            w.setpos(t * rate // 1000)
            f = io.BytesIO()
            b = w.readframes(n * rate // 1000)
            with wave.open(f, 'wb') as o:
                o.setparams((ch, 2, rate, 0, 'NONE', ''))
                o.writeframes(b)
            yield Item(f'gm/{num}_{name}.wav', f.getvalue(), 'gm/' + name, 'free', 'gm:' + name)
    os.unlink(TMP + '/gm.wav')


VOICES = [
    ('en-us', 'en', ''),
    ('en-gb', 'en', ''),
    ('en-us+m3', 'en', ''),
    ('en-us+m7', 'en', ''),
    ('en-gb+f2', 'en', ''),
    ('en-us+f3', 'en', ''),
    ('en-gb+f5', 'en', ''),
    ('en-us+whisper', 'en', ''),
    ('en-us+croak', 'en', ''),
    ('en-us+klatt2', 'en', ''),
    ('en-gb-scotland+m5', 'en', ''),
    ('de+m2', 'de', ''),
    ('de+f4', 'de', ''),
    ('fr+f1', 'fr', ''),
    ('es+m4', 'es', ''),
    ('it+f3', 'it', ''),
    ('pl+m6', 'pl', ''),
    ('ru+f2', 'ru', ''),
    ('nl+m1', 'nl', ''),
    ('pt-br+f5', 'pt-br', ''),
]


def mantext(lang, skip):
    d = unpack('manpages' if lang == 'en' else 'manpages-' + lang)
    out = []
    if not d:
        return ''
    for f in sorted(
        (
            os.path.join(r, f)
            for r, _, ff in os.walk(d)
            for f in ff
            if f.endswith('.gz') and '/man' in r and not os.path.islink(os.path.join(r, f))
        ),
        key=lambda f: sha(os.path.relpath(f, d)),
    ):
        for l in gzip.open(f, 'rt', encoding='utf-8', errors='ignore'):
            if l[0] not in '.\'"' and len(l) > 60:
                l = re.sub(r'\\f.|\\[&%]|\\\(..|\\\[\w+\]', '', l)
                l = re.sub(r'[\\<>|{}=_*/@#~^`]', ' ', l)
                out.append(' '.join(l.split()))
        if sum(map(len, out)) > (skip + 1) * 3000:
            break
    return ' '.join(out)[skip * 3000 : (skip + 1) * 3000]


def espeak():
    n = collections.Counter()
    for v, lang, _ in VOICES:
        text = mantext(lang, n[lang])
        n[lang] += 1
        if not text:
            continue
        f = f'{TMP}/speech.wav'
        subprocess.run(['espeak-ng', '-v', v, '-s', str(140 + 10 * (sum(n.values()) % 5)), '-w', f], input=text.encode(), check=True)
        yield Item(f'espeak/{v}.wav', open(f, 'rb').read(), 'speech/synthetic/' + v, 'free', 'espeak:' + v, opts=['-t', '120'])


# ---------------------------------------------------------------- impulse responses
def impulses():
    rows = []

    def one(src, r, p, s, lic, kind):
        b = r.blob(s)
        if b is None:
            print('ir absent:', src, p)
            return
        f = f'{TMP}/ir{os.path.splitext(p)[1]}'
        open(f, 'wb').write(b)
        name = re.sub(r'[^A-Za-z0-9]+', '_', src.split('/')[-1] + '__' + stem(p)).strip('_') + '.wav'
        # the first channel alone: mixing the channels of a room would comb it
        x = subprocess.run(
            [
                'ffmpeg',
                '-v',
                'error',
                '-nostdin',
                '-y',
                '-i',
                f,
                '-map',
                '0:a:0',
                '-af',
                f'pan=mono|c0=c0,aresample={RATE}:resampler=soxr',
                '-c:a',
                'pcm_f32le',
                f'{OUT}/ir/{name}',
            ],
            stderr=subprocess.PIPE,
        )
        os.unlink(f)
        if x.returncode:
            print('ir not decoded:', src, p)
            return
        rows.append((name, src, p, lic, kind))

    room = re.compile(r'kitchen|binaural-s3|cardiod|omni-|super-ceiling|warehouse|echo-chamber|ambisonic|wildecho|tunnel')
    r = Repo('GoogleChromeLabs/web-audio-samples', 'f5fb1a57acce3f7f0a4aedb443de8cc39f206973')
    for p, s in r.files(AUDIO, ['src/sounds/impulse-responses']):
        one('GoogleChromeLabs/web-audio-samples', r, p, s, 'free', 'room' if room.search(p) else 'filter' if 'filter' in p else 'effect')
    r = Repo('Tonejs/audio', 'efd8296360f9526e379bfbe5c1698ff54d6a1d34')
    for p, s in r.files(r'berlin_tunnel', ['impulse-responses']):
        one('Tonejs/audio', r, p, s, 'none', 'room')
    r = Repo('rerdavies/ToobAmp', 'e1c7b03395afc3ba39d60c1b2b59ccb73f802828')
    for p, s in r.files(AUDIO, ['impulseFiles']):
        one('rerdavies/ToobAmp', r, p, s, 'free', 'cabinet' if 'CabIR' in p else 'room')
    r = Repo('oramics/sampled', '84d3405e107ad52986e7ca99af6a4ed3efe205de')
    for p, s in r.files(AUDIO, ['IR']):
        k = (
            'plate'
            if 'EMT' in p
            else 'cabinet'
            if 'cabinet' in p
            else 'effect'
            if re.search(r'deep_space|on_a_star|rays|going_home|vocal_duo|echo_hall', p)
            else 'room'
        )
        one('oramics/sampled', r, p, s, 'free' if 'Voxengo' in p else 'none', k)
    r = Repo('notthetup/auralizr', 'edd00d07dbb72f70f67e662aa993dfabc2f48ac9')
    for p, s in r.files(AUDIO, ['docs/audio']):
        one('notthetup/auralizr', r, p, s, 'free', 'room')
    with open(OUT + '/ir/index.tsv', 'w') as f:
        f.write('file\tsource\tpath\tlicence\tkind\n')
        for x in rows:
            f.write('\t'.join(x) + '\n')
    print('impulse responses:', len(rows), dict(collections.Counter(x[4] for x in rows)))


# ---------------------------------------------------------------- all
st = Store()
print(f'held out: {len(HELD4)} ids of ESC-50 fold 4, {len(HELD10)} of UrbanSound8K fold 10, {len(HELD)} together', flush=True)
if 'repos' in PARTS:
    for name, fn in REPOS:
        try:
            if fn:
                st.run(name, fn())
        except subprocess.CalledProcessError:
            print('missing:', name, flush=True)  # it can be had later: what was taken of it is taken back, and the next run begins it again
if 'debs' in PARTS:
    for pkg in DEBS:
        st.run(pkg, package(pkg))
if 'speech' in PARTS:
    st.run('fluid-soundfont-gm', soundfont())
    st.run('asterisk', asterisk())
    st.run('espeak-ng', espeak())
if 'ir' in PARTS:
    impulses()
if 'big' in PARTS:
    for pkg in ('torcs-data', 'widelands-data'):
        st.run(pkg, package(pkg))
with open(OUT + '/held_out_ids.txt', 'w') as f:
    f.writelines(f'{i}\t{"esc50-4" if i in HELD4 else ""}\t{"us8k-10" if i in HELD10 else ""}\n' for i in sorted(HELD, key=int))
print(f'all: {st.rows} recordings, {st.end / RATE / 3600:.2f} h')
