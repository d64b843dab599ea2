"""Mixtures of recordings: windows to learn from, what is in them, and where in time. Many at a time, on any device.

    mixer = Mixer(sounds, seed, device)
    batch = mixer.draw(512)

A batch has
    wave     [windows, LONG], 32 kHz: what is heard
    heard    [windows]: samples at 16 kHz before the padding
    groups   [windows, groups], int8: 1 sounds, 0 surely does not, -1 not known
    pieces   [windows, 3]: the groups of up to three pieces, or -1
    where    [windows, 3, COLUMNS], bool: the columns of 0.16 s in which they sound
"""
import os
import re

import numpy as np
import torch

import kinds  # first: it says where features is
import features

RATE = 32000
LONG = 2 * features.SAMPLES  # of a window at 32 kHz
CLIP = 5 * RATE
COLUMNS, COLUMN = 32, 5120
SIZE = 262144
MOST = 180000  # what is read of a recording
STEP = 320  # 10 ms
HALVED = 165888  # LONG, and more, so that its factors are small


def gain(decibels):
    return 10 ** (decibels / 20)


def fade(at, count, length):
    """1 within a sound of count samples, rising and falling over so many at its ends; 0 outside."""
    return (torch.minimum(at + 1, count - at) / length).clamp(0, 1)


def blocks(x, size):
    """The mean square of blocks of so many samples: [..., samples] to [..., blocks]."""
    return x[..., : x.shape[-1] // size * size].unflatten(-1, (-1, size)).square().mean(-1)


def impulses(sounds):
    """Impulse responses of rooms, plates and loudspeakers, each of energy 1: of sounds.py's folder, or of pack.py's."""
    packed = os.path.join(sounds, 'rooms.npz')
    if os.path.exists(packed):
        rooms = np.load(packed)
        return [rooms[name].astype(np.float32) for name in rooms.files]
    import soundfile

    found, folder = [], os.path.join(sounds, 'ir')
    for row in kinds.table(os.path.join(folder, 'index.tsv')):
        if row['kind'] not in ('room', 'plate', 'cabinet', 'filter'):
            continue
        h = soundfile.read(os.path.join(folder, row['file']), dtype='float32')[0]
        h = h[max(0, np.abs(h).argmax() - 32) :][:48000].copy()
        energy = np.sqrt((h**2).sum())
        if energy > 0:
            if len(h) >= 800:
                h[-800:] *= np.linspace(1, 0, 800, dtype=np.float32)
            found.append(h / energy)
    return found


class Mixer:
    """Draws windows: the same seed, recordings and device give the same ones."""

    def __init__(self, sounds, seed, device='cpu', others=0.35):
        self.device, self.others = device, others
        self.numpy, self.random = np.random.default_rng(seed), torch.Generator(device).manual_seed(seed)
        self.rows = kinds.recordings(sounds)
        pcm = np.memmap(os.path.join(sounds, 'pcm/all.i16'), np.int16, 'c')
        self.pcm = torch.from_numpy(pcm).to(device)
        number = lambda values, kind=torch.long: torch.tensor(list(values), dtype=kind, device=device)
        self.start, self.count = number(int(r['start']) for r in self.rows), number(int(r['samples']) for r in self.rows)
        self.eight_bits = number((r['source'] == 'esc50' for r in self.rows), torch.bool)
        groups = [kinds.group_of(r) for r in self.rows]
        self.group, self.only = number(kinds.GROUP[g] if g else -1 for g, _ in groups), number((o for _, o in groups), torch.bool)
        self.backgrounds = number(i for i, r in enumerate(self.rows) if r['kind'] == 'background' or r['source'] == 'moodist')
        self.choices(groups)
        spectra = [torch.fft.rfft(torch.from_numpy(h), SIZE) for h in impulses(sounds)]
        self.rooms = torch.stack(spectra).to(device)
        self.noises = torch.stack(list(self.made_noises())).to(device)

    def choices(self, groups):
        """How likely each recording is as one of ESC-50's classes, and as any other sound."""
        esc, other, sets = np.zeros(len(self.rows)), np.zeros(len(self.rows)), {}
        members = [([], []) for _ in kinds.CLASSES]  # of each class: ESC-50's own recordings, and others
        for i, (r, (group, _)) in enumerate(zip(self.rows, groups)):
            group = kinds.GROUP[group] if group else -1
            if 0 <= group < len(kinds.CLASSES):
                members[group]['esc50' not in r['source']].append(i)
            if 'esc50' not in r['source'] and r['kind'] != 'background':
                sets.setdefault(r['source'], {}).setdefault(re.sub(r';fold=.*', '', r['label']), []).append(i)
        for own, elsewhere in members:
            esc[own] += (0.75 if elsewhere else 1.0) / max(len(own), 1)
            esc[elsewhere] += (0.25 if own else 1.0) / max(len(elsewhere), 1)
        for labels in sets.values():
            # Where labels are the files' names, the whole source counts as one kind.
            for of_one in list(labels.values()) if len(labels) <= 60 else [sum(labels.values(), [])]:
                other[of_one] += len(of_one) ** -0.5
        self.esc_until, self.other_until = np.cumsum(esc / esc.sum()), np.cumsum(other / other.sum())

    @staticmethod
    def made_noises():
        """Noise between violet and brown, and hum of the mains."""
        random = np.random.default_rng(5)
        f = np.maximum(np.arange(SIZE + 1), 40.0)
        for slope in np.linspace(-0.3, 2.3, 10):
            white = torch.from_numpy(random.standard_normal(2 * SIZE, dtype=np.float32))
            n = torch.fft.irfft(torch.fft.rfft(white) * torch.from_numpy((f ** (-slope / 2)).astype(np.float32)))
            yield n / n.std()
        t = np.arange(2 * SIZE) / RATE
        for _ in range(5):
            base = random.choice([50.0, 60.0]) * random.uniform(0.995, 1.005)
            tone = lambda k: random.uniform() * k ** -random.uniform(0.3, 2) * np.sin(2 * np.pi * base * k * t + random.uniform(0, 6))
            n = torch.from_numpy(sum(tone(k) for k in range(1, 20)).astype(np.float32))
            yield n / n.std()

    # ---------------------------------------------------------------- chance
    def uniform(self, low, high, *shape):
        return torch.rand(shape, generator=self.random, device=self.device) * (high - low) + low

    def below(self, bounds):
        """A whole number from 0 to below each bound."""
        return (self.uniform(0, 1, *bounds.shape).double() * bounds).long().clamp_min(0)

    # ---------------------------------------------------------------- pieces
    def read(self, recordings, most):
        """Samples of recordings [pieces, most], from anywhere in the longer ones, and how many of them there are."""
        count = self.count[recordings]
        start = self.start[recordings] + self.below((count - most).clamp_min(0) + 1)
        count = count.clamp_max(most)
        at = torch.arange(most, device=self.device)
        x = self.pcm[(start[:, None] + torch.minimum(at, count[:, None] - 1))].float() / 32768
        return x * (at < count[:, None]), count

    def pieces_of(self, recordings):
        """Recordings, or parts of them, as some microphone in some room would have them: [pieces, SIZE], and how long they are."""
        x, count = self.read(recordings, MOST)
        p = len(recordings)
        # ESC-50 at 16 kHz came out of 8 bits: what stays within a step of zero is silence.
        loud = x.unflatten(-1, (-1, STEP // 2)).abs().amax(-1)[:, None]
        loud = (torch.nn.functional.max_pool1d(loud, 11, 1, 5)[:, 0] > 1.5 / 128).repeat_interleave(STEP // 2, 1)
        gated = self.eight_bits[recordings] & (self.uniform(0, 1, p) < 0.6) & loud.any(1)
        x = torch.where(gated[:, None] & ~loud, torch.zeros((), device=self.device), x)
        # Cut around something loud, or turned in time, or whole.
        energy = blocks(x, 1600)
        near = (self.uniform(0, 1, *energy.shape) * (energy >= 0.05 * energy.amax(1, keepdim=True))).argmax(1) * 1600
        cut = (count > RATE) & (self.uniform(0, 1, p) < 0.3)
        length = torch.where(cut, (self.uniform(0.4, 2.5, p) * RATE).long(), count).minimum(count)
        first = (near - (self.uniform(0, 0.5, p) * length).long()).clamp_min(0).minimum(count - length) * cut
        turned = ~cut & (count >= 4 * RATE) & (self.uniform(0, 1, p) < 0.5)
        turn = self.below(count) * turned
        speed = torch.where(self.uniform(0, 1, p) < 0.6, gain(self.uniform(-1.5, 1.5, p)), torch.ones((), device=self.device))
        slower = ((length - 1) / speed).long() + 1
        # Faster or slower, between two samples; with soft ends.
        t = torch.arange(SIZE, device=self.device)
        place = t * speed[:, None]
        whole = place.floor()
        part = (place - whole).float()
        at = lambda i: x.gather(1, first[:, None] + (i.long().minimum(length[:, None] - 1) + turn[:, None]) % length[:, None])
        y = torch.lerp(at(whole), at(whole + 1), part) * fade(t[None], slower[:, None], (slower[:, None] // 4).clamp(1, STEP))
        coloured, reverberates = self.uniform(0, 1, p) < 0.4, self.uniform(0, 1, p) < 0.25
        chosen = (coloured | reverberates).nonzero()[:, 0]
        if len(chosen):
            y[chosen] = self.filtered(y[chosen], coloured[chosen], reverberates[chosen])
        count = torch.where(reverberates, (slower + 24000).clamp_max(SIZE), slower)
        y *= torch.where(coloured | reverberates, 1600, 1)[:, None].reciprocal().mul((count[:, None] - t)).clamp(0, 1)
        return y, count

    def filtered(self, x, coloured, reverberates):
        p, bins = len(x), SIZE // 2 + 1
        octave = torch.log2(torch.arange(bins, device=self.device).mul(RATE / SIZE).clamp_min(31.25) / 31.25)
        points = torch.cat((self.uniform(-6, 6, p, 10), torch.zeros(p, 1, device=self.device)), 1)
        low = octave.long().clamp_max(9)
        curve = torch.lerp(points[:, low], points[:, low + 1], octave - low)
        steep = lambda least, most: self.uniform(least, most, p, 1) * (self.uniform(0, 1, p, 1) < 0.25)
        curve -= (octave - self.uniform(6, 9, p, 1)).clamp_min(0) * steep(6, 36)
        curve -= (self.uniform(1, 4, p, 1) - octave).clamp_min(0) * steep(6, 24)
        spectrum = torch.fft.rfft(x) * gain(curve * coloured[:, None])
        room = self.rooms[self.below(torch.full((p,), len(self.rooms), device=self.device))]
        return torch.fft.irfft(torch.where(reverberates[:, None], spectrum * room, spectrum), SIZE)

    def floors(self, low, high):
        """Windows of noise, made or real, at levels between two of each window (dB)."""
        n = len(high)
        t = torch.arange(LONG, device=self.device)
        start = self.below(torch.full((n,), self.noises.shape[1] - LONG, device=self.device))
        which = self.below(torch.full((n,), len(self.noises), device=self.device))
        x = self.noises.flatten()[(which * self.noises.shape[1] + start)[:, None] + t]
        real = (self.uniform(0, 1, n) < 0.4).nonzero()[:, 0]
        if len(real) and len(self.backgrounds):
            which = self.below(torch.full((len(real),), len(self.backgrounds), device=self.device))
            background, count = self.read(self.backgrounds[which], LONG)
            x[real] = background.gather(1, t % count[:, None])
        x = x / x.square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)
        return x * gain(low + (high - low) * self.uniform(0, 1, n))[:, None]

    # ---------------------------------------------------------------- windows
    def draw(self, n):
        numpy, device = self.numpy, self.device
        counts = numpy.choice(4, n, p=[0.03, 0.47, 0.4, 0.1])
        window = np.repeat(np.arange(n), counts)
        first = np.concatenate(([True], window[1:] != window[:-1])) if len(window) else np.zeros(0, bool)
        slot = np.concatenate([np.arange(c) for c in counts]) if len(window) else window
        esc = numpy.random(len(window)) < np.where(first, 1 - self.others, 0.35)
        draws = numpy.random(len(window))
        chosen = np.where(esc, np.searchsorted(self.esc_until, draws), np.searchsorted(self.other_until, draws))
        chosen = chosen.clip(0, len(self.rows) - 1)
        to = lambda x: torch.from_numpy(x).to(device)
        counts, window, first, slot, chosen = map(to, (counts, window, first, slot, chosen))

        top = self.uniform(-34, -10, n)
        early = torch.where((counts == 1) & (self.uniform(0, 1, n) < 0.35), self.uniform(0.6, 4.9, n), torch.full((n,), 5.0, device=device))
        clip = (early < 5) | (self.uniform(0, 1, n) < 0.3)
        heard = torch.where(clip, (early * features.SAMPLE_RATE).long(), torch.full((n,), LONG // 2, device=device))
        full = torch.where(heard < CLIP // 2, 2 * heard, torch.full((n,), LONG, device=device))

        wave = torch.zeros(n, LONG, device=device)
        groups = torch.full((n, len(kinds.GROUPS)), -1, dtype=torch.int8, device=device)
        pieces = torch.full((n, 3), -1, dtype=torch.long, device=device)
        where = torch.zeros(n, 3, COLUMNS, dtype=torch.bool, device=device)
        sure = torch.ones(n, dtype=torch.bool, device=device)
        t = torch.arange(LONG, device=device)
        for i in torch.arange(len(window), device=device).split(256):
            x, count = self.pieces_of(chosen[i])
            levels = top[window[i]] + torch.where(first[i], torch.zeros(len(i), device=device), self.uniform(-12, 6, len(i)))
            x *= (gain(levels) / blocks(x, 3200).amax(1).sqrt().clamp_min(1e-6))[:, None]
            room = full[window[i]] - count
            offset = self.below(room.abs() + 1) * room.sign()  # where it begins in the window, or what of it is before the window
            at = t - offset[:, None]
            x = x.gather(1, at.clamp(0, SIZE - 1)) * ((at >= 0) & (at < count[:, None]))
            wave.index_add_(0, window[i], x)
            energy = blocks(x[:, : COLUMNS * COLUMN], COLUMN)
            group = self.group[chosen[i]]
            known = (group >= 0).nonzero()[:, 0]
            w, s, g = window[i][known], slot[i][known], group[known]
            groups[w, g], pieces[w, s] = 1, g
            where[w, s] = (energy > (energy.amax(1, keepdim=True) * 10**-2.2).clamp_min(1e-12))[known]
            sure[window[i][~self.only[chosen[i]]]] = False
        fifty = groups[:, : len(kinds.CLASSES)]
        fifty[(fifty < 0) & sure[:, None]] = 0

        noisy = ((counts == 0) | (self.uniform(0, 1, n) < 0.6)).nonzero()[:, 0]
        if len(noisy):
            near = (counts[noisy] > 0) & (self.uniform(0, 1, len(noisy)) < 0.6)
            high = torch.where(near, top[noisy] - self.uniform(5, 14, len(noisy)), torch.full((len(noisy),), -40.0, device=device))
            low = torch.where(counts[noisy] > 0, torch.where(near, high - 25, high - 45), high - 30)
            wave[noisy] += self.floors(low, high)
        poor = (self.uniform(0, 1, n) < 0.12).nonzero()[:, 0]
        if len(poor):
            wave[poor] = self.telephone(wave[poor])
        wave *= torch.arange(LONG, device=device) < full[:, None]
        wave /= wave.abs().amax(1, keepdim=True).clamp_min(1)
        return {'wave': wave, 'heard': heard, 'groups': groups, 'pieces': pieces, 'where': where}

    def telephone(self, x):
        """As a telephone or a camera has it: cut off at 3.5 to 4.3 kHz, and half of them in eight bits by the mu law."""
        n = len(x)
        spectrum = torch.fft.rfft(x, HALVED)
        bins = spectrum.shape[1]
        spectrum *= torch.arange(bins, device=self.device) < bins * self.uniform(0.22, 0.27, n, 1)
        coarse = torch.fft.irfft(spectrum[:, : bins // 4 + 1], HALVED // 4) / 4
        mu = torch.log1p(255 * coarse.abs().clamp_max(1)) / np.log(256)
        coarse = coarse.sign() * torch.expm1((mu * 127).round() / 127 * np.log(256)) / 255
        coded = torch.fft.irfft(torch.fft.rfft(coarse) * 4, HALVED)
        plain = torch.fft.irfft(spectrum, HALVED)
        return torch.where(self.uniform(0, 1, n, 1) < 0.5, coded, plain)[:, :LONG]


def for_teacher(wave):
    """5.12 s at 0 dBFS, turned so that no silence is at the end, which would spoil the teacher's last column."""
    x = wave[:, : COLUMNS * COLUMN]
    length = x.shape[1]
    x = x / x.abs().amax(1, keepdim=True).clamp_min(1e-6)
    t = torch.arange(length, device=x.device)
    last = ((x.abs() > 1e-3) * t).amax(1)
    turn = torch.where(length - last > 1600, length - 1 - last, torch.zeros_like(last))
    return x.gather(1, (t - turn[:, None]) % length)


def is_heard(heard):
    """Whether each frame is before the padding: [windows, FRAMES, 1]."""
    return torch.arange(features.FRAMES, device=heard.device)[:, None] < (1 + (heard - 400) // 160)[:, None, None]


def log_mel(wave, heard):
    """What the student hears: log-mel of the windows at 16 kHz [windows, FRAMES, 128], 0 after what is heard."""
    spectrum = torch.fft.rfft(wave, HALVED)[:, : HALVED // 4 + 1]
    falling = ((HALVED // 4 - torch.arange(spectrum.shape[1], device=wave.device)) / (0.03 * HALVED // 4)).clamp(0, 1)
    x = torch.fft.irfft(spectrum * falling, HALVED // 2)[:, : LONG // 2] / 2
    return features.student_fbank(x) * is_heard(heard)
