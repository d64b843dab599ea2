"""Holds the recipe's front end and model against reference vectors that transformers itself gave.

The folder has fbank/NAME.npy and audio/NAME.wav, and for a checkpoint CKPT/ its files with NAME.input_values.npy and NAME.logits.npy.
"""
import glob
import os
import sys

import numpy as np
import soundfile
import torch

import ast_model
import features

if len(sys.argv) != 2:
    raise SystemExit('usage: check.py FOLDER')
folder = sys.argv[1]
good, compared = True, 0
for path in sorted(glob.glob(os.path.join(folder, 'fbank', '*.npy'))):
    name = os.path.basename(path)[:-4]
    samples = soundfile.read(os.path.join(folder, 'audio', name + '.wav'), dtype='float32')[0]
    if len(samples) < 400:
        continue
    ours, wanted = features.student_fbank(torch.from_numpy(samples)[None])[0].numpy(), np.load(path)
    if ours.shape != wanted.shape:
        raise SystemExit(f'error: fbank {name}: {ours.shape}, {wanted.shape} wanted')
    off = np.abs(ours - wanted)
    print(f'fbank {name}: {off.max():.1e} at most, {np.quantile(off, 0.9):.1e} for 90 %')
    # Far under a frame's loudest bin float32 runs out of digits, in the reference too.
    good, compared = good and np.quantile(off, 0.9) < 2e-3, compared + 1
for path in sorted(glob.glob(os.path.join(folder, '*', '*.logits.npy'))):
    inputs = path.replace('.logits.', '.input_values.')
    if not os.path.exists(inputs):
        continue
    model, _ = ast_model.load(os.path.dirname(path))
    with torch.no_grad():
        off = np.abs(model(torch.from_numpy(np.load(inputs))[None])[0].numpy() - np.load(path)).max()
    print(f'logits {os.path.relpath(path, folder)}: {off:.1e} at most')
    good, compared = good and off < 1e-3, compared + 1
if not compared:
    raise SystemExit(f'error: {folder} has nothing to compare with')
sys.exit(0 if good else 1)
