"""Mixtures of recordings, what the teacher says of them, and where in time their pieces are.

    mixtures.py SOUNDS TEACHER.pt POOL SEED COUNT

Writes COUNT shards of 512 windows to POOL, as NumPy files SEED-NNN.NAME.npy: fbank (a byte a value, 0 for padding), the teacher's
logits and embedding, groups (1: sounds, 0: surely does not, -1: not known), pieces (the groups of up to three pieces) and where (their
columns of 0.16 s, as bits), heard (samples before the padding). Shards that are there are not made again.
"""
import os
import re
import sys
import time

import numpy as np
import soundfile
import torch

import kinds  # first: it says where features is
import features
import teacher

RATE = teacher.SAMPLE_RATE
LONG = 2 * features.SAMPLES  # of a window at 32 kHz
CLIP = 5 * RATE
COLUMNS, COLUMN = 32, 5120
SIZE = 262144
LOW, STEP = -16.0, 0.11  # log-mel = LOW + STEP * byte
SHARD, BATCH = 512, 16


def gain(decibels):
    return np.float32(10 ** (decibels / 20))


def level(x, decibels):
    """The sound with its loudest 0.1 s at that level."""
    b = x[: len(x) // 3200 * 3200].reshape(-1, 3200)
    loudest = np.sqrt((b**2).mean(1).max()) if len(b) else np.sqrt((x**2).mean())
    return x * np.float32(gain(decibels) / max(loudest, 1e-6))


class Mixer:
    """Draws windows: the same seed and the same recordings give the same ones."""

    def __init__(self, sounds, seed):
        self.random = np.random.default_rng(seed)
        self.rows = kinds.recordings(sounds)
        self.pcm = np.memmap(os.path.join(sounds, 'pcm/all.i16'), np.int16, 'r')
        self.group = [(kinds.GROUP[g] if g else -1, only) for g, only in map(kinds.group_of, self.rows)]
        self.backgrounds = [i for i, r in enumerate(self.rows) if r['kind'] == 'background']
        self.esc = [([], []) for _ in kinds.CLASSES]  # of each class: ESC-50's own recordings, and others
        sets = {}
        for i, r in enumerate(self.rows):
            g = self.group[i][0]
            if 0 <= g < len(kinds.CLASSES):
                self.esc[g]['esc50' not in r['source']].append(i)
            if 'esc50' not in r['source'] and r['kind'] != 'background':
                sets.setdefault(r['source'], {}).setdefault(re.sub(r';fold=.*', '', r['label']), []).append(i)
        self.other = []
        for labels in sets.values():
            # Where labels are the files' names, the whole source counts as one kind.
            self.other += list(labels.values()) if len(labels) <= 60 else [sum(labels.values(), [])]
        weights = np.array([len(v) ** 0.5 for v in self.other])
        self.other_until = np.cumsum(weights / weights.sum())
        self.rooms = list(self.impulses(os.path.join(sounds, 'ir')))
        self.noises = list(self.made_noises())

    @staticmethod
    def impulses(folder):
        for row in kinds.table(os.path.join(folder, 'index.tsv')):
            if row['kind'] not in ('room', 'plate', 'cabinet', 'filter'):
                continue
            h = soundfile.read(os.path.join(folder, row['file']), dtype='float32')[0]
            h = h[:, 0] if h.ndim > 1 else h
            h = h[max(0, np.abs(h).argmax() - 32) :][:48000].copy()
            energy = np.sqrt((h**2).sum())
            if energy > 0:
                if len(h) >= 800:
                    h[-800:] *= np.linspace(1, 0, 800, dtype=np.float32)
                yield h / energy

    @staticmethod
    def made_noises():
        """Noise between violet and brown, and hum of the mains."""
        random = np.random.default_rng(5)
        f = np.maximum(np.arange(SIZE + 1), 40.0)
        for slope in np.linspace(-0.3, 2.3, 10):
            white = torch.from_numpy(random.standard_normal(2 * SIZE, dtype=np.float32))
            n = torch.fft.irfft(torch.fft.rfft(white) * torch.from_numpy((f ** (-slope / 2)).astype(np.float32))).numpy()
            yield n / n.std()
        t = np.arange(2 * SIZE) / RATE
        for _ in range(5):
            base = random.choice([50.0, 60.0]) * random.uniform(0.995, 1.005)
            n = sum(
                random.uniform() * k ** -random.uniform(0.3, 2) * np.sin(2 * np.pi * base * k * t + random.uniform(0, 6))
                for k in range(1, random.integers(2, 20))
            ).astype(np.float32)
            yield n / n.std()

    def floor(self, low, high):
        """A window of noise at a level between two."""
        if self.random.random() < 0.15 and self.backgrounds:
            x = np.resize(self.read(self.backgrounds[self.random.integers(len(self.backgrounds))], LONG), LONG)
            return x / max(x.std(), 1e-6) * gain(self.random.uniform(low, high))
        n = self.noises[self.random.integers(len(self.noises))]
        start = self.random.integers(len(n) - LONG)
        return n[start : start + LONG] * gain(self.random.uniform(low, high))

    def read(self, i, most):
        start, count = int(self.rows[i]['start']), int(self.rows[i]['samples'])
        at = self.random.integers(count - most) if count > most else 0
        return self.pcm[start + at : start + min(count, at + most)].astype(np.float32) / 32768

    def pick(self, esc):
        """A recording of one of ESC-50's classes, evenly; or of any other set, by the root of its size."""
        if esc:
            own, others = self.esc[self.random.integers(len(self.esc))]
            chosen = others if others and self.random.random() < 0.25 else own
        else:
            chosen = self.other[min(np.searchsorted(self.other_until, self.random.random()), len(self.other) - 1)]
        return chosen[self.random.integers(len(chosen))]

    def piece(self, esc):
        """A recording, or a part of it, as some microphone in some room would have it; and which it is."""
        random = self.random
        i = self.pick(esc)
        x = self.read(i, 180000)
        if self.rows[i]['source'] == 'esc50' and random.random() < 0.6:
            # These came out of 8 bits: what stays within a step of zero is silence.
            x = x[: len(x) // 320 * 320]
            loud = np.convolve(np.abs(x.reshape(-1, 320)).max(1) > 1.5 / 128, np.ones(5), 'same') > 0
            if loud.any():
                x = x * np.repeat(loud, 320)
        if len(x) > RATE and random.random() < 0.3:
            energy = (x[: len(x) // 1600 * 1600].reshape(-1, 1600) ** 2).mean(1)
            loud = np.flatnonzero(energy >= energy.max() * 0.05)
            count = int(random.uniform(0.4, 2.5) * RATE)
            start = min(max(int(random.choice(loud)) * 1600 - int(random.uniform(0, 0.5) * count), 0), max(0, len(x) - count))
            x = x[start : start + count].copy()
        elif len(x) >= 4 * RATE and random.random() < 0.5:
            x = np.roll(x, random.integers(len(x)))
        x = x.copy()
        fade = min(320, len(x) // 4)
        x[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        x[len(x) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        if random.random() < 0.5:
            x = np.interp(np.arange(0, len(x) - 1, random.uniform(0.9, 1.1)), np.arange(len(x)), x).astype(np.float32)
        coloured, reverberates = random.random() < 0.35, random.random() < 0.25
        return (self.filtered(x, coloured, reverberates) if coloured or reverberates else x), i

    def filtered(self, x, coloured, reverberates):
        random = self.random
        size = 65536 if len(x) < 40000 else SIZE
        spectrum = torch.fft.rfft(torch.from_numpy(x), size)
        if coloured:
            octave = np.log2(np.maximum(np.arange(size // 2 + 1, dtype=np.float32) * RATE / size, 31.25) / 31.25)
            curve = np.interp(octave, np.arange(10), random.uniform(-6, 6, 10))
            if random.random() < 0.25:
                curve -= np.maximum(0, octave - random.uniform(6, 9)) * random.uniform(6, 36)
            if random.random() < 0.25:
                curve -= np.maximum(0, random.uniform(1, 4) - octave) * random.uniform(6, 24)
            spectrum = spectrum * torch.from_numpy((10 ** (curve / 20)).astype(np.float32))
        if reverberates:
            h = self.rooms[random.integers(len(self.rooms))]
            spectrum = spectrum * torch.fft.rfft(torch.from_numpy(h[: size - len(x)] if len(h) > size - len(x) > 0 else h), size)
        count = min(size, len(x) + (24000 if reverberates else 0))
        x = torch.fft.irfft(spectrum, size)[:count].numpy().copy()
        fade = min(1600, count // 4)
        x[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        return x

    def draw(self):
        """A window at 32 kHz, the same as the teacher hears it, groups, pieces, where, heard."""
        random = self.random
        window = np.zeros(LONG, np.float32)
        groups = np.full(len(kinds.GROUPS), -1, np.int8)
        pieces, where = np.full(3, -1, np.int16), np.zeros(3, np.uint32)
        top = random.uniform(-34, -10)
        count = random.choice([0, 1, 2, 3], p=[0.03, 0.47, 0.42, 0.08])
        heard = LONG // 2
        if count == 1 and random.random() < 0.35:
            heard = int(random.uniform(0.6, 4.9) * features.SAMPLE_RATE)
        elif random.random() < 0.3:
            heard = CLIP // 2
        full, sure = LONG if heard >= CLIP // 2 else 2 * heard, True
        for k in range(count):
            x, i = self.piece(random.random() < (0.65 if k == 0 else 0.35))
            x = level(x, top if k == 0 else top + random.uniform(-12, 6))
            if len(x) >= full:
                start, at = random.integers(len(x) - full + 1), 0
                x = x[start : start + full]
            else:
                at = random.integers(full - len(x) + 1)
            window[at : at + len(x)] += x
            group, only = self.group[i]
            sure &= only
            if group >= 0:
                groups[group], pieces[k] = 1, group
                where[k] = self.columns(x, at)
        if sure:
            fifty = groups[: len(kinds.CLASSES)]
            fifty[fifty < 0] = 0
        if count == 0 or random.random() < 0.5:
            window += self.floor(-85 if count else -70, top - 14 if count and random.random() < 0.5 else -40)
        if random.random() < 0.1:  # as a telephone or a camera has it
            spectrum = torch.fft.rfft(torch.from_numpy(np.pad(window, (0, 168960 - LONG))))
            spectrum[int(len(spectrum) * random.uniform(0.22, 0.27)) :] = 0
            window = torch.fft.irfft(spectrum, 168960).numpy()[:LONG].copy()
        if heard < CLIP // 2:
            window[2 * heard :] = 0
        window /= max(1, np.abs(window).max())
        return window, self.for_teacher(window), groups, pieces, where, heard

    @staticmethod
    def columns(x, at):
        """The columns in which a piece is within 22 dB of its loudest one, as bits."""
        y = np.zeros(COLUMNS * COLUMN, np.float32)
        end = min(len(y), at + len(x))
        y[at:end] = x[: end - at]
        energy = (y.reshape(COLUMNS, -1) ** 2).mean(1)
        return sum(1 << int(c) for c in np.flatnonzero(energy > max(energy.max() * 10**-2.2, 1e-12)))

    @staticmethod
    def for_teacher(window):
        """5.12 s at 0 dBFS, turned so that no silence is at the end, which would spoil the teacher's last column."""
        x = window[: COLUMNS * COLUMN]
        peak = np.abs(x).max()
        if peak == 0:
            return x
        x = x / peak
        last = np.flatnonzero(np.abs(x) > 1e-3)[-1]
        return np.roll(x, len(x) - 1 - last) if len(x) - last > 1600 else x


HALF = (np.sinc(np.arange(-31, 32) / 2.06) * np.kaiser(63, 7)).astype(np.float32)
HALF = torch.from_numpy(HALF / HALF.sum())[None, None]


def fbank_bytes(windows, heard):
    """What the student hears: log-mel of the windows at 16 kHz, a byte a value, 0 after what is heard."""
    x = torch.nn.functional.conv1d(torch.from_numpy(windows)[:, None], HALF, stride=2, padding=31)[:, 0]
    fbank = torch.cat([features.student_fbank(one[None]) for one in x])
    q = ((fbank - LOW) / STEP).round().clamp(1, 255).byte()
    for i, h in enumerate(heard):
        q[i, 1 + (h - 400) // 160 :] = 0
    return q.numpy()


def log_mel(fbank):
    """The opposite of fbank_bytes."""
    x = torch.from_numpy(fbank)
    return torch.where(x == 0, torch.zeros(()), LOW + STEP * x.float())


def main():
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    sounds, weights, pool, seed, count = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    torch.set_num_threads(1)
    os.makedirs(pool, exist_ok=True)
    mixer, expert = Mixer(sounds, seed), teacher.Teacher(weights)
    print(len(mixer.rows), 'recordings,', len(mixer.rooms), 'rooms,', len(mixer.other), 'sets besides ESC-50', flush=True)
    for shard in range(count):
        name = os.path.join(pool, f'{seed:03d}-{shard:03d}')
        if os.path.exists(name + '.done'):
            continue
        mixer.random = np.random.default_rng([seed, shard])
        began, parts = time.time(), []
        for _ in range(SHARD // BATCH):
            windows, heard_by_teacher, *rest, heard = map(np.array, zip(*(mixer.draw() for _ in range(BATCH))))
            logits, embedding = expert(torch.from_numpy(heard_by_teacher))
            parts.append(
                (fbank_bytes(windows, heard), logits.numpy().astype(np.float16), embedding.numpy().astype(np.float16), *rest, heard)
            )
        for key, values in zip(('fbank', 'logits', 'embedding', 'groups', 'pieces', 'where', 'heard'), zip(*parts)):
            np.save(f'{name}.{key}.npy', np.concatenate(values))
        open(name + '.done', 'w').close()
        print(f'{name}: {SHARD / (time.time() - began):.1f} windows/s', flush=True)


if __name__ == '__main__':
    main()
