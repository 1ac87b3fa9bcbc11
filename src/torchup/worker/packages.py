"""One call of each package around torch that is installed: on the GPU where there is one, else its CPU path."""

import ctypes.util
import importlib
import importlib.util
import io
import wave
from typing import Any, Callable, Dict, Optional, Tuple

from said import Said, said

Outcome = Tuple[str, Optional[Said]]  # as in verify.py
RATE = 8000  # samples in the second of sound


def installed() -> "Dict[str, Callable[[str], Outcome]]":
    """Name -> check, of what is installed here."""
    return {name: check for name, (module, check) in CHECKS.items() if importlib.util.find_spec(module) is not None}


def _attention(device: str, function: "Callable[[Any, Any, Any], Any]") -> Outcome:
    """An attention kernel against torch's own, in half precision; (batch, sequence, heads, width)."""
    import torch

    if not device.startswith("cuda"):
        return "skip", said("needs-gpu")
    q, k, v = (torch.randn(1, 64, 4, 64, device=device, dtype=torch.float16) for _ in range(3))
    wanted = torch.nn.functional.scaled_dot_product_attention(*(t.transpose(1, 2) for t in (q, k, v))).transpose(1, 2)
    error = float((function(q, k, v) - wanted).abs().max())
    return ("pass", None) if error < 0.05 else ("fail", said("package-off", error=error))


def check_flash_attn(device: str) -> Outcome:
    """FlashAttention 2."""
    if not device.startswith("cuda"):
        return "skip", said("needs-gpu")
    return _attention(device, importlib.import_module("flash_attn").flash_attn_func)


def check_xformers(device: str) -> Outcome:
    """Its memory-efficient attention."""
    if not device.startswith("cuda"):
        return "skip", said("needs-gpu")
    return _attention(device, importlib.import_module("xformers.ops").memory_efficient_attention)


def check_sageattention(device: str) -> Outcome:
    """Its 8-bit attention is less exact than the others: running it is the proof."""
    if not device.startswith("cuda"):
        return "skip", said("needs-gpu")
    import torch

    q = torch.randn(1, 4, 128, 64, device=device, dtype=torch.float16)
    found = importlib.import_module("sageattention").sageattn(q, q, q)
    return ("pass", None) if bool(found.isfinite().all()) else ("fail", said("not-finite"))


def check_causal_conv1d(device: str) -> Outcome:
    """Its convolution against torch's, for one channel pattern."""
    if not device.startswith("cuda"):
        return "skip", said("needs-gpu")
    import torch

    x, weight = torch.randn(1, 8, 32, device=device), torch.randn(8, 4, device=device)
    found = importlib.import_module("causal_conv1d").causal_conv1d_fn(x, weight)
    wanted = torch.nn.functional.conv1d(x, weight.unsqueeze(1), padding=3, groups=8)[..., :32]
    error = float((found - wanted).abs().max())
    return ("pass", None) if error < 0.01 else ("fail", said("package-off", error=error))


def check_bitsandbytes(device: str) -> Outcome:
    """Quantise to 8 bits and back."""
    import torch

    functional = importlib.import_module("bitsandbytes.functional")
    values = torch.linspace(-1, 1, 4096, device=device)
    packed, state = functional.quantize_blockwise(values)
    error = float((functional.dequantize_blockwise(packed, state) - values).abs().max())
    return ("pass", None) if error < 0.05 else ("fail", said("package-off", error=error))


def check_torchao(device: str) -> Outcome:
    """Quantise the weights of a layer to 8 bits; the layer still computes what it did."""
    import torch

    quantization = importlib.import_module("torchao.quantization")
    layer, values = torch.nn.Linear(64, 64).to(device), torch.randn(8, 64).to(device)
    wanted = layer(values)
    quantization.quantize_(layer, quantization.Int8WeightOnlyConfig())
    error = float((layer(values) - wanted).abs().max())
    return ("pass", None) if error < 0.1 else ("fail", said("package-off", error=error))


def check_torchcodec(_: str) -> Outcome:
    """Decode a second of sound."""
    try:
        decoders = importlib.import_module("torchcodec.decoders")
    except (ImportError, RuntimeError, OSError):
        if ctypes.util.find_library("avutil") is None:
            return "warn", said("no-ffmpeg")
        raise
    samples = decoders.AudioDecoder(sound()).get_all_samples()
    count = int(samples.data.shape[-1])
    return ("pass", None) if count == RATE else ("fail", said("sound", count=count))


def sound() -> bytes:
    """A second of a square wave, as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes((b"\x00\x20" * 10 + b"\x00\xe0" * 10) * (RATE // 20))
    return file.getvalue()


def check_import(module: str) -> "Callable[[str], Outcome]":
    """That a package's compiled part loads; for those whose calls need models or data."""

    def check(_: str) -> Outcome:
        importlib.import_module(module)
        return "pass", None

    return check


CHECKS: "Dict[str, Tuple[str, Callable[[str], Outcome]]]" = {
    "flash-attn": ("flash_attn", check_flash_attn),
    "xformers": ("xformers", check_xformers),
    "sageattention": ("sageattention", check_sageattention),
    "causal-conv1d": ("causal_conv1d", check_causal_conv1d),
    "mamba-ssm": ("mamba_ssm", check_import("mamba_ssm")),
    "bitsandbytes": ("bitsandbytes", check_bitsandbytes),
    "torchao": ("torchao", check_torchao),
    "torchcodec": ("torchcodec", check_torchcodec),
    "pyg-lib": ("pyg_lib", check_import("pyg_lib")),
    "natten": ("natten", check_import("natten")),
    "torchtext": ("torchtext", check_import("torchtext")),
    "mmcv": ("mmcv", check_import("mmcv")),
    "torch-tensorrt": ("torch_tensorrt", check_import("torch_tensorrt")),
}
