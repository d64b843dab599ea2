"""What a model hears of recordings it never saw."""
import numpy as np
import torch

import features


def windows(sounds, preprocessor):
    """Sounds of any length up to a window to normalised inputs [sounds, 512, 128], padded as the extractor pads."""
    inputs = torch.zeros(len(sounds), features.FRAMES, 128)
    for i, sound in enumerate(sounds):
        mel = features.student_fbank(torch.from_numpy(sound)[None])[0][:features.FRAMES]
        inputs[i, :len(mel)] = mel
    return features.normalised(inputs, preprocessor)


@torch.no_grad()
def forward(model, inputs):
    """The logits of normalised inputs [windows, 512, 128], batch by batch."""
    device = next(model.parameters()).device
    return torch.cat([model(batch.to(device)).cpu() for batch in inputs.split(32)])


def logits(model, preprocessor, sounds):
    return forward(model, windows(sounds, preprocessor))


def loudest(clip, seconds=1.0):
    """The piece of a clip with the most energy."""
    count = int(seconds * features.SAMPLE_RATE)
    energy = np.concatenate(([0], np.cumsum(clip.astype(np.float64) ** 2)))
    starts = np.arange(0, len(clip) - count + 1, 160)
    start = starts[np.argmax(energy[starts + count] - energy[starts])]
    return clip[start:start + count]


def alone(clip, random, noise_db=None):
    """A second of the clip somewhere in five seconds of silence, or of faint noise."""
    piece = loudest(clip)
    sound = np.zeros(5 * features.SAMPLE_RATE, np.float32)
    start = random.integers(len(sound) - len(piece) + 1)
    sound[start:start + len(piece)] = piece
    if noise_db is not None:
        sound += random.standard_normal(len(sound)).astype(np.float32) * np.float32(10 ** (noise_db / 20))
    return sound


def right(scores, targets, k):
    return (scores.topk(k).indices == torch.tensor(targets)[:, None]).any(1).float().mean().item()


def least_threshold(scores, there, precision):
    """The least score from which on, at every higher one too, at least this part of the windows holds the class."""
    order = np.argsort(-scores, kind='stable')
    hits = np.cumsum(there[order])
    at = hits / np.arange(1, len(order) + 1)
    worst = np.flatnonzero(at < precision)
    # The first few tell nothing: one wrong window at the top would forbid the class.
    worst = worst[worst >= 8]
    last = (worst[0] if len(worst) else len(order)) - 1
    return float(scores[order[max(last, 0)]])


def summary(model, preprocessor, clips):
    """Top-1 and top-3 over whole clips [(samples, target)], and top-3 over a second of each, alone."""
    targets = [t for _, t in clips]
    whole = logits(model, preprocessor, [c for c, _ in clips])
    random = np.random.default_rng(0)
    short = logits(model, preprocessor, [alone(c, random, None if i % 2 else -60) for i, (c, _) in enumerate(clips)])
    return f'clips top-1 {right(whole, targets, 1):.1%}, top-3 {right(whole, targets, 3):.1%}; a second alone top-3 {right(short, targets, 3):.1%}'
