"""YAMNet (M. Plakal, D. Ellis, Google; Apache 2.0) as a teacher: its patches laid over a student's window."""
import numpy as np
import torch
import torch.nn.functional as F

import features

PATCH_STARTS = (0, 96, 192, 288, 384, features.FRAMES - 96)
STRIDED = {1, 4, 8, 12, 24}  # layers of stride 2; even layers are depthwise 3x3, odd ones from 3 on are 1x1


class Yamnet:
    def __init__(self, path):
        stored = np.load(path)
        self.layers = []
        for n in range(1, 28):
            # 'tower0|network|layer23|...' has four axes (weights) or one (bias); '/' in the graph's names became '|'.
            mine = [stored[k] for k in stored.files if k.startswith(f'tower0|network|layer{n}|')]
            weight, bias = (next((w for w in mine if w.ndim == axes), None) for axes in (4, 1))
            if weight is None or bias is None:
                raise SystemExit(f'error: {path} lacks tower0|network|layer{n}|...: no weights of YAMNet under the names of its TFLite graph')
            depthwise = n > 1 and n % 2 == 0
            weight = weight.transpose(3, 0, 1, 2) if depthwise else weight.transpose(0, 3, 1, 2)
            # Bfloat16 is three times as fast on processors that have it; what it rounds is far under what a student can learn.
            weight = features.tensor(weight).bfloat16().contiguous(memory_format=torch.channels_last)
            self.layers.append((n, weight, features.tensor(bias).bfloat16(), weight.shape[0] if depthwise else 1))

    @torch.no_grad()
    def patches(self, samples):
        """[batch, samples] to what each patch of 96 frames gives: the map of layer 23, [batch, 6, 512, 6, 4] (time, frequency),
        and the embedding, [batch, 6, 1024]. Patches lie end to end but the last one, which ends with the window: the zeros
        that pad a patch of this very size are part of what the network learned, so a longer one gives nonsense."""
        x = features.teacher_fbank(samples)
        x = torch.stack([x[:, s:s + 96] for s in PATCH_STARTS], 1)
        x = x.view(-1, 1, 96, 64).bfloat16().contiguous(memory_format=torch.channels_last)
        middle = None
        for n, weight, bias, groups in self.layers:
            stride = 2 if n in STRIDED else 1
            if weight.shape[-1] == 3:
                # TensorFlow's SAME: a stride of 2 over an even size pads behind only.
                x = F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
            x = F.conv2d(x, weight, bias, stride, groups=groups).clamp_(0, 6)
            if n == 23:
                middle = x
        batch, count = samples.shape[0], len(PATCH_STARTS)
        return middle.reshape(batch, count, *middle.shape[1:]), x.float().mean((2, 3)).view(batch, count, -1)
