"""The shards that mixtures.py wrote, and what the model before says of them."""
import glob
import os

import numpy as np
import torch

import kinds
from mixtures import SHARD

KEYS = 'fbank', 'logits', 'embedding', 'groups', 'pieces', 'where', 'heard'


class Pool:
    """Shards of a folder; more may come while it is read."""

    def __init__(self, folder):
        self.folder, self.shards, self.seen = folder, [], set()
        self.refresh()
        if not self.shards:
            raise SystemExit(f'error: {folder} has no shards; run mixtures.py first')

    def __len__(self):
        return SHARD * len(self.shards)

    def refresh(self):
        for done in sorted(glob.glob(os.path.join(self.folder, '*.done'))):
            if done in self.seen:
                continue
            self.seen.add(done)
            shard = {k: np.load(f'{done[:-5]}.{k}.npy', mmap_mode='r' if k == 'fbank' else None) for k in KEYS}
            before = done[:-5] + '.before.npy'
            if not os.path.exists(before):
                np.save(before, np.full((SHARD, len(kinds.CLASSES)), np.nan, np.float16))
            shard['before'] = np.load(before, mmap_mode='r+')
            self.shards.append(shard)

    def all(self, key, most=None):
        return np.concatenate([s[key] for s in self.shards[:most]])

    def rows(self, rows):
        return {k: np.stack([self.shards[r // SHARD][k][r % SHARD] for r in rows]) for k in KEYS}

    def before(self, rows, inputs, model):
        """The logits of the model before, which are computed once and kept beside the shard."""
        kept = [self.shards[r // SHARD]['before'] for r in rows]
        out = np.stack([k[r % SHARD] for k, r in zip(kept, rows)])
        todo = np.flatnonzero(np.isnan(out[:, 0]))
        if len(todo):
            out[todo] = model(inputs[torch.from_numpy(todo)]).numpy()
            for i in todo:
                kept[i][rows[i] % SHARD] = out[i]
        return torch.from_numpy(out).float()
