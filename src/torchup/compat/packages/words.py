"""What the causes of `signatures` mean, and what to do, in words."""

from __future__ import annotations

from torchup.model import Message, message

# Cause -> (what it means, what to do).
CAUSES: dict[str, tuple[Message, Message]] = {
    "other-torch": (
        message("packages.cause.other-torch", "the extension was compiled for another release of torch"),
        message("packages.cause.other-torch.fix", "run `torchup wheel PACKAGE` to find the wheel for this torch"),
    ),
    "old-string-abi": (
        message("packages.cause.old-abi",
            "the extension uses the old C++ string ABI, but this torch uses the new one"),
        message("packages.cause.old-abi.fix",
            "install the cxx11abiTRUE wheel; newer releases of torch use only the new ABI"),
    ),
    "new-string-abi": (
        message("packages.cause.new-abi", "the extension needs a symbol of the new string ABI that this torch lacks"),
        message("packages.cause.new-abi.fix",
            "install the cxx11abiFALSE wheel, or a wheel that was built for this torch release"),
    ),
    "torch-not-imported": (
        message("packages.cause.torch-first", "the extension was imported before torch; nothing is broken"),
        message("packages.cause.torch-first.fix", "import torch first"),
    ),
    "cuda-major": (
        message("packages.cause.cuda-major", "the extension was built for a different CUDA major version than torch"),
        message("packages.cause.cuda-major.fix", "install the build of the extension for torch's CUDA major version"),
    ),
    "missing-dll": (
        message("packages.cause.dll",
            "a required DLL is missing: a library of another CUDA major version, or the Visual C++ runtime"),
        message("packages.cause.dll.fix",
            "install the wheel for torch's CUDA major version, and the newest Visual C++ redistributable"),
    ),
    "msvc-runtime": (
        message("packages.cause.msvc", "the Visual C++ runtime beside python.exe is too old for Triton"),
        message("packages.cause.msvc.fix",
            "install the newest Visual C++ redistributable; with conda, update vc14_runtime"),
    ),
    "triton-cache": (
        message("packages.cause.triton-cache", "Triton's cache is outdated, or an embedded Python lacks headers"),
        message("packages.cause.triton-cache.fix",
            "delete .triton/cache and the torchinductor folders; add `include` and `libs` to an embedded Python"),
    ),
    "xformers-built-for": (
        message("packages.cause.xformers", "xformers was built for another torch or CUDA; its kernels do not load"),
        message("packages.cause.xformers.fix", "install xformers from the same index as torch"),
    ),
    "torchao-without-kernels": (
        message("packages.cause.torchao", "torchao runs without its kernels; this is not an error"),
        message("packages.cause.torchao.fix", "update torch, or install the torchao that was built for this torch"),
    ),
    "torchcodec-libraries": (
        message("packages.cause.torchcodec", "torchcodec does not load: FFmpeg or CUDA libraries are missing"),
        message("packages.cause.torchcodec.fix",
            "install FFmpeg's shared libraries; then run `torchup wheel torchcodec` to find the wheel for this "
            "torch"),
    ),
    "bitsandbytes-label": (
        message("packages.cause.bnb", "bitsandbytes has no library for torch's CUDA version"),
        message("packages.cause.bnb.fix",
            "set BNB_CUDA_VERSION to a CUDA version (e.g. 128) that bitsandbytes has a library for and that has "
            "the same major version as torch's CUDA"),
    ),
    "sage-kernels": (
        message("packages.cause.sage", "SageAttention's compiled module did not load: it was built for another torch"),
        message("packages.cause.sage.fix",
            "run `torchup wheel sageattention` to find the wheel for this torch, then install it"),
    ),
    "no-kernel-image": (
        message("packages.cause.no-kernel", "the extension or torch has no code for this GPU"),
        message("packages.cause.no-kernel.fix",
            "run `torchup doctor` to find a build that has code for this GPU, then install it"),
    ),
    "gpu-too-old": (
        message("packages.cause.gpu", "this GPU is too old for FlashAttention"),
        message("packages.cause.gpu.fix", "use torch's own scaled_dot_product_attention"),
    ),
    "build-isolation": (
        message("packages.cause.isolation", "torch is not installed, or an isolated build does not see it"),
        message("packages.cause.isolation.fix",
            "install torch and ninja into this environment; if they are there, build with --no-build-isolation"),
    ),
    "no-prebuilt": (
        message("packages.cause.no-prebuilt",
            "no published wheel exists for this torch, so the package is compiled, which can take hours"),
        message("packages.cause.no-prebuilt.fix",
            "stop the build; run `torchup wheel PACKAGE` to find a torch that has a wheel"),
    ),
    "wrong-wheel-tags": (
        message("packages.cause.tags", "the wheel is for another Python version or another system"),
        message("packages.cause.tags.fix", "run `torchup explain FILE.whl` to see what the file is for"),
    ),
    "toolkit-major": (
        message("packages.cause.toolkit", "nvcc and torch have different CUDA major versions"),
        message("packages.cause.toolkit.fix",
            "install the toolkit with torch's CUDA major version, or a prebuilt wheel"),
    ),
    "kernels-variant": (
        message("packages.cause.kernels", "Hugging Face's Kernel Hub has no build for this torch and CUDA"),
        message("packages.cause.kernels.fix", "use a newer revision of the kernel, or another torch"),
    ),
    "cpu-torch": (
        message("packages.cause.cpu-torch",
            "torch is a build without CUDA; a later installation may have replaced the GPU build"),
        message("packages.cause.cpu-torch.fix",
            "reinstall torch for your NVIDIA GPU with `torchup up`; on a Mac, use the device mps instead of cuda"),
    ),
    "onnxruntime-cuda": (
        message("packages.cause.onnxruntime", "onnxruntime does not find the CUDA libraries that it was built for"),
        message("packages.cause.onnxruntime.fix",
            "install the onnxruntime-gpu that was built for torch's CUDA major version, and import torch first"),
    ),
    "glibc": (
        message("packages.cause.glibc", "the wheel was built on a newer distribution than this one"),
        message("packages.cause.glibc.fix", "install the package's manylinux wheel, or compile it"),
    ),
}  # fmt: skip
