"""Makes a trained model's scores mean what they say, and chooses a threshold for each class.

On mixtures of recordings that were kept out of training: one scale and one offset for all logits (so that of the windows that score
0.5, half hold the class), folded into the classifier; then for each class the least threshold from which on the asked precision
holds, drawn half-way to the one of all classes together, as there are few recordings of each; and none is lower than a twentieth over what
one in 200 of the windows without an event reaches (silence, noise, hum, speech that was never heard in training, music), 0.95 at most.
"""
import argparse
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

import ast_model
import evaluate
import features
import sounds

FILE = 'thresholds.json'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', help='folder of the trained model')
    sounds.add_arguments(parser)
    parser.add_argument('other', help='folder that other-sounds.sh filled')
    parser.add_argument('out', help='folder for the calibrated model')
    parser.add_argument('--precision', type=float, default=0.8)
    parser.add_argument('--windows', type=int, default=4000)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()

    model, preprocessor = ast_model.load(args.model)
    recordings = sounds.Recordings(args)
    names = recordings.names
    speech = sounds.OtherSounds(args.other, 'speech-test')
    music, other = (sounds.OtherSounds(args.other, kind) for kind in ('music', 'other'))
    mixer = recordings.mixer(recordings.held, speech, music, other, args.seed)

    _, fbanks, targets = (torch.cat(parts) for parts in zip(*(mixer.batch(32) for _ in range(0, args.windows, 32))))
    known = (targets >= 0).all(1)
    logits, targets = evaluate.forward(model, features.normalised(fbanks[known], preprocessor)), targets[known]
    scale, offset = torch.ones((), requires_grad=True), torch.zeros((), requires_grad=True)
    fit = torch.optim.LBFGS([scale, offset], max_iter=100)

    def loss():
        fit.zero_grad()
        value = F.binary_cross_entropy_with_logits(logits * scale + offset, targets)
        value.backward()
        return value
    before = F.binary_cross_entropy_with_logits(logits, targets).item()
    fit.step(loss)
    print(f'logits times {scale.item():.3f}, plus {offset.item():.3f}: loss {before:.4f} to {loss().item():.4f}')
    with torch.no_grad():
        model.head.weight.mul_(scale)
        model.head.bias.mul_(scale).add_(offset)
    scores = torch.sigmoid(logits * scale + offset).detach().numpy()
    there = targets.numpy() > 0
    for low in np.arange(0, 1, 0.1):
        band = (scores >= low) & (scores < low + 0.1)
        print(f'  score {low:.1f} to {low + 0.1:.1f}: {there[band].mean():.0%} of {band.sum()} are there')

    silent = ~there.any(1)
    quiet = np.quantile(scores[silent], 1 - 1 / 200, axis=0)
    overall = evaluate.least_threshold(scores.ravel(), there.ravel(), args.precision)
    thresholds = {}
    for c, name in enumerate(names):
        own = evaluate.least_threshold(scores[:, c], there[:, c], args.precision)
        thresholds[name] = round(float(max(min((own + overall) / 2, 0.9), min(1.05 * quiet[c], 0.95))), 3)
    values = np.array([thresholds[n] for n in names])
    found = scores >= values
    precision, recall = (found & there).sum() / found.sum(), (found & there).sum() / there.sum()
    print(f'{known.sum()} windows, {silent.sum()} without an event; overall threshold {overall:.3f}, thresholds {values.min():.2f} to {values.max():.2f}: precision {precision:.1%}, recall {recall:.1%}')

    ast_model.save(model, args.out, preprocessor)
    with open(os.path.join(args.out, FILE), 'w') as f:
        json.dump({'precision': args.precision, 'thresholds': thresholds}, f, indent=2)
        f.write('\n')
    print(evaluate.summary(model, preprocessor, recordings.validation()))


if __name__ == '__main__':
    main()
