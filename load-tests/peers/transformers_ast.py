#!/usr/bin/env python3
"""transformers' own ASTForAudioClassification, timed for comparison; the copies to and from the device count, as they do for AstStream.

    transformers_ast.py CHECKPOINT [--batch 1] [--dtype float16] [--attention sdpa] [--device cuda] [--runs 20]
"""
import argparse, json, statistics, sys, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("checkpoint")
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--runs", type=int, default=20)
parser.add_argument("--dtype", default="float16")
parser.add_argument("--attention", default="sdpa")
parser.add_argument("--device", default="cuda")
a = parser.parse_args()
try:
    import torch, transformers
except ImportError as e:
    sys.exit(f"not compared: {e}")

model = transformers.ASTForAudioClassification.from_pretrained(a.checkpoint, attn_implementation=a.attention, torch_dtype=getattr(torch, a.dtype)).to(a.device).eval()
x = torch.randn(a.batch, model.config.max_length, model.config.num_mel_bins)
if a.device != "cpu":
    x = x.pin_memory()
times = []
with torch.inference_mode():
    for run in range(-5, a.runs):
        start = time.perf_counter()
        model(x.to(a.device, getattr(torch, a.dtype), non_blocking=True)).logits.float().cpu()
        if run >= 0:
            times.append((time.perf_counter() - start) * 1e3)
print(json.dumps({"transformers": transformers.__version__, "torch": torch.__version__, "dtype": a.dtype, "attention": a.attention, "batch": a.batch,
                  "median_ms": round(statistics.median(times), 3), "windows_per_second": round(a.batch / statistics.median(times) * 1e3, 3)}))
