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

folder = sys.argv[1]
worst = 0
for path in sorted(glob.glob(os.path.join(folder, 'fbank', '*.npy'))):
    name = os.path.basename(path)[:-4]
    samples = soundfile.read(os.path.join(folder, 'audio', name + '.wav'), dtype='float32')[0]
    if len(samples) < 400:
        continue
    ours, wanted = features.student_fbank(torch.from_numpy(samples)[None])[0].numpy(), np.load(path)
    assert ours.shape == wanted.shape, (name, ours.shape, wanted.shape)
    print(f'fbank {name}: {np.abs(ours - wanted).max():.1e} at most, {np.quantile(np.abs(ours - wanted), 0.97):.1e} for 97 %')
checked = 0
for path in sorted(glob.glob(os.path.join(folder, '*', '*.logits.npy'))):
    model, _ = ast_model.load(os.path.dirname(path))
    with torch.no_grad():
        logits = model(torch.from_numpy(np.load(path.replace('.logits.', '.input_values.')))[None])[0].numpy()
    worst = np.maximum(worst, np.abs(logits - np.load(path)).max())  # keeps a NaN
    checked += 1
print(f'logits: {worst:.1e} at most, over {checked} inputs')
sys.exit(0 if checked and worst < 1e-3 else 1)
