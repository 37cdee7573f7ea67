"""How many videos a second a GPU encodes and classifies, at the published sizes.

    python -m tests.benchmarks.gpu_rates

It needs torch, timm and transformers alone. Weights are drawn: they cost as much as learned ones.
"""

# ruff: noqa: T201 - a script that prints

import time
from collections.abc import Callable

import timm
import torch
from transformers import LxmertConfig, LxmertModel

FRAMES, TOKENS, ROUNDS = 8, 188, 20


def main() -> None:
    """Print the rate of each model in each precision."""
    print(torch.cuda.get_device_name(), torch.__version__)
    encoder = timm.create_model("swin_tiny_patch4_window7_224", num_classes=0)
    encoder = encoder.cuda().eval().to(memory_format=torch.channels_last)
    config = LxmertConfig(l_layers=12, r_layers=0, x_layers=5, visual_feat_dim=768)
    classifier = LxmertModel(config).cuda().eval()
    pixels = torch.rand(256, 3, 224, 224, device="cuda").to(memory_format=torch.channels_last)
    texts = {
        "input_ids": torch.randint(9, 9999, (256, TOKENS), device="cuda"),
        "visual_feats": torch.rand(256, FRAMES, 768, device="cuda"),
        "visual_pos": torch.rand(256, FRAMES, 4, device="cuda"),
    }
    for precision in (torch.float32, torch.bfloat16):
        encoded = rate(lambda: encoder(pixels), precision) * 256 / FRAMES
        classified = rate(lambda: classifier(**texts), precision) * 256
        print(f"{precision}: encoded {encoded:,.0f}, classified {classified:,.0f} videos a second")


def rate(work: Callable[[], object], precision: torch.dtype) -> float:
    """Runs a second, after a few that are not counted."""
    is_less = precision != torch.float32
    with torch.inference_mode(), torch.autocast("cuda", precision, enabled=is_less):
        for _ in range(5):
            work()
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(ROUNDS):
            work()
        torch.cuda.synchronize()
    return ROUNDS / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
