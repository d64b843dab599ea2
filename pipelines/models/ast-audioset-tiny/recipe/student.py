"""The model that is trained: an AST, and heads for what only training needs, and for where in time something sounds."""
import os

import torch
from torch import nn

import ast_model
import kinds

TEACHER_EMBEDDING = 384
PLACES = 192  # width of the head that says where
HEADS = 'recipe/heads.safetensors'  # in a model's folder: what only training needs
LOCALISER = {'localiser.layernorm.': 'local.0.', 'localiser.intermediate.dense.': 'local.1.', 'localiser.output.dense.': 'local.3.'}


class Student(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model, width = model, model.config['hidden_size']
        self.embedding = nn.Linear(width, TEACHER_EMBEDDING)
        self.local = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, PLACES), nn.GELU(), nn.Linear(PLACES, len(kinds.GROUPS)))

    def forward(self, inputs, keep):
        """
        Logits, an estimate of the teacher's embedding, logits of groups by column [batch, columns, groups], and which columns are there;
        with only so many patches kept, others each time.
        """
        m = self.model
        x = m.embed(inputs)
        batch, width = len(x), x.shape[2]
        kept = torch.rand(batch, m.rows * m.columns, device=x.device).argsort(1)[:, :keep]
        x = torch.cat((x[:, :2], x[:, 2:].gather(1, kept[..., None].expand(-1, -1, width))), 1)
        for block in m.blocks:
            x = block(x)
        x = m.norm(x)
        column = kept % m.columns
        sums = x.new_zeros(batch, m.columns, width).scatter_add_(1, column[..., None].expand(-1, -1, width), x[:, 2:])
        counts = x.new_zeros(batch, m.columns).scatter_add_(1, column, torch.ones_like(column, dtype=x.dtype))
        return m.classify(x), self.embedding(x.mean(1)), self.local(sums / counts.clamp_min(1)[..., None]), counts > 0

    def localiser(self):
        """The tensors of the head that says where, by the names that AstStream reads beside the model's own."""
        state = self.state_dict()
        return {theirs + part: state[own + part] for theirs, own in LOCALISER.items() for part in ('weight', 'bias')}

    def take(self, folder):
        """Takes over what a model's folder has of it besides the model."""
        tensors = ast_model.read_tensors(os.path.join(folder, 'model.safetensors'))
        state = {own + part: tensors[theirs + part] for theirs, own in LOCALISER.items() for part in ('weight', 'bias')}
        self.load_state_dict({**self.state_dict(), **state, **ast_model.read_tensors(os.path.join(folder, HEADS))})


def configuration(before, layers):
    names = {str(i): n for i, n in enumerate(kinds.LABELS)}
    localiser = {'intermediate_size': PLACES, 'layer_norm_eps': 1e-5, 'groups': [labels for _, labels in kinds.GROUPS]}
    labels = {'id2label': names, 'label2id': {n: int(i) for i, n in names.items()}}
    return {**before.config, 'num_hidden_layers': layers, **labels, 'localiser': localiser}


def deeper(folder, layers):
    """The student of a folder, with so many layers: those that it has not there do nothing yet."""
    model = ast_model.load(folder)[0]
    given = Student(model)
    given.take(folder)
    count = len(model.blocks)
    if layers % count:
        raise SystemExit(f'error: {layers} layers are no multiple of the {count} that {folder} has')
    student = Student(ast_model.Ast(configuration(model, layers)))
    times, state = layers // count, student.state_dict()
    state.update((name, value) for name, value in given.state_dict().items() if not name.startswith('model.blocks.'))
    for i in range(layers):
        for name, value in model.blocks[i // times].state_dict().items():
            silent = i % times > 0 and name.split('.')[0] in ('out', 'down')
            state[f'model.blocks.{i}.{name}'] = torch.zeros_like(value) if silent else value
    student.load_state_dict(state)
    return student
