"""Log-mel features of the student (AST) and of the teacher (YAMNet), for batches of equally long sounds."""
import numpy as np
import torch

SAMPLE_RATE = 16000
FRAMES = 512
SAMPLES = 400 + (FRAMES - 1) * 160  # 5.135 s: exactly FRAMES frames


def mel(f):
    return 1127.0 * np.log1p(np.asarray(f, np.float64) / 700.0)


def mel_triangles(bins, low, high):
    """[257, bins] weights of triangles that are spaced evenly, and weighted, on the mel scale; 512-point FFT at 16 kHz."""
    edges = np.linspace(mel(low), mel(high), bins + 2)
    at = mel(np.arange(257) * SAMPLE_RATE / 512)[:, None]
    up = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(up, down))


def tensor(a):
    return torch.from_numpy(np.ascontiguousarray(a, np.float32))


STUDENT_MEL = mel_triangles(128, 20, 8000)
STUDENT_MEL[256] = 0  # Kaldi leaves the Nyquist bin out
STUDENT_MEL = tensor(STUDENT_MEL)
TEACHER_MEL = mel_triangles(64, 125, 7500)
TEACHER_MEL[0] = 0
TEACHER_MEL = tensor(TEACHER_MEL)
STUDENT_HANN = tensor(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399))
TEACHER_HANN = tensor(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400))


def frames_of(samples):
    return samples.unfold(-1, 400, 160)


def student_fbank(samples):
    """Kaldi's fbank as AST's feature extractor asks for it, not yet normalised: [batch, samples] to [batch, frames, 128]."""
    x = frames_of(samples)
    x = x - x.mean(-1, keepdim=True)
    before = torch.cat((x[..., :1], x[..., :-1]), -1)
    x = (x - 0.97 * before) * STUDENT_HANN.to(x.device)
    power = torch.fft.rfft(x, 512).abs().square()
    return (power @ STUDENT_MEL.to(x.device)).clamp_min(2.0 ** -23).log()


def normalised(fbank, preprocessor):
    """What the model gets, as AST's feature extractor makes it."""
    return (fbank - preprocessor['mean']) / (2 * preprocessor['std'])


def teacher_fbank(samples):
    """YAMNet's own log-mel: [batch, samples] to [batch, frames, 64]."""
    return (torch.fft.rfft(frames_of(samples) * TEACHER_HANN, 512).abs() @ TEACHER_MEL + 0.001).log()
