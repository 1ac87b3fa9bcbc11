"""Write reports as people paste them, from a few facts: our own words, tools' own field names."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Report:
    """Facts of an imagined machine and how its owner posts them."""

    torch: str | None = None
    cuda_build: str = "None"
    hip_build: str = "N/A"
    os: str = "Ubuntu 22.04.4 LTS (x86_64)"
    python: str = "3.10.12 (main, Jul 29 2024, 16:56:48) [GCC 11.4.0] (64-bit runtime)"
    platform: str | None = "Linux-5.15.0-91-generic-x86_64-with-glibc2.35"
    available: str | None = None
    gpus: list[str] = field(default_factory=list)
    driver: str | None = None
    toolkit: str = "Could not collect"
    cpu: str | None = None
    pip: list[str] = field(default_factory=list)
    conda: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def collect_env(self) -> list[str]:
        """The lines of torch.utils.collect_env, version 2.x."""
        gpus = [f"GPU {index}: {name}" for index, name in enumerate(self.gpus)]
        lines = ["Collecting environment information..."]
        lines += [f"PyTorch version: {self.torch}"] if self.torch else []
        lines += ["Is debug build: False", f"CUDA used to build PyTorch: {self.cuda_build}"]
        lines += [
            f"ROCM used to build PyTorch: {self.hip_build}",
            "",
            f"OS: {self.os}",
            "GCC version: Could not collect",
            "",
        ]
        lines += [f"Python version: {self.python}"]
        lines += [f"Python platform: {self.platform}"] if self.platform else []
        lines += [f"Is CUDA available: {self.available}"] if self.available is not None else []
        lines += [f"CUDA runtime version: {self.toolkit}"]
        if len(gpus) == 1:
            lines.append(f"GPU models and configuration: {gpus[0]}")
        else:
            lines += ["GPU models and configuration:" + ("" if gpus else " Could not collect"), *gpus, ""]
        lines += [
            f"Nvidia driver version: {self.driver or 'Could not collect'}",
            "cuDNN version: Could not collect",
            "",
        ]
        lines += ["CPU:", self.cpu, ""] if self.cpu else []
        lines += ["Versions of relevant libraries:", *(f"[pip3] {row}" for row in self.pip)]
        lines += [f"[conda] {row}" for row in self.conda] or ["[conda] Could not collect"]
        return lines

    def text(self) -> str:
        """Everything, as it would be posted."""
        variables = [f"export {name}={value}" for name, value in self.environment.items()]
        parts = [self.before, self.collect_env() if self.torch else [], variables, self.errors]
        return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def smi(driver: str, cuda: str, gpus: list[tuple[str, int, int]], *, layout: str = "2024") -> list[str]:
    """nvidia-smi's table; ``gpus`` are (name, MiB used, MiB in all); 610's banner names other versions."""
    names = ("KMD Version", "CUDA UMD Version") if layout == "2026" else ("Driver Version", "CUDA Version")
    width = 90
    rule = "+" + "-" * width + "+"
    banner = f" NVIDIA-SMI {driver}    {names[0]}: {driver}    {names[1]}: {cuda}"
    lines = [rule, f"|{banner:<{width}}|", "|" + "-" * width + "|"]
    lines.append(
        f"|{' GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC':<{width}}|"
    )
    lines.append("|" + "=" * width + "|")
    for index, (name, used, total) in enumerate(gpus):
        lines.append(f"|{index:>4}  {name:<27}    Off | 00000000:0{index + 1}:00.0 Off |                  N/A |")
        lines.append(f"| 30%   40C    P8    20W / 350W | {used:>7}MiB / {total:>6}MiB |      0%      Default |")
        lines.append(rule)
    return lines
