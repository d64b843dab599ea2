"""The Audio Spectrogram Transformer of Hugging Face's ASTForAudioClassification, small enough to read, and its files."""
import json
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

EPS = 1e-6  # layer_norm_eps; the default of 1e-12 is nothing in half precision


class Block(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width, EPS)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.after = nn.LayerNorm(width, EPS)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        size = width // self.heads
        q, k, v = self.qkv(self.before(x)).view(batch, tokens, 3, self.heads, size).permute(2, 0, 3, 1, 4)
        y = ((q * size ** -0.5) @ k.transpose(-1, -2)).softmax(-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.down(F.gelu(self.up(self.after(x))))


class Ast(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        width, self.patch = config['hidden_size'], config['patch_size']
        self.strides = config['frequency_stride'], config['time_stride']
        self.rows = (config['num_mel_bins'] - self.patch) // self.strides[0] + 1
        self.columns = (config['max_length'] - self.patch) // self.strides[1] + 1
        self.special = nn.Parameter(torch.zeros(2, width))  # the cls and the distillation token
        self.positions = nn.Parameter(torch.zeros(2 + self.rows * self.columns, width))
        self.project = nn.Linear(self.patch ** 2, width)
        heads, inner = config['num_attention_heads'], config['intermediate_size']
        self.blocks = nn.ModuleList(Block(width, heads, inner) for _ in range(config['num_hidden_layers']))
        self.norm = nn.LayerNorm(width, EPS)
        self.head_norm = nn.LayerNorm(width, EPS)
        self.head = nn.Linear(width, len(config['id2label']))
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                nn.init.zeros_(m.bias)

    def patches(self, features):
        """[batch, frames, mels], normalised, to [batch, rows·columns, patch²]; rows of frequency are the outer order."""
        x = features.transpose(1, 2)
        x = x.unfold(1, self.patch, self.strides[0]).unfold(2, self.patch, self.strides[1])
        return x.reshape(x.shape[0], self.rows * self.columns, -1)

    def embed(self, features):
        x = self.project(self.patches(features))
        x = torch.cat((self.special.expand(len(x), -1, -1).to(x.dtype), x), 1)
        return x + self.positions

    def classify(self, x):
        """The logits of tokens that went through all blocks and the last norm."""
        return self.head(self.head_norm((x[:, 0] + x[:, 1]) / 2))

    def forward(self, features):
        x = self.embed(features)
        for block in self.blocks:
            x = block(x)
        return self.classify(self.norm(x))


PREFIX = 'audio_spectrogram_transformer.'


def to_hugging_face(model):
    """The tensors by the names that ASTForAudioClassification gives them."""
    width, patch = model.config['hidden_size'], model.patch
    t = {
        PREFIX + 'embeddings.cls_token': model.special[0].view(1, 1, width),
        PREFIX + 'embeddings.distillation_token': model.special[1].view(1, 1, width),
        PREFIX + 'embeddings.position_embeddings': model.positions[None],
        PREFIX + 'embeddings.patch_embeddings.projection.weight': model.project.weight.view(width, 1, patch, patch),
        PREFIX + 'embeddings.patch_embeddings.projection.bias': model.project.bias,
        PREFIX + 'layernorm.weight': model.norm.weight, PREFIX + 'layernorm.bias': model.norm.bias,
        'classifier.layernorm.weight': model.head_norm.weight, 'classifier.layernorm.bias': model.head_norm.bias,
        'classifier.dense.weight': model.head.weight, 'classifier.dense.bias': model.head.bias,
    }
    for i, b in enumerate(model.blocks):
        at = f'{PREFIX}encoder.layer.{i}.'
        for n, name in enumerate(('query', 'key', 'value')):
            t[f'{at}attention.attention.{name}.weight'] = b.qkv.weight[n * width:(n + 1) * width]
            t[f'{at}attention.attention.{name}.bias'] = b.qkv.bias[n * width:(n + 1) * width]
        for name, part in (('attention.output.dense', b.out), ('intermediate.dense', b.up), ('output.dense', b.down),
                           ('layernorm_before', b.before), ('layernorm_after', b.after)):
            t[at + name + '.weight'], t[at + name + '.bias'] = part.weight, part.bias
    return {name: tensor.detach() for name, tensor in t.items()}


def write_tensors(tensors, path):
    """A .safetensors file (float16)."""
    header, blobs, at = {}, [], 0
    for name, tensor in sorted(tensors.items()):
        blob = tensor.half().contiguous().cpu().numpy().tobytes()
        header[name] = {'dtype': 'F16', 'shape': list(tensor.shape), 'data_offsets': [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps({'__metadata__': {'format': 'pt'}, **header}).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + b''.join(blobs))


def read_tensors(path):
    """The tensors of a .safetensors file, in float32, by name."""
    raw = open(path, 'rb').read()
    size, = struct.unpack('<Q', raw[:8])
    stored = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name != '__metadata__':
            kind = {'F16': np.float16, 'F32': np.float32}[entry['dtype']]
            low, high = entry['data_offsets']
            values = np.frombuffer(raw[8 + size + low:8 + size + high], kind).astype(np.float32)
            stored[name] = torch.from_numpy(values.reshape(entry['shape']))
    return stored


def save(model, folder, preprocessor, besides={}):
    """Writes config.json, preprocessor_config.json and model.safetensors (float16), with tensors besides the model's own."""
    os.makedirs(folder, exist_ok=True)
    write_tensors({**to_hugging_face(model), **besides}, os.path.join(folder, 'model.safetensors'))
    for name, value in (('config.json', model.config), ('preprocessor_config.json', preprocessor)):
        with open(os.path.join(folder, name), 'w') as f:
            json.dump(value, f, indent=2)
            f.write('\n')


def load(folder):
    """The model of a folder that save wrote, or any other AST in Hugging Face's format, and its preprocessor's settings."""
    config = json.load(open(os.path.join(folder, 'config.json')))
    preprocessor = json.load(open(os.path.join(folder, 'preprocessor_config.json')))
    stored = read_tensors(os.path.join(folder, 'model.safetensors'))
    model = Ast(config)
    with torch.no_grad():
        for name, tensor in to_hugging_face(model).items():
            tensor.copy_(stored[name])  # each is a view of the model's own memory
        for m in model.modules():
            if isinstance(m, nn.LayerNorm):
                m.eps = config['layer_norm_eps']
    return model.eval(), preprocessor
