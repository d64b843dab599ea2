"""Chooses from which score on each label makes an event, and writes thresholds.json.

    thresholds.py MODEL-FOLDER SOUNDS TEACHER.pt [--precision 0.85]

On mixtures that were not trained on (another seed). What is there is the recordings' own label where that is known, else what the teacher
gives 0.5 or more (its logit one higher, as the student learns it). A label's threshold is the least, 0.5 to 0.95, from which on the
asked part of the windows has it, drawn half-way to that of all labels together; what the mixtures hardly have must be clear (0.6), and
places and silence are no events.
"""
import argparse
import json
import os

import kinds  # first: it says where the modules of the model before are
import ast_model
import evaluate
import features
import numpy as np
import torch
from mixtures import Mixer, for_teacher, log_mel
from teacher import Teacher

NEVER = [
    'Silence', 'Inside, small room', 'Inside, large room or hall', 'Inside, public space', 'Outside, urban or manmade',
    'Outside, rural or natural', 'Reverberation', 'Echo', 'Field recording', 'Environmental noise', 'Sound effect', 'Effects unit',
    'Chorus effect', 'Distortion', 'Sidetone', 'Cacophony', 'Television', 'Radio', 'Noise',
]  # fmt: skip
SOME = 64  # windows at a time
LOWEST, HIGHEST, RARE = 0.5, 0.95, 0.6  # RARE: of labels that these mixtures hardly have


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('sounds')
    parser.add_argument('teacher')
    parser.add_argument('--precision', type=float, default=0.85)
    parser.add_argument('--windows', type=int, default=5120)
    parser.add_argument('--seed', type=int, default=50)
    args = parser.parse_args()
    model, preprocessor = ast_model.load(args.model)
    mixer, teacher = Mixer(args.sounds, args.seed), Teacher(args.teacher)
    parts = []
    for _ in range(args.windows // SOME):
        batch = mixer.draw(SOME)
        scores = evaluate.forward(model, features.normalised(log_mel(batch['wave'], batch['heard']), preprocessor)).sigmoid()
        parts.append((scores, teacher(for_teacher(batch['wave']))[0], batch['groups']))
    scores, logits, groups = (torch.cat(p).numpy() for p in zip(*parts))
    there = np.zeros(scores.shape, bool)
    there[:, : len(kinds.AUDIOSET)] = logits + 1 >= 0
    for i, group in enumerate(groups.T):
        for name in kinds.GROUPS[i][1]:
            label = kinds.INDEX[name]
            there[:, label] |= group == 1
            there[group == 0, label] = False
    own = range(len(kinds.AUDIOSET), len(kinds.LABELS))
    rows = np.array([c for c in range(scores.shape[1]) if there[:, c].sum() >= 20 and c not in own])
    overall = evaluate.least_threshold(scores[:, rows].ravel(), there[:, rows].ravel(), args.precision)
    thresholds = {}
    for c, name in enumerate(kinds.LABELS):
        if name in NEVER:
            thresholds[name] = 1.0
            continue
        if c not in rows and c not in own:
            thresholds[name] = RARE
            continue
        mine = evaluate.least_threshold(scores[:, c], there[:, c], args.precision) if c in rows else overall
        thresholds[name] = round(min(max((mine + overall) / 2, LOWEST), HIGHEST), 3)
    values = np.array([thresholds[n] for n in kinds.LABELS])
    found = scores >= values
    print(
        f'{len(scores)} windows; overall threshold {overall:.3f}; of what is over them {(found & there).sum() / found.sum():.1%} is there, '
        f'of what is there {(found & there).sum() / there.sum():.1%} is over them'
    )
    with open(os.path.join(args.model, 'thresholds.json'), 'w') as f:
        json.dump({'precision': args.precision, 'thresholds': thresholds}, f, indent=2)
        f.write('\n')


main()
