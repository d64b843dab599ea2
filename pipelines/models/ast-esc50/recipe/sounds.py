"""The recordings, how they are split, and the endless mixtures made of them."""
import csv
import glob
import os

import numpy as np
import soundfile
import torch

from features import SAMPLE_RATE, SAMPLES, student_fbank

STEP = 256 / 32768  # one step of the recordings' 8 bits
UNKNOWN = -1.0  # "may be there, may be not": such a class is left out of the loss


def read_clips(folder):
    """ESC-50's layout: rows of its table, and the sounds as 16-bit numbers [clips, 80000]."""
    table = os.path.join(folder, 'meta', 'esc50.csv')
    if not os.path.exists(table):
        raise SystemExit(f'error: {table} is not there; a folder with the layout of ESC-50 is wanted')
    with open(table, newline='') as f:
        rows = list(csv.DictReader(f))
    clips = np.zeros((len(rows), 5 * SAMPLE_RATE), np.int16)
    for i, row in enumerate(rows):
        path = os.path.join(folder, 'audio', row['filename'])
        try:
            sound, rate = soundfile.read(path, dtype='int16')
        except RuntimeError as e:
            raise SystemExit(f'error: {path}: {e}')
        if rate != SAMPLE_RATE or sound.shape != clips[i].shape:
            raise SystemExit(f"error: {path}: {rate} Hz, {sound.shape}; 5 s of mono at 16 kHz are wanted: sox IN -r 16000 -c 1 OUT for each")
        clips[i] = sound
    return rows, clips


def kept_out(rows, path):
    """The numbers of the recordings that a list like validation.txt names, whatever format they are in."""
    with open(path) as f:
        names = {os.path.splitext(name)[0] for name in f.read().split()}
    held = [i for i, row in enumerate(rows) if os.path.splitext(row['filename'])[0] in names]
    if len(held) != len(names):
        raise SystemExit(f'error: {len(held)} of the {len(names)} recordings of {path} are there')
    return held


def add_arguments(parser):
    """What Recordings needs."""
    parser.add_argument('data', help="folder with ESC-50's layout")
    parser.add_argument('--validation', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), 'validation.txt'), help='list of the recordings that are kept out of training')


class Recordings:
    """ESC-50's recordings, and which of them are kept out of training."""

    def __init__(self, args):
        self.rows, self.clips = read_clips(args.data)
        self.targets = np.array([int(r['target']) for r in self.rows])
        self.names = [name for _, name in sorted({(int(r['target']), r['category']) for r in self.rows})]
        self.held = kept_out(self.rows, args.validation)
        self.train = sorted(set(range(len(self.rows))) - set(self.held))

    def validation(self):
        """What was kept out: (samples, target) of each."""
        return [(self.clips[i].astype(np.float32) / 32768, int(self.targets[i])) for i in self.held]

    def mixer(self, which, speech, music, other, seed):
        return Mixer(self.clips[which], self.targets[which], len(self.names), speech, music, other, seed)


class OtherSounds:
    """Sounds that are none of the fifty classes (speech, music) or whose class nobody gave (other)."""

    def __init__(self, folder, kind):
        self.sounds = [np.fromfile(p, np.int16) for p in sorted(glob.glob(os.path.join(folder, kind, '*.s16')))]
        self.sounds = [s for s in self.sounds if len(s) > SAMPLE_RATE // 4 and np.abs(s).max() > 300]
        if not self.sounds:
            raise SystemExit(f'error: {folder}/{kind}: no sounds; run other-sounds.sh first')
        long = np.array([len(s) for s in self.sounds], np.float64)
        self.chance = np.minimum(long, SAMPLES * 4) / np.minimum(long, SAMPLES * 4).sum()

    def draw(self, random):
        """One sound, at most a window of it, as float."""
        sound = self.sounds[random.choice(len(self.sounds), p=self.chance)]
        start = random.integers(max(1, len(sound) - SAMPLES))
        return sound[start:start + SAMPLES].astype(np.float32) / 32768


def decibels(db):
    return 10 ** (db / 20)


def level_to(sound, db):
    """The sound with its loudest tenth of a second at a level (RMS, dB under full scale)."""
    blocks = sound[:len(sound) // 1600 * 1600].reshape(-1, 1600)
    loudest = np.sqrt((blocks ** 2).mean(1).max()) if len(blocks) else np.sqrt((sound ** 2).mean())
    return sound * np.float32(decibels(db) / max(loudest, 1e-6))


def fast_size(count):
    """The next size whose Fourier transform is fast: 4096 times a whole number."""
    return -(-count // 4096) * 4096


def filtered(sound, gain):
    """The sound through a gain for each bin of its (padded) Fourier transform."""
    size = 2 * (len(gain) - 1)
    spectrum = torch.fft.rfft(torch.from_numpy(sound), size) * torch.from_numpy(gain)
    return torch.fft.irfft(spectrum, size)[:len(sound)].numpy()


def noise(random, exponent):
    """Noise whose power falls by 1/f^exponent: 0 white, 1 pink, 2 brown; RMS 1."""
    size = fast_size(SAMPLES)
    bins = np.maximum(np.arange(size // 2 + 1, dtype=np.float32), 20 * size / SAMPLE_RATE)
    sound = filtered(random.standard_normal(size, dtype=np.float32), bins ** np.float32(-exponent / 2))[:SAMPLES]
    return sound / sound.std()


def hum(random):
    """Mains hum: 50 or 60 Hz and its harmonics, drifting in level; RMS 1."""
    t = np.arange(SAMPLES, dtype=np.float32) / SAMPLE_RATE
    base = random.choice([50.0, 60.0]) * random.uniform(0.995, 1.005)
    count = random.integers(1, 20)
    sound = np.zeros(SAMPLES, np.float32)
    for k in range(1, count + 1):
        sound += np.float32(random.uniform(0, 1) * k ** -random.uniform(0.3, 2)) * np.sin(2 * np.pi * base * k * t + random.uniform(0, 6.28)).astype(np.float32)
    sound *= 1 + np.float32(random.uniform(0, 0.3)) * np.sin(2 * np.pi * random.uniform(0.1, 4) * t)
    return sound / max(sound.std(), 1e-6)


def coloured(random, sound):
    """Through another microphone and room: a smooth random curve of at most 12 dB over the octaves, sometimes a cut-off."""
    size = fast_size(len(sound))
    octave = np.log2(np.maximum(np.arange(size // 2 + 1, dtype=np.float32) * SAMPLE_RATE / size, 31.25) / 31.25)
    curve = np.interp(octave, np.arange(9), random.uniform(-6, 6, 9))
    if random.random() < 0.25:
        curve -= np.maximum(0, octave - random.uniform(5.5, 8)) * random.uniform(6, 36)
    if random.random() < 0.25:
        curve -= np.maximum(0, random.uniform(1, 4) - octave) * random.uniform(6, 24)
    return filtered(sound, decibels(curve).astype(np.float32))


def at_speed(random, sound):
    speed = random.uniform(0.88, 1.14)
    at = np.arange(0, len(sound) - 1, speed, dtype=np.float32)
    return np.interp(at, np.arange(len(sound), dtype=np.float32), sound).astype(np.float32)


def place(random, window, sound):
    """Adds the sound to the window somewhere, whole if it fits."""
    if len(sound) >= len(window):
        start = random.integers(len(sound) - len(window) + 1)
        window += sound[start:start + len(window)]
    else:
        start = random.integers(len(window) - len(sound) + 1)
        window[start:start + len(sound)] += sound


class Mixer:
    """Draws (samples [SAMPLES], targets [50], heard): heard is how many samples are sound; after them the window is padding."""

    def __init__(self, clips, targets, classes, speech, music, other, seed):
        self.clips, self.classes = clips, classes
        self.by_class = [np.flatnonzero(targets == c) for c in range(classes)]
        if not all(len(mine) for mine in self.by_class):
            raise SystemExit('error: a class has no recording')
        self.speech, self.music, self.other = speech, music, other
        self.random = np.random.default_rng(seed)

    def clip(self):
        """A recording with its class. Where it holds no more than a step of its 8 bits it is made silent, most times:
        the recordings as published are silent there, or all but."""
        random = self.random
        c = random.integers(self.classes)
        sound = self.clips[random.choice(self.by_class[c])].astype(np.float32) / 32768
        if random.random() < 0.6:
            loud = np.abs(sound.reshape(-1, 160)).max(1) > 1.5 * STEP
            loud = np.convolve(loud, np.ones(5), 'same') > 0
            sound = sound * np.repeat(loud, 160) if loud.any() else sound
        return sound, c

    def short(self, most=2.5):
        """A piece of a recording where something sounds, faded at its ends, with its class."""
        random = self.random
        sound, c = self.clip()
        energy = (sound.reshape(-1, 800) ** 2).mean(1)
        loud = np.flatnonzero(energy > energy.max() * 0.05)
        count = int(random.uniform(0.3, most) * SAMPLE_RATE)
        start = int(random.choice(loud)) * 800 - int(random.uniform(0, 0.5) * count)
        start = min(max(start, 0), len(sound) - count)
        piece = sound[start:start + count].copy()
        fade = np.linspace(0, 1, min(160, count // 4), dtype=np.float32)
        piece[:len(fade)] *= fade
        piece[-len(fade):] *= fade[::-1]
        return piece, c

    def background(self, low, high):
        """Noise, hum, or both, at a level between the two (RMS, dB)."""
        random = self.random
        sound = noise(random, random.uniform(-0.3, 2.3))
        kind = random.random()
        if kind < 0.2:
            sound = hum(random)
        elif kind < 0.35:
            sound += hum(random) * np.float32(random.uniform(0.3, 3))
        elif kind < 0.5:
            # A gust, a fan that turns: the level wanders.
            bend = np.interp(np.arange(SAMPLES), np.linspace(0, SAMPLES, 8), random.uniform(-9, 3, 8))
            sound *= decibels(bend).astype(np.float32)
        return sound / max(sound.std(), 1e-6) * np.float32(decibels(random.uniform(low, high)))

    def draw(self):
        random = self.random
        window = np.zeros(SAMPLES, np.float32)
        targets = np.zeros(self.classes, np.float32)
        heard = SAMPLES
        kind = random.choice(5, p=[0.40, 0.26, 0.08, 0.17, 0.09])
        if kind == 0:  # whole recordings, one or two
            level = random.uniform(-38, -8)
            for n in range(1 if random.random() < 0.45 else 2):
                sound, c = self.clip()
                if random.random() < 0.5:
                    sound = at_speed(random, sound)
                if random.random() < 0.5:
                    sound = np.roll(sound, random.integers(len(sound)))
                if random.random() < 0.3:
                    sound = coloured(random, sound)
                place(random, window, level_to(sound, level if n == 0 else level + random.uniform(-10, 6)))
                targets[c] = 1
            if random.random() < 0.3:
                heard = 5 * SAMPLE_RATE
        elif kind in (1, 2):  # short ones, alone or nearly; or padded behind
            if kind == 2:
                heard = int(random.uniform(0.4, 4.9) * SAMPLE_RATE)
            level = random.uniform(-38, -8)
            for n in range(random.choice([1, 2, 3], p=[0.65, 0.25, 0.1]) if kind == 1 else 1):
                sound, c = self.short() if kind == 1 else self.short(min(4.0, 0.85 * heard / SAMPLE_RATE))  # whole, also when slowed down
                if random.random() < 0.5:
                    sound = at_speed(random, sound)
                if random.random() < 0.3:
                    sound = coloured(random, sound)
                place(random, window[:heard], level_to(sound, level + (random.uniform(-6, 6) if n else 0)))
                targets[c] = 1
            if random.random() < 0.3:
                behind = (self.speech if random.random() < 0.6 else self.music).draw(random)
                place(random, window, level_to(behind, level - random.uniform(10, 25)))
            if random.random() < 0.5:
                window += self.background(-80, level - 14)
        elif kind == 3:  # nothing to report
            what = random.random()
            if what < 0.08:
                pass
            elif what < 0.35:
                window += self.background(-85, -12)
            else:
                for _ in range(random.choice([1, 2, 4], p=[0.6, 0.3, 0.1])):
                    sound = (self.speech if what < 0.75 else self.music).draw(random)
                    sound = coloured(random, sound) if random.random() < 0.3 else sound
                    place(random, window, level_to(sound, random.uniform(-45, -8)))
        else:  # nobody says what it is: only the teacher speaks
            targets[:] = UNKNOWN
            for _ in range(random.integers(1, 4)):
                sound = self.other.draw(random)
                sound = at_speed(random, sound) if random.random() < 0.5 else sound
                place(random, window, level_to(sound, random.uniform(-38, -8)))
        if kind != 1 and random.random() < 0.4:
            window += self.background(-85, -42)
        window[heard:] = 0
        peak = np.abs(window).max()
        return (window / peak if peak > 1 else window), targets, heard

    def batch(self, count):
        """So many draws: samples, the student's fbank [count, 512, 128] before it is normalised, and targets."""
        drawn = [self.draw() for _ in range(count)]
        samples = torch.from_numpy(np.stack([d[0] for d in drawn]))
        fbank = student_fbank(samples)
        for i, (_, _, heard) in enumerate(drawn):
            fbank[i, 1 + (heard - 400) // 160:] = 0  # the extractor pads so, before it normalises
        return samples, fbank, torch.from_numpy(np.stack([d[1] for d in drawn]))
