"""Trains the student on the shards of make_pool.py, against the labels and against the teacher."""
import argparse
import glob
import os
import queue
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import ast_model
import evaluate
import features
import probe
import sounds
import yamnet
from muon import Muon

FLOOR = np.log(2.0 ** -23)
CONSTANTS = 'preprocessor', 'mean', 'std', 'soft'  # what a run finds out before its first step


def configuration(names, args):
    return {
        'architectures': ['ASTForAudioClassification'], 'model_type': 'audio-spectrogram-transformer',
        'hidden_size': args.width, 'num_hidden_layers': args.layers, 'num_attention_heads': args.width // 64,
        'intermediate_size': 4 * args.width, 'hidden_act': 'gelu', 'hidden_dropout_prob': 0.0, 'attention_probs_dropout_prob': 0.0,
        'initializer_range': 0.02, 'layer_norm_eps': ast_model.EPS, 'patch_size': 16, 'qkv_bias': True,
        'frequency_stride': 16, 'time_stride': 16, 'max_length': 512, 'num_mel_bins': 128,
        'problem_type': 'multi_label_classification', 'torch_dtype': 'float16',
        'id2label': {str(i): n for i, n in enumerate(names)}, 'label2id': {n: i for i, n in enumerate(names)},
    }


class Pool:
    """The shards that lie in a folder; more may come while it is read."""

    def __init__(self, folder, batch):
        self.folder, self.shards, self.seen = folder, [], set()
        self.refresh()
        if sum(len(s['targets']) for s in self.shards) < batch:
            raise SystemExit(f'error: {folder} has no shards, or less than a batch; run make_pool.py first')

    def refresh(self):
        for done in sorted(glob.glob(os.path.join(self.folder, '*.done'))):
            if done not in self.seen:
                self.seen.add(done)
                self.shards.append({n: np.load(f'{done[:-5]}.{n}.npy', mmap_mode='r') for n in ('fbank', 'middle', 'embedding', 'targets')})

    def batches(self, size, seed):
        random = np.random.default_rng(seed)
        while True:
            self.refresh()
            order = np.concatenate([np.stack((np.full(len(s['targets']), i), np.arange(len(s['targets']))), 1) for i, s in enumerate(self.shards)])
            random.shuffle(order)
            for start in range(0, len(order) - size + 1, size):
                rows = order[start:start + size]
                yield {n: torch.from_numpy(np.stack([self.shards[s][n][r] for s, r in rows])).float() for n in self.shards[0]}


def ahead(batches, count=3):
    """The same batches, made by a thread in the background."""
    ready = queue.Queue(count)

    def work():
        try:
            for batch in batches:
                ready.put(batch)
        except Exception as e:
            ready.put(e)
    threading.Thread(target=work, daemon=True).start()
    while True:
        batch = ready.get()
        if isinstance(batch, Exception):
            raise batch
        yield batch


class Student(nn.Module):
    """The model, and the heads that only training needs: what the teacher's maps and embeddings would be."""

    def __init__(self, config, middle_size, embedding_size):
        super().__init__()
        self.model = ast_model.Ast(config)
        width = config['hidden_size']
        self.half = config['num_hidden_layers'] // 2
        self.middle = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, middle_size))
        self.embedding = nn.Linear(width, embedding_size)

    def forward(self, inputs, keep):
        """Logits, and estimates of the middle maps [batch, 32, 4, ·] and embeddings [batch, 6, ·], with only some patches kept."""
        m = self.model
        x = m.embed(inputs)
        batch, patches = len(x), m.rows * m.columns
        kept = torch.rand(batch, patches, device=x.device).argsort(1)[:, :keep]
        x = torch.cat((x[:, :2], x[:, 2:].gather(1, kept[..., None].expand(-1, -1, x.shape[2]))), 1)
        middle = None
        for i, block in enumerate(m.blocks):
            x = block(x)
            if i + 1 == self.half:
                middle = x[:, 2:]
        x = m.norm(x)
        there = torch.zeros(batch, patches, 1, device=x.device).scatter_(1, kept[..., None], 1.0).view(batch, m.rows, m.columns, 1)
        # The teacher's cell is two patches high, its embedding one of six columns.
        pairs = self.grid(middle, kept).view(batch, 4, 2, m.columns, -1).sum(2) / there.view(batch, 4, 2, m.columns, 1).sum(2).clamp_min(1)
        columns, count = self.grid(x[:, 2:], kept).sum(1), there.sum(1)
        starts = [s // 16 for s in yamnet.PATCH_STARTS]
        spans = torch.stack([columns[:, s:s + 6].sum(1) / count[:, s:s + 6].sum(1).clamp_min(1) for s in starts], 1)
        return m.classify(x), self.middle(pairs).transpose(1, 2), self.embedding(spans), there.view(batch, 4, 2, m.columns).amax(2).transpose(1, 2)

    def grid(self, tokens, kept):
        tokens = tokens.float()
        full = tokens.new_zeros(len(tokens), self.model.rows * self.model.columns, tokens.shape[2])
        return full.scatter(1, kept[..., None].expand(-1, -1, tokens.shape[2]), tokens).view(len(tokens), self.model.rows, self.model.columns, -1)


@torch.no_grad()
def initialise(student, inputs):
    """Starts from what is known: patches by their principal components, positions as waves over both axes, and attention that
    looks at like tokens (mimetic initialisation: A. Trockman, J. Z. Kolter, 2023)."""
    m = student.model
    width = m.config['hidden_size']
    patches = m.patches(inputs).reshape(-1, m.patch ** 2)
    mean = patches.mean(0)
    values, vectors = np.linalg.eigh(np.cov((patches - mean).numpy().T))
    values, vectors = np.maximum(values[::-1][:width], 1e-6), np.ascontiguousarray(vectors[:, ::-1][:, :width])
    gain = values ** -0.35
    gain *= 0.5 / np.sqrt((values * gain ** 2).mean())
    m.project.weight.copy_(torch.from_numpy((vectors * gain).T.astype(np.float32)))
    m.project.bias.copy_(-(m.project.weight @ mean))
    waves = width // 4
    rate = 1.0 / (100.0 ** (torch.arange(waves) / waves))

    def axis(count):
        angle = torch.arange(count)[:, None] * rate
        return torch.cat((angle.sin(), angle.cos()), 1)
    rows, columns = axis(m.rows), axis(m.columns)
    m.positions[2:] = 0.5 * torch.cat((rows[:, None].expand(-1, m.columns, -1), columns[None].expand(m.rows, -1, -1)), 2).flatten(0, 1)
    m.special.normal_(0, 0.3)
    for block in m.blocks:
        heads, size = block.heads, width // block.heads
        q, k, v = block.qkv.weight.chunk(3)
        for h in range(heads):
            u, s, w = np.linalg.svd((0.7 * torch.randn(width, width) / width ** 0.5 + 0.7 * torch.eye(width)).numpy())
            part = slice(h * size, (h + 1) * size)
            q[part] = torch.from_numpy((u[:, :size] * s[:size] ** 0.5).T)
            k[part] = torch.from_numpy((w[:size].T * s[:size] ** 0.5).T)
        u, s, w = np.linalg.svd((0.4 * torch.randn(width, width) / width ** 0.5 - 0.4 * torch.eye(width)).numpy())
        block.out.weight.copy_(torch.from_numpy(u * s ** 0.5))
        v.copy_(torch.from_numpy((w.T * s ** 0.5).T))
        block.up.weight.normal_(0, width ** -0.5)
        block.down.weight.normal_(0, 0.02)
    m.head.weight.normal_(0, 0.02)
    m.head.bias.fill_(-3.5)  # most classes are silent most of the time


def constants(pool, fbank, device):
    """The extractor's settings, mean and deviation of the teacher's embeddings, and the probe on them."""
    real = fbank[(fbank != 0).any(2)]
    embedding = torch.from_numpy(np.concatenate([s['embedding'] for s in pool.shards[:20]])).float()
    mean, std = embedding.mean((0, 1)), embedding.std((0, 1)).clamp_min(0.02)
    soft = probe.fit((embedding - mean) / std, torch.from_numpy(np.concatenate([s['targets'] for s in pool.shards[:20]])).float())
    return {
        'feature_extractor_type': 'ASTFeatureExtractor', 'do_normalize': True, 'feature_size': 1, 'max_length': 512, 'num_mel_bins': 128,
        'mean': float(real.mean()), 'std': float(real.std()), 'padding_side': 'right', 'padding_value': 0.0,
        'return_attention_mask': False, 'sampling_rate': 16000,
    }, mean.to(device), std.to(device), [s.to(device) for s in soft]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    sounds.add_arguments(parser)
    parser.add_argument('pool', help='folder of the shards')
    parser.add_argument('out', help='folder for the model and the checkpoint to go on from')
    parser.add_argument('--width', type=int, default=192)
    parser.add_argument('--layers', type=int, default=6)
    parser.add_argument('--steps', type=int, default=4800)
    parser.add_argument('--stop', type=int, help='end after this step, with the rates of --steps')
    parser.add_argument('--batch', type=int, default=64)
    parser.add_argument('--keep', type=int, default=128, help='patches of 256 that a step sees')
    parser.add_argument('--rate', type=float, default=2e-3)
    parser.add_argument('--warm-up', type=int, default=200)
    parser.add_argument('--optimizer', choices=['muon', 'adamw'], default='muon')
    parser.add_argument('--weight-decay', type=float, default=0.05)
    parser.add_argument('--soft', type=float, default=0.4, help="the teacher's share of the target")
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    args = parser.parse_args()
    if args.width % 64:
        parser.error('--width must be a multiple of 64')
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)

    recordings = sounds.Recordings(args)
    validation = recordings.validation()

    pool = Pool(args.pool, args.batch)
    some = pool.shards[0]
    fbank = torch.from_numpy(some['fbank'][:512].astype(np.float32))
    checkpoint = os.path.join(args.out, 'checkpoint.pt')
    saved = torch.load(checkpoint, map_location=args.device) if os.path.exists(checkpoint) else None
    preprocessor, mean, std, soft = (saved[n] for n in CONSTANTS) if saved else constants(pool, fbank, args.device)

    student = Student(configuration(recordings.names, args), some['middle'].shape[-1], some['embedding'].shape[-1])
    initialise(student, features.normalised(fbank, preprocessor))
    student.to(args.device)
    average = ast_model.Ast(student.model.config).eval().to(args.device)
    average.load_state_dict(student.model.state_dict())
    matrices = [p for _, p in student.model.blocks.named_parameters() if p.ndim == 2]
    of_blocks = {id(p) for p in matrices}
    rest = [p for p in student.parameters() if id(p) not in of_blocks]
    adam = dict(lr=args.rate, betas=(0.9, 0.98), weight_decay=args.weight_decay)
    optimizers = [Muon(matrices, args.rate, weight_decay=args.weight_decay), torch.optim.AdamW(rest, **adam)] \
        if args.optimizer == 'muon' else [torch.optim.AdamW(matrices + rest, **adam)]

    print(f"{sum(p.numel() for p in student.model.parameters()) / 1e6:.2f} M parameters, mean {preprocessor['mean']:.4f}, std {preprocessor['std']:.4f}", flush=True)
    first, sums, summed, began = 0, np.zeros(3), 0, time.time()
    if saved:
        first = saved['step']
        torch.manual_seed(args.seed + first)
        student.load_state_dict(saved['student'])
        average.load_state_dict(saved['average'])
        for o, s in zip(optimizers, saved['optimizers']):
            o.load_state_dict(s)
    batches = ahead(pool.batches(args.batch, args.seed + first))
    for step in range(first, args.steps):
        # Up in a straight line, level, then down in a straight line over the last half.
        rate = min(1, (step + 1) / args.warm_up, 2 * (args.steps - step) / args.steps)
        for o in optimizers:
            for g in o.param_groups:
                g['lr'] = args.rate * rate
        batch = {n: t.to(args.device) for n, t in next(batches).items()}
        x, y = batch['fbank'], batch['targets']
        quieter = torch.empty(len(x), 1, 1, device=x.device).uniform_(-1, 1)  # log-power: 4 dB up or down
        x = torch.where((x != 0).any(2, keepdim=True), (x + quieter).clamp_min(FLOOR), x)
        wanted = (batch['embedding'] - mean) / std
        known = (y >= 0).float()
        y = (1 - args.soft) * y + args.soft * probe.scores(wanted, soft)
        with torch.autocast(args.device, torch.bfloat16):
            logits, middle, spans, there = student(features.normalised(x, preprocessor), args.keep)
        logits, middle, spans = logits.float(), middle.float(), spans.float()
        class_loss = (F.binary_cross_entropy_with_logits(logits, y, reduction='none') * known).sum(1).mean()
        middle_loss = ((middle - batch['middle']).square().mean(3) * there).sum() / there.sum()
        span_loss = (spans - wanted).square().mean()
        loss = class_loss + middle_loss + 2 * span_loss
        for o in optimizers:
            o.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        for o in optimizers:
            o.step()
        decay = min(0.998, (step + 1) / (step + 10))
        with torch.no_grad():
            for a, p in zip(average.parameters(), student.model.parameters()):
                a.lerp_(p, 1 - decay)
        summed += 1
        sums += [class_loss.item(), middle_loss.item(), span_loss.item()]
        last = step + 1 in (args.stop, args.steps)
        if (step + 1) % 50 == 0 or last:
            spent = time.time() - began
            means = sums / summed
            line = f'step {step + 1}: class {means[0]:.3f}, middle {means[1]:.3f}, embedding {means[2]:.3f}; {(step + 1 - first) / spent:.2f} steps/s, {len(pool.shards)} shards'
            sums[:], summed = 0, 0
            if (step + 1) % 250 == 0 or last:
                line += '; ' + evaluate.summary(average, preprocessor, validation)
                state = {'step': step + 1, 'student': student.state_dict(), 'average': average.state_dict(), 'optimizers': [o.state_dict() for o in optimizers],
                         **dict(zip(CONSTANTS, (preprocessor, mean, std, soft)))}
                torch.save(state, checkpoint)
                if rate == 1:  # a longer run may go on from here: nothing has been slowed down yet
                    torch.save(state, os.path.join(args.out, 'level.pt'))
                ast_model.save(average, args.out, preprocessor)
            print(line, flush=True)
        if last:
            break


main()
