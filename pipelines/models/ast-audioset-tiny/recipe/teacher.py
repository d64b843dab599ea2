"""mn04: an AudioSet tagger to distil from. MobileNetV3 of width 0.4 with squeeze-excitation, 983,599 parameters, 527 classes, mAP 0.432.

The weights are EfficientAT's (F. Schmid, K. Koutini, G. Widmer, "Efficient Large-scale Audio Tagging via Transformer-to-CNN
Knowledge Distillation", ICASSP 2023; MIT licence). This module is an implementation of its own, and needs torch only.

    teacher = Teacher("weights/mn04_as_mAP_432.pt")
    logits, embedding = teacher(waveforms)      # [B, samples] or [samples] at 32 kHz, in [-1, 1] -> [B, 527], [B, 384]

or in two steps: features(waveform) -> [128, frames], Mn04.forward(mel) -> (logits, embedding). The scores are sigmoid(logits).
A clip of 5.12 s (163,840 samples) has exactly 512 frames. Clips of different lengths cannot share a batch: do not pad them with zeros.
The network halves time five times, and a last column that holds only a few frames, or only silence, spoils the mean: take a multiple of
32 frames, or a few less, never one to eight more (514 frames cost 7 of 100 answers, 0.2 s of zeros at the end 18).

Debian's OpenBLAS 0.3.21 does not know every processor: set OPENBLAS_CORETYPE (SkylakeX where there is AVX-512) before Python starts, or
products may run at a quarter of their speed; MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=4000000000 save page faults.
"""
import math

import torch
from torch import nn

SAMPLE_RATE = 32000
FFT, WINDOW, HOP, MELS = 1024, 800, 320, 128
LOW_HZ, HIGH_HZ = 0.0, 15000.0
PREEMPHASIS = 0.97


def mel_filters():
    """Kaldi's triangles, [128, 513] (float64): even on 1127 ln(1 + f/700), weights taken in mel, no area norm, the Nyquist bin 0."""
    mel = lambda hz: 1127.0 * torch.log1p(torch.as_tensor(hz, dtype=torch.float64) / 700.0)
    edges = mel(LOW_HZ) + (mel(HIGH_HZ) - mel(LOW_HZ)) / (MELS + 1) * torch.arange(MELS + 2, dtype=torch.float64)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = mel(torch.arange(FFT // 2, dtype=torch.float64) * SAMPLE_RATE / FFT)[None]
    weights = torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clamp(min=0)
    return torch.nn.functional.pad(weights, (0, 1))


class FrontEnd(nn.Module):
    """[B, samples] at 32 kHz -> [B, 128, 1 + (samples - 1) // HOP]; the plain definition by torch.stft."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW, periodic=False), persistent=False)
        self.register_buffer("mel", mel_filters().float(), persistent=False)

    def forward(self, wave):
        wave = wave[:, 1:] - PREEMPHASIS * wave[:, :-1]  # one sample shorter: x[0] has no forerunner
        spectrum = torch.stft(wave, FFT, HOP, WINDOW, self.window, center=True, pad_mode="reflect", return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        return (torch.log(self.mel @ power + 1e-5) + 4.5) / 5.0


class FastFrontEnd(nn.Module):
    """The same, a clip at a time so that its 2 MB stay in the cache; the mel matrix takes squared real and imaginary parts as they lie."""

    def __init__(self):
        super().__init__()
        mel = mel_filters()
        self.used = 2 * (int((mel.sum(0) > 0).nonzero().max()) + 1)  # 480 of the 513 bins reach some filter
        self.register_buffer("window", torch.hann_window(WINDOW, periodic=False), persistent=False)
        self.register_buffer("mel", mel.t().repeat_interleave(2, 0)[: self.used].contiguous().float(), persistent=False)

    def forward(self, wave):
        half = WINDOW // 2  # power knows no phase: all zeros may stand after the frame
        wave = wave[:, 1:] - PREEMPHASIS * wave[:, :-1]
        wave = torch.nn.functional.pad(wave[:, None], (half, half), mode="reflect")[:, 0]
        rows = []
        for clip in wave:
            spectrum = torch.view_as_real(torch.fft.rfft(clip.unfold(0, WINDOW, HOP) * self.window, FFT)).flatten(1)
            rows.append(spectrum[:, : self.used].square_() @ self.mel)
        return torch.stack(rows).add_(1e-5).log_().add_(4.5).mul_(0.2).transpose(1, 2)


_front_end = None


def features(waveform):
    """[samples] or [B, samples] at 32 kHz, float in [-1, 1] -> [128, frames] or [B, 128, frames]."""
    global _front_end
    if _front_end is None:
        _front_end = FrontEnd()
    with torch.no_grad():
        mel = _front_end(waveform if waveform.dim() == 2 else waveform[None])
    return mel if waveform.dim() == 2 else mel[0]


# in, expanded, out, kernel, stride, squeeze (0: none), Hardswish (else ReLU)
BLOCKS = (
    (8, 8, 8, 3, 1, 0, False),
    (8, 24, 16, 3, 2, 0, False),
    (16, 32, 16, 3, 1, 0, False),
    (16, 32, 16, 5, 2, 8, False),
    (16, 48, 16, 5, 1, 16, False),
    (16, 48, 16, 5, 1, 16, False),
    (16, 96, 32, 3, 2, 0, True),
    (32, 80, 32, 3, 1, 0, True),
    (32, 72, 32, 3, 1, 0, True),
    (32, 72, 32, 3, 1, 0, True),
    (32, 192, 48, 3, 1, 48, True),
    (48, 272, 48, 3, 1, 72, True),
    (48, 272, 64, 5, 2, 72, True),
    (64, 384, 64, 5, 1, 96, True),
    (64, 384, 64, 5, 1, 96, True),
)
STEM, EMBEDDING, HIDDEN, CLASSES = 8, 384, 512, 527


class ConvNorm(nn.Module):
    """A convolution without bias, batch norm, and an activation."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, activation=None):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.activation = activation if activation is not None else nn.Identity()

    def forward(self, x):
        return self.activation(self.norm(self.conv(x)))

    def fold(self):
        """Puts the batch norm into the convolution (for inference only)."""
        if isinstance(self.norm, nn.Identity):
            return
        scale = self.norm.weight.double() / torch.sqrt(self.norm.running_var.double() + self.norm.eps)
        conv = self.conv
        folded = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, groups=conv.groups)
        folded.weight.data = (conv.weight.double() * scale[:, None, None, None]).float()
        folded.bias.data = (self.norm.bias.double() - self.norm.running_mean.double() * scale).float()
        self.conv, self.norm = folded, nn.Identity()


class Squeeze(nn.Module):
    """Squeeze-excitation: each channel is scaled by what two small layers make of all channels' means."""

    def __init__(self, channels, squeezed):
        super().__init__()
        self.down = nn.Linear(channels, squeezed)
        self.up = nn.Linear(squeezed, channels)

    def forward(self, x):
        scale = torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3))))))
        return x * scale[:, :, None, None]


class Block(nn.Module):
    def __init__(self, inputs, expanded, outputs, kernel, stride, squeezed, hardswish):
        super().__init__()
        activation = nn.Hardswish if hardswish else nn.ReLU
        self.expand = ConvNorm(inputs, expanded, 1, activation=activation(inplace=True)) if expanded != inputs else nn.Identity()
        self.depthwise = ConvNorm(expanded, expanded, kernel, stride, groups=expanded, activation=activation(inplace=True))
        self.squeeze = Squeeze(expanded, squeezed) if squeezed else nn.Identity()
        self.project = ConvNorm(expanded, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.project(self.squeeze(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class Mn04(nn.Module):
    """mel [B, 128, T], [B, 1, 128, T] or [128, T] -> (logits [B, 527], embedding [B, 384])."""

    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(1, STEM, 3, 2, activation=nn.Hardswish(inplace=True))
        self.blocks = nn.Sequential(*(Block(*b) for b in BLOCKS))
        self.last = ConvNorm(BLOCKS[-1][2], EMBEDDING, 1, activation=nn.Hardswish(inplace=True))
        self.hidden = nn.Linear(EMBEDDING, HIDDEN)
        self.classifier = nn.Linear(HIDDEN, CLASSES)

    def forward(self, mel):
        if mel.dim() == 2:
            mel = mel.unsqueeze(0)
        if mel.dim() == 3:
            mel = mel.unsqueeze(1)
        embedding = self.last(self.blocks(self.stem(mel))).mean((2, 3))
        return self.classifier(nn.functional.hardswish(self.hidden(embedding))), embedding

    @classmethod
    def load(cls, path):
        """From EfficientAT's state dict; every tensor of it must find its place."""
        model = cls()
        model.load_state_dict(_renamed(torch.load(path, map_location="cpu")))
        return model.eval()

    def fold(self):
        """For inference: batch norms go into the convolutions. Returns self."""
        for module in self.modules():
            if isinstance(module, ConvNorm):
                module.fold()
        return self.eval()


def _renamed(source):
    """EfficientAT's names to ours."""
    target = {}
    for name, tensor in source.items():
        parts = name.split(".")
        if parts[0] == "classifier":
            target[{"2": "hidden", "5": "classifier"}[parts[1]] + "." + parts[2]] = tensor
            continue
        index = int(parts[1])
        part = lambda p: {"0": "conv", "1": "norm"}[p]
        if index == 0 or index == len(BLOCKS) + 1:
            target[f"{'stem' if index == 0 else 'last'}.{part(parts[2])}.{parts[3]}"] = tensor
            continue
        inputs, expanded, _, _, _, squeezed, _ = BLOCKS[index - 1]
        order = ["expand"] * (expanded != inputs) + ["depthwise"] + ["squeeze"] * (squeezed > 0) + ["project"]
        stage = order[int(parts[3])]
        if stage == "squeeze":
            rest = {"fc1": "down", "fc2": "up"}[parts[6]] + "." + parts[7]
        else:
            rest = part(parts[4]) + "." + parts[5]
        target[f"blocks.{index - 1}.{stage}.{rest}"] = tensor
    return target


class Teacher(nn.Module):
    """Waveform to (logits, embedding), made for speed: batch norm folded, channels last; in half precision on a GPU, else traced."""

    def __init__(self, path, device='cpu'):
        super().__init__()
        on_cpu = device == 'cpu'
        self.front_end = FastFrontEnd() if on_cpu else FrontEnd().to(device)
        model = Mn04.load(path).fold().to(memory_format=torch.channels_last)
        # Not torch.jit.optimize_for_inference: in torch 1.13 its results are wrong (logits off by 7 to 25).
        example = torch.zeros(2, 1, MELS, 128).contiguous(memory_format=torch.channels_last)
        self.model = torch.jit.freeze(torch.jit.trace(model, example)) if on_cpu else model.to(device).half()

    @torch.no_grad()
    def forward(self, wave):
        mel = self.front_end(wave if wave.dim() == 2 else wave[None])
        if mel.is_cuda:
            mel = mel.half()
        logits, embedding = self.model(mel[:, None].contiguous(memory_format=torch.channels_last))
        return logits.float(), embedding.float()
