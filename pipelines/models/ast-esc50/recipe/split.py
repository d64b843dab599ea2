"""Chooses the recordings that are kept out for validation, and writes validation.txt.

Fold 5 where it is known (80 recordings of ten classes). Of the other forty classes three recordings each: as folds are not known
there, three of the twelve whose nearest relative in the class (by the teacher's embedding) is farthest, so that it is unlikely that
a piece of the same source is left to train on. They are the odd ones of their class, so figures from them are rather low than high.
"""
import argparse

import numpy as np
import torch

import features
import sounds
import yamnet

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument('data', help="folder with ESC-50's layout")
parser.add_argument('teacher', help="YAMNet's weights, .npz")
parser.add_argument('--out', default='validation.txt')
args = parser.parse_args()

rows, clips = sounds.read_clips(args.data)
teacher = yamnet.Yamnet(args.teacher)
embeddings = []
for start in range(0, len(clips), 16):
    batch = np.zeros((len(clips[start:start + 16]), features.SAMPLES), np.float32)
    batch[:, :clips.shape[1]] = clips[start:start + 16] / 32768
    embeddings.append(teacher.patches(torch.from_numpy(batch))[1])
e = torch.cat(embeddings).sqrt().mean(1)
e = e - e.mean(0)
e = (e / e.norm(dim=1, keepdim=True)).numpy()

target = np.array([int(r['target']) for r in rows])
fold = np.array([r['fold'] for r in rows])
alike = e @ e.T
np.fill_diagonal(alike, -1)
kept_out = set(np.flatnonzero(fold == '5'))
for c in sorted(set(target) - set(target[fold == '5'])):
    mine = np.flatnonzero(target == c)
    nearest = alike[np.ix_(mine, mine)].max(1)
    kept_out |= set(mine[np.argsort(nearest, kind='stable')[:12:4]])
print(f'{len(kept_out)} of {len(rows)} kept out')
with open(args.out, 'w') as f:
    f.writelines(rows[i]['filename'].split('.')[0] + '\n' for i in sorted(kept_out))
