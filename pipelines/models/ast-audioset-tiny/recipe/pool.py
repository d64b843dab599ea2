"""Mixtures on their way to the student, with what the teachers say of them."""
import torch

import kinds
import features
from mixtures import for_teacher, is_heard, log_mel
from probe import Probe

FIFTY = len(kinds.CLASSES)


class Pool:
    """The latest mixtures, so many at most: some are new at each fill, the oldest are forgotten."""

    def __init__(self, mixer, teacher, before, preprocessor, size, autocast):
        self.mixer, self.teacher, self.before, self.preprocessor = mixer, teacher, before, preprocessor
        self.size, self.filled, self.at, self.autocast = size, 0, 0, autocast
        self.tensors, self.probe = {}, None

    def made(self, n):
        batch = self.mixer.draw(n)
        wave = batch.pop('wave')
        logits, embedding = self.teacher(for_teacher(wave))
        return {**batch, 'fbank': log_mel(wave, batch['heard']).half(), 'logits': logits.half(), 'embedding': embedding}

    @torch.no_grad()
    def fill(self, n):
        batch = self.made(n)
        inputs = features.normalised(batch['fbank'].float(), self.preprocessor)
        with self.autocast():
            before = self.before(inputs)
        soft = self.probe(batch['embedding'])
        soft = torch.cat(((soft[:, :FIFTY] + before.float()) / 2, soft[:, FIFTY:]), 1)
        batch['soft'], batch['embedding'] = soft.half(), self.probe.normal(batch['embedding']).half()
        if not self.tensors:
            self.tensors = {k: torch.empty(self.size, *v.shape[1:], dtype=v.dtype, device=v.device) for k, v in batch.items()}
        rows = (torch.arange(n, device=self.mixer.device) + self.at) % self.size
        for key, value in batch.items():
            self.tensors[key][rows] = value
        self.at, self.filled = (self.at + n) % self.size, min(self.filled + n, self.size)

    def learn_probe(self, batches, n):
        parts = [(b['embedding'], b['groups']) for b in (self.made(n) for _ in range(batches))]
        self.probe = Probe(torch.cat([e for e, _ in parts]), torch.cat([g for _, g in parts]))

    def take(self, n):
        """What n of them are to teach the student."""
        rows = torch.randint(self.filled, (n,), device=self.mixer.device)
        part = {k: v[rows] for k, v in self.tensors.items()}
        x = part['fbank'].float()
        louder = torch.empty(n, 1, 1, device=x.device).uniform_(-1, 1)
        x = torch.where(is_heard(part['heard']), (x + louder).clamp_min(-15.94), torch.zeros((), device=x.device))
        soft, groups = part['soft'].float().sigmoid(), part['groups'].float()
        known = (groups >= 0).float()
        # What is known is half what it is and half what the two say; of the rest the student learns what they say, at a part of the weight.
        groups = torch.where(known > 0, (groups.clamp_min(0) + soft) / 2, soft)
        known[:, :FIFTY] = known[:, :FIFTY].clamp_min(0.2)
        return {
            'inputs': features.normalised(x, self.preprocessor),
            'teacher': (part['logits'].float() + 1).sigmoid(),
            'embedding': part['embedding'].float(),
            'groups': groups,
            'known': known,
            'pieces': part['pieces'],
            'where': part['where'].float(),
        }
