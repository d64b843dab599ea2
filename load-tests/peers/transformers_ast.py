#!/usr/bin/env python3
"""transformers' own ASTForAudioClassification, timed for comparison; the copies to and from the device count, as they do for AstStream.

    transformers_ast.py CHECKPOINT [--batch 1,8,64] [--dtype float16] [--attention sdpa] [--backend flash|cudnn]
                        [--compile reduce-overhead|max-autotune] [--device cuda] [--runs 20] [--seconds 400]

One process times one peer over all batch sizes, and prints a JSON line for each; after --seconds it begins no further size.
"""
import argparse, contextlib, json, statistics, sys, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("checkpoint")
parser.add_argument("--batch", default="1")
parser.add_argument("--runs", type=int, default=20)
parser.add_argument("--dtype", default="float16")
parser.add_argument("--attention", default="sdpa", choices=["eager", "sdpa"])
parser.add_argument("--backend", choices=["flash", "cudnn"], help="the kernel of sdpa; PyTorch's own choice without it")
parser.add_argument("--compile", choices=["reduce-overhead", "max-autotune"])
parser.add_argument("--device", default="cuda")
parser.add_argument("--seconds", type=float, default=400)
a = parser.parse_args()
try:
    import torch, transformers
except ImportError as e:
    sys.exit(f"not compared: {e}")

begin = time.perf_counter()
dtype = getattr(torch, a.dtype)
model = transformers.ASTForAudioClassification.from_pretrained(a.checkpoint, attn_implementation=a.attention, torch_dtype=dtype).to(a.device).eval()
run = torch.compile(model, mode=a.compile, dynamic=False) if a.compile else model
kernel = contextlib.nullcontext
if a.backend:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    backend = SDPBackend.FLASH_ATTENTION if a.backend == "flash" else SDPBackend.CUDNN_ATTENTION
    kernel = lambda: sdpa_kernel(backend)
for batch in (int(b) for b in a.batch.split(",")):
    if time.perf_counter() - begin > a.seconds:
        sys.exit(f"time is up before batch {batch}")
    x = torch.randn(batch, model.config.max_length, model.config.num_mel_bins)
    if a.device != "cpu":
        x = x.pin_memory()
    times = []
    with torch.inference_mode(), kernel():
        for i in range(-5, a.runs):
            start = time.perf_counter()
            run(x.to(a.device, dtype, non_blocking=True)).logits.float().cpu()
            if i >= 0:
                times.append((time.perf_counter() - start) * 1e3)
    median = statistics.median(times)
    print(json.dumps({"transformers": transformers.__version__, "torch": torch.__version__, "dtype": a.dtype, "attention": a.attention, "backend": a.backend or "auto",
                      "compile": a.compile or "no", "batch": batch, "median_ms": round(median, 3), "min_ms": round(min(times), 3), "windows_per_second": round(batch / median * 1e3, 3)}), flush=True)
