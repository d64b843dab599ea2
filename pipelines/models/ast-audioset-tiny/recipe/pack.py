"""Packs what sounds.py gathered for a machine elsewhere, and unpacks it there.

    pack.py SOUNDS PACK [--hours 14] [--esc50 ESC50]     Opus, 32 kbit/s, one of eight at 14 kbit/s as cameras send it
    pack.py --unpack PACK SOUNDS                         by libsndfile

Only what may be trained on is packed, the longer recordings in part. With ESC50, a folder of ESC-50's layout, PACK/held.npz has log-mel
of the recordings held out. Packing needs ffmpeg, unpacking scipy and libsndfile (LD_LIBRARY_PATH).
"""
import argparse
import ctypes
import ctypes.util
import math
import os
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

import kinds
from mixtures import impulses

RATE, SHARDS, GAP = 32000, 32, 640
FIELDS = 'start samples rate source path licence label group kind'.split()


def lengths(rows, hours):
    """Of each recording so many samples: all of the short ones, of the longer ones alike, so that all are of so many hours."""
    counts = np.array([int(r['samples']) for r in rows])
    low, high = RATE, counts.max()
    while high - low > RATE // 10:
        most = (low + high) // 2
        low, high = (most, high) if np.minimum(counts, most).sum() <= hours * 3600 * RATE else (low, most)
    return np.minimum(counts, low)


def pack(sounds, out, hours, esc50):
    os.makedirs(out, exist_ok=True)
    np.savez_compressed(os.path.join(out, 'rooms.npz'), *(h.astype(np.float16) for h in impulses(sounds)))
    rows = kinds.recordings(sounds)
    counts = lengths(rows, hours)
    pcm = np.memmap(os.path.join(sounds, 'pcm/all.i16'), np.int16, 'r')
    order = np.random.default_rng(0).permutation(len(rows))
    shards = [[] for _ in range(SHARDS)]
    until = np.cumsum(counts[order] + GAP)
    for i, end in zip(order, until):
        shards[min(SHARDS - 1, int(end * SHARDS // (until[-1] + 1)))].append(i)

    def one(n):
        parts, table, at = [], [], 0
        for i in shards[n]:
            start = int(rows[i]['start']) + (int(rows[i]['samples']) - counts[i]) // 2 // 2
            parts += [pcm[start : start + counts[i]], np.zeros(GAP, np.int16)]
            table.append({**rows[i], 'start': at, 'samples': counts[i]})
            at += counts[i] + GAP
        rate = '14k' if n % 8 == 7 else '32k'
        coded = f'-ar 48000 -c:a libopus -application audio -b:a {rate} {out}/{n:02}.opus'
        subprocess.run(
            f'ffmpeg -v error -y -f s16le -ar {RATE} -ac 1 -i - {coded}'.split(), input=np.concatenate(parts).tobytes(), check=True
        )
        return table, at

    with ThreadPoolExecutor(2) as both, open(os.path.join(out, 'index.tsv'), 'w') as index, open(os.path.join(out, 'shards.tsv'), 'w') as f:
        index.write('\t'.join(FIELDS) + '\n')
        at = 0
        for table, count in both.map(one, range(SHARDS)):
            for row in table:
                index.write('\t'.join(str(v) for v in {**row, 'start': at + row['start']}.values()) + '\n')
            f.write(f'{count}\n')
            at += count
    size = sum(os.path.getsize(f'{out}/{n:02}.opus') for n in range(SHARDS))
    print(f'{len(rows)} recordings, {at / RATE / 3600:.1f} h, {size / 2**20:.0f} MiB')
    if esc50:
        import evaluate
        import features
        import torch

        clips = kinds.validation(esc50)
        fbank = evaluate.windows([x for x, _ in clips], {'mean': 0, 'std': 0.5})
        np.savez_compressed(os.path.join(out, 'held.npz'), fbank=(fbank * 16).round().div(16).half().numpy(), classes=[c for _, c in clips])


class Info(ctypes.Structure):
    _fields_ = [('frames', ctypes.c_int64)] + [(n, ctypes.c_int) for n in ('samplerate', 'channels', 'format', 'sections', 'seekable')]


def decoded(path, count):
    import scipy.signal

    sndfile = ctypes.CDLL(ctypes.util.find_library('sndfile') or 'libsndfile.so.1')
    sndfile.sf_open.restype = ctypes.c_void_p
    sndfile.sf_readf_float.restype = ctypes.c_int64
    sndfile.sf_readf_float.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    info = Info()
    file = sndfile.sf_open(path.encode(), 0x10, ctypes.byref(info))
    if not file:
        raise SystemExit(f'error: {path} can not be read')
    x = np.empty(int(info.frames) * info.channels, np.float32)
    got = sndfile.sf_readf_float(file, x.ctypes.data, info.frames)
    common = math.gcd(RATE, info.samplerate)
    x = scipy.signal.resample_poly(x[:got], RATE // common, info.samplerate // common)[:count]
    x = np.pad(x, (0, count - len(x)))
    return (x * 32768).round().clip(-32768, 32767).astype(np.int16)


def unpack(packed, sounds):
    os.makedirs(os.path.join(sounds, 'pcm'), exist_ok=True)
    counts = [int(line) for line in open(os.path.join(packed, 'shards.tsv'))]
    with ProcessPoolExecutor() as all_cores, open(os.path.join(sounds, 'pcm/all.i16'), 'wb') as f:
        for x in all_cores.map(decoded, [os.path.join(packed, f'{n:02}.opus') for n in range(len(counts))], counts):
            f.write(x.tobytes())
    for name in ('index.tsv', 'rooms.npz'):
        shutil.copy(os.path.join(packed, name), sounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('first')
    parser.add_argument('second')
    parser.add_argument('--unpack', action='store_true')
    parser.add_argument('--hours', type=float, default=14)
    parser.add_argument('--esc50')
    args = parser.parse_args()
    if args.unpack:
        unpack(args.first, args.second)
    else:
        pack(args.first, args.second, args.hours, args.esc50)


if __name__ == '__main__':
    main()
