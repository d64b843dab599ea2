"""Makes the training vectors beside the small checkpoint with PyTorch, in float64: gradients of each loss, and steps of AdamW.

    training.py            writes ast-small-16x16-t256/gradients-*.safetensors, adamw.safetensors and adamw-losses.npy
"""
import json
import math
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'ast-small-16x16-t256')
CLIPS = 'bursts-12s', 'chirp-10s24', 'noise-3s'
PREFIX = 'audio_spectrogram_transformer.'
TYPES = {'F32': np.float32, 'F16': np.float16}


def read(name):
    raw = open(os.path.join(HERE, name), 'rb').read()
    length = struct.unpack('<Q', raw[:8])[0]
    tensors = {}
    for key, at in json.loads(raw[8 : 8 + length]).items():
        if key != '__metadata__':
            begin, end = (8 + length + offset for offset in at['data_offsets'])
            tensors[key] = torch.tensor(np.frombuffer(raw[begin:end], TYPES[at['dtype']]).reshape(at['shape']).astype(np.float64))
    return tensors


def write(name, tensors):
    header, blobs, at = {}, [], 0
    for key, tensor in sorted(tensors.items()):
        blob = tensor.detach().numpy().astype('<f4').tobytes()
        header[key] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(os.path.join(HERE, name), 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + b''.join(blobs))


class Model:
    def __init__(self):
        self.config = json.load(open(os.path.join(HERE, 'config.json')))
        self.p = {**read('model.safetensors'), **read('localiser.safetensors')}
        for tensor in self.p.values():
            tensor.requires_grad_()

    def linear(self, name, x):
        return F.linear(x, self.p[name + '.weight'], self.p[name + '.bias'])

    def norm(self, name, x, eps=None):
        return F.layer_norm(x, x.shape[-1:], self.p[name + '.weight'], self.p[name + '.bias'], eps or self.config['layer_norm_eps'])

    def __call__(self, features):
        c, p = self.config, self.p
        size, heads = c['patch_size'], c['num_attention_heads']
        x = features.transpose(1, 2).unsqueeze(1)
        name = PREFIX + 'embeddings.patch_embeddings.projection'
        x = F.conv2d(x, p[name + '.weight'], p[name + '.bias'], stride=(c['frequency_stride'], c['time_stride']))
        rows, columns = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)
        tokens = [p[f'{PREFIX}embeddings.{n}_token'].expand(len(x), -1, -1) for n in ('cls', 'distillation')]
        x = torch.cat((*tokens, x), 1) + p[PREFIX + 'embeddings.position_embeddings']
        for i in range(c['num_hidden_layers']):
            at = f'{PREFIX}encoder.layer.{i}.'
            n = self.norm(at + 'layernorm_before', x)
            q, k, v = (
                self.linear(f'{at}attention.attention.{part}', n).unflatten(2, (heads, -1)).transpose(1, 2)
                for part in ('query', 'key', 'value')
            )
            y = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v
            x = x + self.linear(at + 'attention.output.dense', y.transpose(1, 2).flatten(2))
            h = F.gelu(self.linear(at + 'intermediate.dense', self.norm(at + 'layernorm_after', x)))
            x = x + self.linear(at + 'output.dense', h)
        x = self.norm(PREFIX + 'layernorm', x)
        logits = self.linear('classifier.dense', self.norm('classifier.layernorm', (x[:, 0] + x[:, 1]) / 2))
        y = x[:, 2:].unflatten(1, (rows, columns)).mean(1)
        y = F.gelu(self.linear('localiser.intermediate.dense', self.norm('localiser.layernorm', y, 1e-6)))
        return logits, self.linear('localiser.output.dense', y)


def grid(function, *shape):
    return torch.tensor(np.fromfunction(np.vectorize(function), shape, dtype=int).astype(np.float64))


def losses(logits, columns):
    rows, labels = logits.shape
    targets = grid(lambda i, j: (7 * i + 3 * j) % 5 / 4, rows, labels)
    weights = grid(lambda i, j: (1 + (i + j) % 3) / (rows * labels), rows, labels)
    bce = (weights * F.binary_cross_entropy_with_logits(logits, targets, reduction='none')).sum()
    shares = targets / targets.sum(1, keepdim=True)
    cross = (grid(lambda i: (1 + i) / rows, rows) * F.cross_entropy(logits, shares, reduction='none')).sum()
    there = grid(lambda i, c, g: (i + c + g) % 2, *columns.shape)
    counts = grid(lambda i, c, g: (i + g) % 3 / 50, *columns.shape)
    return bce, cross, bce + (counts * F.binary_cross_entropy_with_logits(columns, there, reduction='none')).sum()


def main():
    x = torch.tensor(np.concatenate([np.load(f'{HERE}/{clip}.input_values.npy').reshape(1, -1, 128) for clip in CLIPS])).double()
    for i, name in enumerate(('bce', 'cross-entropy', 'columns')):
        model = Model()
        losses(*model(x))[i].backward()
        write(f'gradients-{name}.safetensors', {k: v.grad for k, v in model.p.items() if v.grad is not None})
    model, steps = Model(), []
    trained = {k: v for k, v in model.p.items() if not k.startswith('localiser.') and not k.endswith('key.bias')}
    decays = [v for k, v in trained.items() if k.endswith('.weight') and 'layernorm' not in k]
    others = [v for k, v in trained.items() if not (k.endswith('.weight') and 'layernorm' not in k)]
    groups = [{'params': decays, 'weight_decay': 0.05}, {'params': others, 'weight_decay': 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3)
    for _ in range(20):
        optimizer.zero_grad()
        loss = losses(*model(x))[0]
        loss.backward()
        steps.append([loss.item(), torch.nn.utils.clip_grad_norm_(list(trained.values()), 0.5).item()])
        optimizer.step()
    write('adamw.safetensors', trained)
    np.save(os.path.join(HERE, 'adamw-losses.npy'), np.array(steps, '<f4'))


if __name__ == '__main__':
    main()
