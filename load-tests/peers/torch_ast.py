#!/usr/bin/env python3
"""The Audio Spectrogram Transformer in plain PyTorch, to measure and check AstStream against.

    torch_ast.py time CHECKPOINT [--batch 1] [--runs 7] [--threads 2] [--frequency-stride N --time-stride N]
                 [--sdpa] [--dtype float16] [--device cuda]
    torch_ast.py train CHECKPOINT [--batch 1] [--runs 7] [--threads 2] [--sdpa] [--dtype bfloat16] [--device cuda] [--last N]
    torch_ast.py tune FOLDER [--seeds 5] [--threads 2] [--device cuda]     what `AstStream.LoadTest fine-tunes` wrote
    torch_ast.py onnx CHECKPOINT OUT.onnx [--frequency-stride N --time-stride N]      the plain export, with a batch of 1
    torch_ast.py logits CHECKPOINT INPUT_VALUES.npy OUT.npy [--frames N] [--frequency-stride N --time-stride N]

CHECKPOINT is a Hugging Face folder with model.safetensors in F32 or F16. Attention is written out unless this PyTorch has
scaled_dot_product_attention (2.0), which --sdpa asks for. Position embeddings for another window are cropped or interpolated
as the AST authors' code does. Needs PyTorch and NumPy only (Debian: python3-torch python3-numpy libopenblas0-pthread).
train times a step of AdamW on binary cross-entropy: weights in float32, products in --dtype by autocast; --last trains the last N layers.
"""
import argparse, contextlib, json, os, resource, statistics, time

import numpy as np
import torch
import torch.nn.functional as F

TYPES = {"F32": np.float32, "F16": np.float16}


def load(folder):
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    with open(os.path.join(folder, "model.safetensors"), "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    header.pop("__metadata__", None)
    weights = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        array = np.frombuffer(data[begin:end], dtype=TYPES[t["dtype"]]).reshape(t["shape"])
        weights[name.replace("audio_spectrogram_transformer.", "")] = torch.from_numpy(array.astype(np.float32))
    return config, weights


class Ast(torch.nn.Module):
    def __init__(self, config, weights, frames=None, frequency_stride=None, time_stride=None, sdpa=False):
        super().__init__()
        self.c, self.w, self.sdpa = config, weights, sdpa
        patch, bins = config["patch_size"], config["num_mel_bins"]
        grid = lambda length, fs, ts: ((bins - patch) // fs + 1, (length - patch) // ts + 1)
        own = grid(config["max_length"], config["frequency_stride"], config["time_stride"])
        self.strides = (frequency_stride or config["frequency_stride"], time_stride or config["time_stride"])
        self.frames = frames or config["max_length"]
        want = grid(self.frames, *self.strides)
        positions = weights["embeddings.position_embeddings"]
        d = positions.shape[2]
        rest = positions[:, 2:].reshape(1, own[0], own[1], d).permute(0, 3, 1, 2)
        if want[1] <= own[1]:
            start = own[1] // 2 - want[1] // 2
            rest = rest[..., start : start + want[1]]
        else:
            rest = F.interpolate(rest, size=(own[0], want[1]), mode="bilinear", align_corners=False)
        if want[0] <= own[0]:
            start = own[0] // 2 - want[0] // 2
            rest = rest[:, :, start : start + want[0]]
        else:
            rest = F.interpolate(rest, size=(want[0], want[1]), mode="bilinear", align_corners=False)
        self.positions = torch.cat([positions[:, :2], rest.flatten(2).transpose(1, 2)], 1)

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"], self.c["layer_norm_eps"])

    def forward(self, x):
        c, w = self.c, self.w
        x = x.unsqueeze(1).transpose(2, 3)
        x = F.conv2d(x, w["embeddings.patch_embeddings.projection.weight"], w["embeddings.patch_embeddings.projection.bias"], stride=self.strides)
        x = x.flatten(2).transpose(1, 2)
        b = x.shape[0]
        x = torch.cat([w["embeddings.cls_token"].expand(b, -1, -1), w["embeddings.distillation_token"].expand(b, -1, -1), x], 1)
        x = x + self.positions
        heads = c["num_attention_heads"]
        size = c["hidden_size"] // heads
        for i in range(c["num_hidden_layers"]):
            p = f"encoder.layer.{i}."
            h = self.norm(p + "layernorm_before", x)
            q, k, v = (self.linear(p + "attention.attention." + n, h).view(b, -1, heads, size).transpose(1, 2) for n in ("query", "key", "value"))
            if self.sdpa:
                a = F.scaled_dot_product_attention(q, k, v)
            else:
                a = torch.softmax(q @ k.transpose(-1, -2) * size**-0.5, -1) @ v
            x = x + self.linear(p + "attention.output.dense", a.transpose(1, 2).reshape(b, -1, c["hidden_size"]))
            h = self.norm(p + "layernorm_after", x)
            x = x + self.linear(p + "output.dense", F.gelu(self.linear(p + "intermediate.dense", h)))
        x = self.norm("layernorm", x)
        return self.linear("classifier.dense", self.norm("classifier.layernorm", (x[:, 0] + x[:, 1]) / 2))


def trained_of(config, weights, last):
    """The weights that are trained, by name: those of the last layers and of what comes after them, or all."""
    layers = config["num_hidden_layers"]
    first = layers - last if last else -1

    def layer(name):
        return -1 if name.startswith("embeddings.") else int(name.split(".")[2]) if name.startswith("encoder.") else layers

    return {n: w.requires_grad_() for n, w in weights.items() if layer(n) >= first and not n.startswith("localiser.")}


def average_precision(scores, there):
    order = np.argsort(-scores, kind="stable")
    hits = there[order]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def mixed(x):
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


def order_of(seed, epoch, count):
    """The order in which AstStream takes the clips of an epoch: SplitMix64 from the seed and the epoch, Fisher and Yates' shuffle."""
    state, clips = mixed(mixed((mixed(seed) - 1 - epoch) % 2**64)), list(range(count))
    for i in range(count - 1, 0, -1):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        other = int((mixed(state) >> 11) / 2**53 * (i + 1))
        clips[i], clips[other] = clips[other], clips[i]
    return clips


def tune(a):
    """Fine-tunes as AstStream does, in the same order: AdamW by groups, a rate that rises and falls, clipped gradients."""
    with open(os.path.join(a.checkpoint, "options.json")) as f:
        o = json.load(f)
    windows, targets = {}, {}
    for part in "learn", "measure":
        config, _ = load(os.path.join(a.checkpoint, "start"))
        labels = json.load(open(os.path.join(a.checkpoint, part + ".json")))
        there = torch.zeros(len(labels), len(config["id2label"]))
        for row, classes in enumerate(labels):
            there[row, classes] = 1
        values = np.fromfile(os.path.join(a.checkpoint, part + ".f32"), dtype="<f4")
        windows[part] = torch.from_numpy(values.reshape(len(labels), config["max_length"], config["num_mel_bins"])).to(a.device)
        targets[part] = there.to(a.device)
    count, per_epoch = len(targets["learn"]), -(-len(targets["learn"]) // o["Batch"])
    steps = per_epoch * o["Epochs"]
    print(f"torch {torch.__version__}, {a.device}, {torch.get_num_threads()} threads")
    print("| seed | loss learnt | loss measured | mAP | top-1 | s |\n|---:|---:|---:|---:|---:|---:|")
    for seed in range(a.seeds):
        start = time.perf_counter()
        config, weights = load(os.path.join(a.checkpoint, "start"))
        weights = {n: w.to(a.device) for n, w in weights.items()}
        trained = trained_of(config, weights, o["Last"])
        model = Ast(config, weights, sdpa=a.sdpa)
        model.positions = weights["embeddings.position_embeddings"]
        groups = {}
        for name, weight in trained.items():
            decays = name.endswith(".weight") and "layernorm" not in name
            key = o["HeadRate"] if name.startswith("classifier.") else 1, o["WeightDecay"] if decays else 0
            groups.setdefault(key, []).append(weight)
        optimizer = torch.optim.AdamW([{"params": w, "times": times, "weight_decay": decay} for (times, decay), w in groups.items()], lr=1)
        for epoch in range(o["Epochs"]):
            order, losses = order_of(seed, epoch, count), []
            for i in range(per_epoch):
                step = epoch * per_epoch + i
                rising = min(1, (step + 1) / max(1, o["WarmUp"] * steps))
                rest = min(1, max(0, (step - o["WarmUp"] * steps) / max(1, steps * (1 - o["WarmUp"]))))
                for group in optimizer.param_groups:
                    group["lr"] = o["Rate"] * rising * (1 + np.cos(np.pi * rest)) / 2 * group["times"]
                rows = order[i * o["Batch"] : (i + 1) * o["Batch"]]
                optimizer.zero_grad()
                loss = F.binary_cross_entropy_with_logits(model(windows["learn"][rows]), targets["learn"][rows])
                loss.backward()
                torch.nn.utils.clip_grad_norm_(list(trained.values()), o["MaxNorm"])
                optimizer.step()
                losses.append(loss.item())
        with torch.no_grad():
            logits = torch.cat([model(part) for part in windows["measure"].split(o["Batch"])])
            measured = F.binary_cross_entropy_with_logits(logits, targets["measure"]).item()
        there = targets["measure"].cpu().numpy() > 0
        scores = logits.cpu().numpy()
        precision = np.mean([average_precision(scores[:, c], there[:, c]) for c in range(there.shape[1]) if there[:, c].any()])
        top = there[np.arange(len(scores)), scores.argmax(1)].mean()
        print(f"| {seed} | {np.mean(losses):.4f} | {measured:.4f} | {precision:.4f} | {top:.4f} | {time.perf_counter() - start:.0f} |", flush=True)


def train(a, config, weights):
    model = Ast(config, weights, sdpa=a.sdpa)
    model.positions = weights["embeddings.position_embeddings"]
    trained = list(trained_of(config, weights, a.last).values())
    optimizer = torch.optim.AdamW(trained, lr=1e-6, **({"fused": True} if a.device != "cpu" else {}))
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(a.batch, model.frames, config["num_mel_bins"], generator=generator).to(a.device)
    y = torch.zeros(a.batch, len(config["id2label"]), device=a.device)
    half = contextlib.nullcontext() if a.dtype == "float32" else torch.autocast(a.device, getattr(torch, a.dtype))
    times = []
    for run in range(-3, a.runs):
        start = time.perf_counter()
        optimizer.zero_grad()
        with half:
            logits = model(x)
        loss = F.binary_cross_entropy_with_logits(logits.float(), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1)
        optimizer.step()
        loss.item()
        if run >= 0:
            times.append((time.perf_counter() - start) * 1e3)
    peak = torch.cuda.max_memory_reserved() if a.device != "cpu" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    median = statistics.median(times)
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "device": a.device, "products": a.dtype, "sdpa": a.sdpa,
                      "layers": a.last or "all", "batch": a.batch, "median_ms": round(median, 1), "min_ms": round(min(times), 1),
                      "windows_per_second": round(1e3 * a.batch / median, 1), "peak_mb": round(peak / 1e6)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["time", "train", "tune", "onnx", "logits"])
    parser.add_argument("checkpoint")
    parser.add_argument("files", nargs="*")
    for flag, default in (("--batch", 1), ("--runs", 7), ("--threads", os.cpu_count()), ("--frames", None), ("--frequency-stride", None), ("--time-stride", None)):
        parser.add_argument(flag, type=int, default=default)
    parser.add_argument("--sdpa", action="store_true")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--last", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    if a.what == "tune":
        return tune(a)
    config, weights = load(a.checkpoint)
    if a.what == "train":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        return train(a, config, {n: t.to(a.device) for n, t in weights.items()})
    dtype = getattr(torch, a.dtype)
    weights = {n: t.to(a.device, dtype) for n, t in weights.items()}
    model = Ast(config, weights, a.frames, a.frequency_stride, a.time_stride, a.sdpa)
    if a.what == "onnx":
        for name, weight in weights.items():
            model.register_buffer(name.replace(".", "_"), weight)  # so that they are exported as weights
        with torch.no_grad():
            torch.onnx.export(model.eval(), (torch.randn(1, model.frames, config["num_mel_bins"]),), a.files[0], opset_version=16, input_names=["x"], output_names=["logits"])
        return
    with torch.inference_mode():
        if a.what == "logits":
            x = torch.from_numpy(np.load(a.files[0])[: model.frames])[None]
            np.save(a.files[1], model(x.to(a.device, dtype))[0].float().cpu().numpy())
            return
        x = torch.randn(a.batch, model.frames, config["num_mel_bins"], generator=torch.Generator().manual_seed(1)).to(a.device, dtype)
        times = []
        for run in range(-1, a.runs):
            start = time.perf_counter()
            y = model(x)
            y.float().cpu()
            if run >= 0:
                times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "device": a.device, "dtype": a.dtype, "sdpa": a.sdpa,
                          "batch": a.batch, "median_ms": round(statistics.median(times), 1), "min_ms": round(min(times), 1)}))


if __name__ == "__main__":
    main()
