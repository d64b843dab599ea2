"""What the finished model does on the recordings that were kept out: a Markdown table by class, and a picture."""
import argparse
import json
import os

import matplotlib
import numpy as np
import torch

import ast_model
import calibrate
import evaluate
import sounds

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402


def picture(confusion, names, path):
    """Rows are what sounded, columns what was heard first."""
    share = confusion / confusion.sum(1, keepdims=True)
    figure, axes = pyplot.subplots(figsize=(11, 10.5))
    axes.imshow(share, cmap='viridis', vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel('heard')
    axes.set_ylabel('sounded')
    for r, c in zip(*np.nonzero(confusion)):
        axes.text(c, r, int(confusion[r, c]), ha='center', va='center', fontsize=6, color='black' if share[r, c] > 0.6 else 'white')
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', help='folder of the calibrated model; confusion.png is written there')
    sounds.add_arguments(parser)
    args = parser.parse_args()

    model, preprocessor = ast_model.load(args.model)
    thresholds = json.load(open(os.path.join(args.model, calibrate.FILE)))['thresholds']
    recordings = sounds.Recordings(args)
    names = recordings.names
    target = recordings.targets[recordings.held]
    of_ten = np.array([recordings.rows[i]['esc10'] == 'True' for i in recordings.held])
    wholes = [clip for clip, _ in recordings.validation()]

    def ranks(inputs):
        """The place, from 0, of the right class for each input, the class heard first, and the scores."""
        scores = torch.sigmoid(evaluate.logits(model, preprocessor, inputs)).numpy()
        order = np.argsort(-scores, 1)
        return (order == target[:, None]).argmax(1), order[:, 0], scores

    def shares(rank, which, what):
        by_class = np.mean([(rank[which & (target == c)] == 0).mean() for c in np.unique(target[which])])
        print(f'{what}: top-1 {(rank[which] == 0).mean():.1%}, top-3 {(rank[which] < 3).mean():.1%} of {which.sum()}; top-1 with every class counted alike {by_class:.1%}')

    every = np.ones(len(target), bool)
    rank, first, scores = ranks(wholes)
    shares(rank, every, 'whole clips')
    shares(rank, of_ten, '  the ten classes of ESC-10')
    shares(rank, ~of_ten, '  the forty others')
    random = np.random.default_rng(0)
    for name, level in (('silence', None), ('noise at -60 dBFS', -60), ('noise at -45 dBFS', -45)):
        tries = [ranks([evaluate.alone(w, random, level) for w in wholes])[0] for _ in range(3)]
        shares(tries[0], every, f'a second alone in five of {name}')
        print(f'    top-3 over three draws: {np.mean(np.concatenate(tries) < 3):.1%}')
    for seconds in (0.5, 1, 2, 3):
        shares(ranks([evaluate.loudest(w, seconds) for w in wholes])[0], every, f'{seconds} s, padded')

    confusion = np.zeros((len(names), len(names)))
    np.add.at(confusion, (target, first), 1)
    picture(confusion, names, os.path.join(args.model, 'confusion.png'))
    print('\n| class | clips | top-1 | top-3 | over its threshold | threshold | heard instead |\n|---|---|---|---|---|---|---|')
    for c, name in enumerate(names):
        mine = target == c
        wrong = confusion[c].copy()
        wrong[c] = 0
        instead = names[wrong.argmax()] if wrong.max() > 0 else ''
        print(f'| {name} | {mine.sum()} | {(rank[mine] == 0).sum()} | {(rank[mine] < 3).sum()} | {(scores[mine, c] >= thresholds[name]).sum()} | {thresholds[name]:.2f} | {instead} |')


main()
