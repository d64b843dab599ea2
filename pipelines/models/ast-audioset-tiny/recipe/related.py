"""Which of AudioSet's labels mean one sound: pairs that the teacher gives together. For audioset.json.

    related.py SOUNDS TEACHER.pt

A pair counts where the teacher's scores (its logits one higher, as the student learns them) are 0.4 or more of both in half or more of
the windows that have the rarer one, which are 15 or more. What stands above one another in the ontology is left out, and speech is a
sound of its own beside anything.
"""
import json
import sys

import kinds
import numpy as np
from mixtures import Mixer, for_teacher
from teacher import Teacher

SCORE, SHARE, LEAST = 0.4, 0.5, 15
BATCHES, SOME = 160, 64  # mixtures: so many times so many


def above(parents, label):
    found, todo = set(), [label]
    while todo:
        for parent in parents[todo.pop()]:
            if parent not in found:
                found.add(parent)
                todo.append(parent)
    return found


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    mixer, teacher = Mixer(sys.argv[1], seed=60), Teacher(sys.argv[2])
    logits = np.concatenate([teacher(for_teacher(mixer.draw(SOME)['wave']))[0].numpy() for _ in range(BATCHES)])
    sounds = (logits + 1 >= np.log(SCORE / (1 - SCORE))).astype(np.float32)
    counts, together = sounds.sum(0), sounds.T @ sounds
    parents = kinds.ONTOLOGY
    related = {}
    for i, a in enumerate(kinds.AUDIOSET):
        for j, b in enumerate(kinds.AUDIOSET[i + 1 :], i + 1):
            rarer = min(counts[i], counts[j])
            if rarer < LEAST or together[i, j] < SHARE * rarer or 'Speech' in (a, b):
                continue
            if a not in above(parents, b) and b not in above(parents, a):
                related.setdefault(a, []).append(b)
    print(f'{sum(map(len, related.values()))} pairs of {len(logits)} windows', file=sys.stderr)
    print(',\n'.join(f'    {json.dumps(a)}: {json.dumps(b)}' for a, b in related.items()))


main()
