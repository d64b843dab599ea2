"""Trains on the shards of mixtures.py, against the labels, the teacher and the model before; goes on from OUT/NAME.pt if it is there.

    train.py POOL ESC50 OUT [--name NAME] [--beside OTHER] [--fall HOURS HOURS] ...

Two of them, each with the other's name as --beside, train one model on two cores: now and then each takes the mean of both.
"""
import argparse
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
from mixtures import log_mel
from muon import Muon
from pool import Pool
from probe import Probe
from student import Student, begin, configuration

FIFTY = len(kinds.CLASSES)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pool', help='folder of the shards')
    parser.add_argument('esc50', help="folder of ESC-50's layout, for the recordings held out")
    parser.add_argument('out', help='folder for the state to go on from')
    parser.add_argument('--name', default='one')
    parser.add_argument('--beside', help='the name of another run in the same folder')
    parser.add_argument('--together', type=int, default=40, help='steps after which the two take their mean')
    parser.add_argument('--start', help='a folder of export.py to begin with, in place of the model before')
    parser.add_argument('--layers', type=int, default=6)
    parser.add_argument('--steps', type=int, default=6000)
    parser.add_argument('--fall', type=float, default=0.25, help='the part of the steps over which the rate falls, at the end')
    parser.add_argument('--batch', type=int, default=64)
    parser.add_argument('--keep', type=int, default=128, help='patches of 256 that a step keeps')
    parser.add_argument('--rate', type=float, default=5e-4)
    parser.add_argument('--warm-up', type=int, default=60)
    parser.add_argument('--average', type=float, default=0.998, help='what a step keeps of the moving average')
    parser.add_argument('--every', type=int, default=200, help='steps from one measurement to the next')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


def features_before(pool, before, preprocessor, windows=1536, step=32):
    """What the model before has of some windows before its classifier, and the teacher's logits of them, one higher."""
    rows, logits = [], []
    with torch.no_grad():
        for start in range(0, min(windows, len(pool)), step):
            part = pool.rows(range(start, start + step))
            x = before.embed(features.normalised(log_mel(part['fbank']), preprocessor))
            for block in before.blocks:
                x = block(x)
            x = before.norm(x)
            rows.append(before.head_norm((x[:, 0] + x[:, 1]) / 2))
            logits.append(torch.from_numpy(part['logits']).float() + 1)
    return torch.cat(rows), torch.cat(logits)


class Targets:
    """What a batch is to learn."""

    def __init__(self, pool, before, preprocessor):
        self.pool, self.before, self.preprocessor = pool, before, preprocessor
        self.probe = Probe(torch.from_numpy(pool.all('embedding')).float(), torch.from_numpy(pool.all('groups')))

    def of(self, rows):
        part = self.pool.rows(rows)
        x = log_mel(part['fbank'])
        heard = (x != 0).any(2, keepdim=True)
        x = torch.where(heard, (x + torch.empty(len(x), 1, 1).uniform_(-1, 1)).clamp_min(-15.94), x)  # louder or fainter
        inputs = features.normalised(x, self.preprocessor)
        embedding = torch.from_numpy(part['embedding']).float()
        with torch.no_grad():
            soft = self.probe(embedding)
            soft[:, :FIFTY] = (soft[:, :FIFTY] + self.pool.before(rows, inputs, self.before)) / 2
        groups = torch.from_numpy(part['groups']).float()
        known = (groups >= 0).float()
        # What is known is half what it is and half what the two say; of the rest the fifty learn what they say, at a tenth of the weight.
        groups = torch.where(known > 0, (groups.clamp_min(0) + soft.sigmoid()) / 2, soft.sigmoid())
        known[:, :FIFTY] = known[:, :FIFTY].clamp_min(0.1)
        bits = torch.from_numpy(part['where'].astype(np.int64))[..., None] >> torch.arange(32) & 1
        return {
            'inputs': inputs,
            'teacher': (torch.from_numpy(part['logits']).float() + 1).sigmoid(),
            'embedding': self.probe.normal(embedding),
            'groups': groups,
            'known': known,
            'pieces': torch.from_numpy(part['pieces']).long(),
            'where': bits.float(),
        }


def losses(student, batch, keep, of_labels):
    logits, embedding, columns, there = student(batch['inputs'], keep)
    teacher = F.binary_cross_entropy_with_logits(logits[:, : len(kinds.AUDIOSET)], batch['teacher'], reduction='none').sum(1).mean()
    groups = F.binary_cross_entropy_with_logits(logits @ of_labels.T, batch['groups'], reduction='none')
    groups = (groups * batch['known']).sum(1).mean()
    embedding = (embedding - batch['embedding']).square().mean()
    # Where, given that it is there: of the pieces that sound, and no others.
    pieces = batch['pieces']
    columns = columns.transpose(1, 2).gather(1, pieces.clamp_min(0)[..., None].expand(-1, -1, columns.shape[1]))
    counts = (pieces >= 0).float()[..., None] * there.float()[:, None]
    where = (F.binary_cross_entropy_with_logits(columns, batch['where'], reduction='none') * counts).sum() / counts.sum().clamp_min(1)
    return 0.3 * teacher + 3 * groups + 2 * embedding + 0.5 * where, [teacher.item(), groups.item(), embedding.item(), where.item()]


def write(value, path):
    torch.save(value, path + '.part')
    os.replace(path + '.part', path)


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    if args.device == 'cpu':
        torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    path = lambda name: os.path.join(args.out, name + '.pt')
    before, preprocessor = ast_model.load(kinds.BEFORE)
    pool = Pool(args.pool)
    targets = Targets(pool, before, preprocessor)
    saved = torch.load(path(args.name), map_location='cpu') if os.path.exists(path(args.name)) else None
    if saved:
        student = Student(ast_model.Ast(configuration(before, args.layers)))
    elif args.start:
        student = Student(ast_model.load(args.start)[0])
        student.take(args.start)
    else:
        student = begin(before, args.layers, *features_before(pool, before, preprocessor))
    student.to(args.device)
    average = copy.deepcopy(student).eval()
    matrices = [p for p in student.model.blocks.parameters() if p.ndim == 2]
    taken = {id(p) for p in matrices}
    rest = [p for p in student.parameters() if id(p) not in taken]
    optimizers = [
        Muon(matrices, args.rate, weight_decay=0.02),
        torch.optim.AdamW(rest, args.rate, betas=(0.9, 0.98), weight_decay=0.02),
    ]
    first = 0
    if saved:
        first = saved['step']
        student.load_state_dict(saved['student'])
        average.load_state_dict(saved['average'])
        for optimizer, state in zip(optimizers, saved['optimizers']):
            optimizer.load_state_dict(state)
    of_labels = torch.from_numpy(kinds.matrix([names for _, names in kinds.GROUPS])).to(args.device)
    clips = kinds.validation(args.esc50)
    windows, classes = evaluate.windows([x for x, _ in clips], preprocessor), [c for _, c in clips]
    other_seen, sums, summed, began = time.time(), np.zeros(4), 0, time.time()

    for step in range(first, args.steps):
        rate = args.rate * min(1, (step + 1) / args.warm_up, (args.steps - step) / (args.fall * args.steps))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group['lr'] = rate
        if step % 20 == 0:
            pool.refresh()
        random = np.random.default_rng([args.seed, step, *args.name.encode()])
        batch = targets.of(random.choice(len(pool), args.batch, replace=False))
        loss, parts = losses(student.train(), {k: v.to(args.device) for k, v in batch.items()}, args.keep, of_labels)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        for optimizer in optimizers:
            optimizer.step()
        if args.beside and (step + 1) % args.together == 0:
            write(student.state_dict(), path(args.name + '.now'))
            other = path(args.beside + '.now')
            if os.path.exists(other) and os.path.getmtime(other) > other_seen:
                other_seen, theirs = os.path.getmtime(other), torch.load(other, map_location=args.device)
                with torch.no_grad():
                    for name, value in student.state_dict().items():
                        value.lerp_(theirs[name], 0.5)
        with torch.no_grad():
            kept = min(args.average, (step + 1) / (step + 10))
            for mean, value in zip(average.parameters(), student.parameters()):
                mean.lerp_(value, 1 - kept)
        sums, summed, last = sums + parts, summed + 1, step + 1 == args.steps
        if (step + 1) % args.every == 0 or last:
            logits = evaluate.forward(average.model, windows) @ of_labels[:FIFTY].cpu().T
            line = ', '.join(f'{n} {v:.3f}' for n, v in zip(('teacher', 'groups', 'embedding', 'where'), sums / summed))
            print(
                f'step {step + 1}: {line}; {(step + 1 - first) / (time.time() - began):.2f} steps/s, {len(pool)} windows; '
                f'top-1 {evaluate.right(logits, classes, 1):.1%}, top-3 {evaluate.right(logits, classes, 3):.1%}',
                flush=True,
            )
            sums, summed = np.zeros(4), 0
            state = {'step': step + 1, 'student': student.state_dict(), 'average': average.state_dict()}
            state['optimizers'] = [o.state_dict() for o in optimizers]
            write(state, path(args.name))
            if rate == args.rate:  # a longer run may go on from here: nothing has been slowed down yet
                write(state, path(args.name + '.level'))


main()
