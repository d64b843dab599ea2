"""Trains on mixtures that are made on the way, against the labels, the teacher and the model before.

    train.py SOUNDS TEACHER.pt OUT --device cuda [--start ..] [--layers 6 12] [--held CLIPS.npz]

SOUNDS is a folder of sounds.py, or of pack.py. Models of several depths may learn from the same mixtures. OUT gets DEPTH.pt of each now
and then: the moving average of its weights.
CLIPS.npz has log-mel of the recordings held out, as pack.py writes them: how many of them are named rightly is said along the way.
"""
import argparse
import contextlib
import copy
import os
import time

import kinds  # first: it says where the modules of the model before are
import ast_model
import evaluate
import features
import numpy as np
import torch
import torch.nn.functional as F
from mixtures import Mixer
from muon import Muon
from pool import FIFTY, Pool
from student import deeper
from teacher import Teacher


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sounds')
    parser.add_argument('teacher')
    parser.add_argument('out', help='folder for the state')
    parser.add_argument('--minutes', type=float, default=5.2)
    parser.add_argument('--fall', type=float, default=0.6, help='the part of the time over which the rate falls, at the end')
    parser.add_argument('--start', default=os.path.join(kinds.HERE, '..'), help='a folder of export.py to begin with')
    parser.add_argument('--layers', type=int, nargs='+', default=[6], help='those that a model has more than the start do nothing at first')
    parser.add_argument('--others', type=float, default=0.45, help="part of first pieces that are not of ESC-50's classes")
    parser.add_argument('--held')
    parser.add_argument('--fresh', type=int, default=512, help='mixtures that are made at a time')
    parser.add_argument('--again', type=int, default=6, help='steps of each time')
    parser.add_argument('--pool', type=int, default=131072, help='mixtures that are kept')
    parser.add_argument('--batch', type=int, default=512)
    parser.add_argument('--keep', type=int, default=128, help='patches of 256 that a step keeps')
    parser.add_argument('--whole', type=float, default=0.2, help='the part of the time at the end in which a step keeps all')
    parser.add_argument('--rate', type=float, default=1.2e-3)
    parser.add_argument('--warm-up', type=int, default=100)
    parser.add_argument('--average', type=float, default=0.998, help='what a step keeps of the moving average')
    parser.add_argument('--every', type=float, default=30, help='seconds from one measurement to the next')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


class Learner:
    """A student, its optimizers, and the moving average of its weights."""

    def __init__(self, student, args, of_labels, autocast):
        self.student, self.args, self.of_labels, self.autocast = student.to(args.device).train(), args, of_labels, autocast
        self.average = copy.deepcopy(student).eval()
        self.steps, self.sums, self.summed = 0, 0, 0
        matrices = [p for p in student.model.blocks.parameters() if p.ndim == 2]
        taken = {id(p) for p in matrices}
        self.optimizers = [
            Muon(matrices, args.rate, weight_decay=0.02),
            torch.optim.AdamW([p for p in student.parameters() if id(p) not in taken], args.rate, betas=(0.9, 0.98), weight_decay=0.02),
        ]

    def step(self, batch, part_left):
        rate = self.args.rate * min(1, (self.steps + 1) / self.args.warm_up, part_left / self.args.fall)
        keep = self.args.keep if part_left > self.args.whole else self.student.model.rows * self.student.model.columns
        loss, parts = losses(self.student, batch, keep, self.of_labels, self.autocast)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group['lr'] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            kept = min(self.args.average, (self.steps + 1) / (self.steps + 10))
            torch._foreach_mul_(list(self.average.parameters()), kept)
            torch._foreach_add_(list(self.average.parameters()), list(self.student.parameters()), alpha=1 - kept)
        self.steps, self.sums, self.summed = self.steps + 1, self.sums + parts, self.summed + 1

    def report(self):
        means, self.sums, self.summed = (self.sums / self.summed).tolist(), 0, 0
        return ', '.join(f'{n} {v:.3f}' for n, v in zip(('teacher', 'groups', 'embedding', 'where'), means))

    def save(self, path):
        average = {name: value.half().cpu() for name, value in self.average.state_dict().items()}
        torch.save({'step': self.steps, 'average': average}, path + '.part')
        os.replace(path + '.part', path)


def losses(student, batch, keep, of_labels, autocast):
    with autocast():
        logits, embedding, columns, there = student(batch['inputs'], keep)
    logits, embedding, columns = logits.float(), embedding.float(), columns.float()
    teacher = F.binary_cross_entropy_with_logits(logits[:, : len(kinds.AUDIOSET)], batch['teacher'], reduction='none').sum(1).mean()
    groups = F.binary_cross_entropy_with_logits(logits @ of_labels.T, batch['groups'], reduction='none')
    groups = (groups * batch['known']).sum(1).mean()
    embedding = (embedding - batch['embedding']).square().mean()
    # Where, given that it is there: of the pieces that sound, and no others.
    pieces = batch['pieces']
    columns = columns.transpose(1, 2).gather(1, pieces.clamp_min(0)[..., None].expand(-1, -1, columns.shape[1]))
    counts = (pieces >= 0).float()[..., None] * there.float()[:, None]
    where = (F.binary_cross_entropy_with_logits(columns, batch['where'], reduction='none') * counts).sum() / counts.sum().clamp_min(1)
    loss = 0.3 * teacher + 3 * groups + 2 * embedding + 0.5 * where
    return loss, torch.stack([teacher, groups, embedding, where]).detach()


class Held:
    """The recordings held out, and how many of them a model names rightly."""

    def __init__(self, path, preprocessor, device, of_labels):
        clips = np.load(path)
        self.inputs = features.normalised(torch.from_numpy(clips['fbank']).float(), preprocessor).to(device)
        self.classes, self.of_labels = clips['classes'].tolist(), of_labels[:FIFTY]

    @torch.no_grad()
    def __call__(self, model):
        logits = torch.cat([model(part) for part in self.inputs.split(64)]) @ self.of_labels.T
        logits = logits.cpu()
        loss = F.cross_entropy(logits, torch.tensor(self.classes)).item()
        return f'top-1 {evaluate.right(logits, self.classes, 1):.1%}, top-3 {evaluate.right(logits, self.classes, 3):.1%}, {loss:.3f}'


def main():
    args = arguments()
    began = time.time()
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    autocast = contextlib.nullcontext if args.device == 'cpu' else lambda: torch.autocast('cuda', torch.bfloat16)
    os.makedirs(args.out, exist_ok=True)
    before, preprocessor = ast_model.load(kinds.BEFORE)
    mixer = Mixer(args.sounds, args.seed, args.device, args.others)
    pool = Pool(mixer, Teacher(args.teacher, args.device), before.to(args.device), preprocessor, args.pool, autocast)
    print(f'{time.time() - began:.0f} s: {len(mixer.rows)} recordings, {len(mixer.rooms)} rooms', flush=True)
    first = max(1, min(32, args.pool // args.fresh))
    pool.learn_probe(first, args.fresh)
    for _ in range(first):
        pool.fill(args.fresh)
    print(f'{time.time() - began:.0f} s: the probe has learnt, {pool.filled} mixtures', flush=True)

    of_labels = torch.from_numpy(kinds.matrix([names for _, names in kinds.GROUPS])).to(args.device)
    held = Held(args.held, preprocessor, args.device, of_labels) if args.held else None
    learners = {layers: Learner(deeper(args.start, layers), args, of_labels, autocast) for layers in args.layers}
    told, made = time.time(), pool.filled
    end = began + 60 * args.minutes
    length = end - told
    while time.time() < end:
        pool.fill(args.fresh)
        made += args.fresh
        for _ in range(args.again):
            batch = pool.take(args.batch)
            for learner in learners.values():
                learner.step(batch, max(0, end - time.time()) / length)
        if time.time() - told > args.every or time.time() >= end:
            told = time.time()
            for layers, learner in learners.items():
                rightly = held(learner.average.model) if held else ''
                said = f'{told - began:.0f} s, {made} mixtures, {layers} layers, step {learner.steps}: {learner.report()}'
                print(f'{said}; {rightly}', flush=True)
                learner.save(os.path.join(args.out, f'{layers}.pt'))


if __name__ == '__main__':
    main()
