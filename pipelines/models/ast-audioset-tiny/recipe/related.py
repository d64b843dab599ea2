"""Which of AudioSet's labels mean one sound: pairs that the teacher gives together. For audioset.json.

    related.py POOL

A pair counts where the teacher's scores (its logits one higher, as the student learns them) are 0.4 or more of both in half or more of
the windows that have the rarer one, which are 15 or more. What stands above one another in the ontology is left out, and speech is a
sound of its own beside anything.
"""
import glob
import json
import os
import sys

import kinds
import numpy as np

SCORE, SHARE, LEAST = 0.4, 0.5, 15


def above(parents, label):
    found, todo = set(), [label]
    while todo:
        for parent in parents[todo.pop()]:
            if parent not in found:
                found.add(parent)
                todo.append(parent)
    return found


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    files = sorted(glob.glob(os.path.join(sys.argv[1], '*.logits.npy')))
    logits = np.concatenate([np.load(f).astype(np.float32) for f in files])
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
