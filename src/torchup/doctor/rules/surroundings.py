"""What stands between a good build and a good driver: containers, selectors, permissions, mixed installs, loaders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import minor, version_key
from torchup.doctor.redact import redact
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import (
    PIP,
    from_sign,
    group_commands,
    pip_install,
    plain,
    quoted,
    reinstall,
    said,
)
from torchup.model import Os, Remedy, Severity, Vendor, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Node, Sign
    from torchup.model import Message

SELECTORS = (
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
    "ONEAPI_DEVICE_SELECTOR",
    "GPU_DEVICE_ORDINAL",
)


def visible_devices_hide(facts: Facts, compat: Compat) -> Found | None:
    """A selector variable hides the GPU or contradicts another."""
    del compat
    selectors = {name: value for name, value in facts.environment.items() if name in SELECTORS}
    unseen = facts.sign("cuda.no-gpus", "driver.no-device", "select.ordinal")
    if not selectors or (facts.works and facts.sign("select.ordinal") is None):
        return None
    hiding = [name for name, value in selectors.items() if _hides(name, value, facts)]
    conflict = _conflict(selectors) if facts.torch.hip or facts.of(Vendor.AMD) else None
    failed = unseen is not None or facts.torch.cuda_available is False
    hidden_here = facts.live and bool(hiding) and bool(facts.gpus) and facts.torch.variant != "cpu"
    suspected = not facts.live and bool(_not_first(selectors)) and facts.torch.variant != "cpu"
    if not hidden_here and not (failed and (hiding or conflict or unseen is not None or suspected)):
        return None
    sure = hidden_here or hiding or conflict or unseen is not None
    lines = [
        message("doctor.visible.value", "{name}={value}", name=name, value=redact(value))
        for name, value in selectors.items()
    ]
    lines += [said(unseen)] if unseen else []
    text = message(
        "doctor.visible.remedy", "unset the variable, or name GPUs that exist; on AMD set one of the variables only"
    )
    names = [*dict.fromkeys(hiding or selectors)]
    unset = (
        tuple(("unset", name) for name in names)
        if facts.system.os is not Os.WINDOWS
        else tuple(("set", f"{name}=") for name in names)
    )
    return Found(
        summary=message("doctor.visible.summary", "an environment variable hides the GPU from torch"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=unset),
        certainty=Certainty.PROVEN if hiding or conflict else Certainty.SAID if sure else Certainty.TABLE,
        severity=None if sure else Severity.WARNING,
    )


def _not_first(selectors: dict[str, str]) -> list[str]:
    """Selectors of CUDA that name a GPU by a number other than 0: right on one machine, nothing on the next."""
    return [
        name
        for name, value in selectors.items()
        if name == "CUDA_VISIBLE_DEVICES" and re.match(r"\W*[1-9]\d?\W*$", value)
    ]


def _hides(name: str, value: str, facts: Facts) -> bool:
    """Whether a value leaves no GPU: empty, negative, NoDevFiles, void, or only numbers beyond the last GPU."""
    text = value.strip().strip("\"'")
    if text in ("", "-1", "NoDevFiles", "none", "void") or text.startswith("-1"):
        return name != "NVIDIA_VISIBLE_DEVICES" or text in ("void", "none")
    numbers = [int(part) for part in text.split(",") if part.strip().isdecimal()]
    count = len(facts.gpus)
    return bool(numbers) and bool(count) and facts.live and min(numbers) >= count


def _conflict(selectors: dict[str, str]) -> bool:
    """ROCm applies ROCR_VISIBLE_DEVICES first, then HIP_ or CUDA_VISIBLE_DEVICES to what is left."""
    first = selectors.get("ROCR_VISIBLE_DEVICES")
    second = selectors.get("HIP_VISIBLE_DEVICES", selectors.get("CUDA_VISIBLE_DEVICES"))
    if first is None or second is None:
        return False
    left = len([part for part in first.split(",") if part.strip()])
    wanted = [int(part) for part in second.split(",") if part.strip().isdecimal()]
    return any(number >= left for number in wanted)


def container_without_gpu(facts: Facts, compat: Compat) -> Found | None:
    """The container was started without the GPU: no --gpus, no toolkit, no /dev/kfd."""
    del compat
    signs = quoted(facts, "docker.no-gpu-driver", "docker.not-detected", "docker.cli-load")
    kfd = facts.sign("kfd.no-node")
    started_without = facts.system.container and facts.system.container_gpu_flag is False
    unseen = facts.sign(
        "driver.none",
        "cuda.no-gpus",
        "driver.no-device",
        "driver.libcuda-missing",
        "driver.smi-missing",
        "driver.insufficient",
    )
    no_kfd = kfd is not None and facts.sign("kfd.not-loaded") is None
    if facts.live and not facts.gpus:
        started_without = False  # the bus was looked at: no GPU that could have been passed in
    if facts.works or not (signs or no_kfd or (started_without and unseen is not None)):
        return None
    lines: list[Message] = [*signs, *([said(kfd)] if kfd else []), *([said(unseen)] if unseen else [])]
    lines += [plain(command) for command in facts.commands if "docker" in command or "podman" in command][:2]
    amd = kfd is not None or facts.of(Vendor.AMD)
    text = message(
        "doctor.container.remedy",
        "start the container with the GPU; NVIDIA needs the NVIDIA Container Toolkit on the host",
    )
    nvidia = ("docker", "run", "--gpus", "all", "IMAGE", "nvidia-smi")
    rocm = (
        "docker",
        "run",
        "--device=/dev/kfd",
        "--device=/dev/dri",
        "--group-add",
        "video",
        "--group-add",
        "render",
        "IMAGE",
        "rocminfo",
    )
    return Found(
        summary=message("doctor.container.summary", "the container was started without the GPU"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(rocm if amd else nvidia,)),
        certainty=Certainty.PROVEN,
    )


def container_lost_gpu(facts: Facts, compat: Compat) -> Found | None:
    """The container had the GPU and lost it when its device rules were reloaded."""
    del compat
    text = message(
        "doctor.container-lost.remedy",
        "restart the container; to keep it from happening again, use the cgroupfs driver or CDI, or"
        " give the device nodes with --device",
    )
    summary = message("doctor.container-lost.summary", "the container lost its GPU: systemd reloaded its device rules")
    return from_sign(
        facts, "container-lost-gpu", summary, Remedy(text=text, commands=(("docker", "restart", "CONTAINER"),))
    )


def permission_device_nodes(facts: Facts, compat: Compat) -> Found | None:
    """/dev/nvidia*, /dev/kfd or /dev/dri are not accessible to this user."""
    del compat
    signs = facts.signs_of("permission-device-nodes")
    if facts.sign("kfd.no-node", "kfd.not-loaded", "kfd.unsupported") is not None:
        signs = tuple(sign for sign in signs if sign.code != "kfd.hsa-resources")
    closed = [node for node in facts.nodes if not _may_open(node, facts)]
    if facts.works or not (signs or closed):
        return None
    lines = [*map(said, signs)]
    lines += [
        message(
            "doctor.permission.node", "{path} is not accessible to this user ({mode})", path=n.path, mode=n.mode or "-"
        )
        for n in closed
    ]
    text = message(
        "doctor.permission.remedy",
        "join the groups that own the device nodes and log in again; nodes that only root may open"
        " need the driver's udev rules",
    )
    return Found(
        summary=message("doctor.permission.summary", "this user may not open the GPU's device nodes"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=group_commands(), needs_root=True),
        certainty=Certainty.PROVEN,
    )


def _may_open(node: Node, facts: Facts) -> bool:
    """By the node's mode and group; a group counts only where the user's groups are known."""
    if node.accessible or node.group is None:
        return node.accessible
    return not facts.groups or node.group in facts.groups


def mixed_install(facts: Facts, compat: Compat) -> Found | None:
    """Two installs interfere: pip over conda, stale wheels, LD_LIBRARY_PATH picking another library."""
    signs = [
        sign for sign in facts.signs_of("mixed-install") if not (sign.code == "mixed.library-gone" and facts.torch.hip)
    ]
    doubles = _two_torches(facts)
    places = _two_places(facts)
    cxx = facts.sign("glibc.cxx")
    foreign = _foreign_libraries(facts) if signs or cxx else []
    symptom = bool(signs) or (bool(places) and bool(facts.signs_of("companion-mismatch")))
    if cxx is not None and foreign:
        signs, symptom = [*signs, cxx], True
    if not symptom and not ((doubles or places) and not facts.works):
        return None
    several = len(facts.versions("torch", origin="pip")) > 1
    quiet = facts.live and not symptom and facts.torch.import_error is None and not (doubles or several)
    lines: list[Message] = [*map(said, signs), *doubles, *places, *foreign]
    if places and not signs:
        lines += [*map(said, facts.signs_of("companion-mismatch"))]
    text = message(
        "doctor.mixed.remedy",
        "remove every copy of torch and its nvidia-* wheels, clear LD_LIBRARY_PATH, and install"
        " once, in a new environment",
    )
    commands = (
        (*PIP, "uninstall", "-y", "torch", "torchvision", "torchaudio", "triton"),
        *reinstall(facts, compat, text).commands,
    )
    return Found(
        summary=message(
            "doctor.mixed.summary", "two installations interfere: libraries of one are loaded by the other"
        ),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=commands),
        certainty=Certainty.PROVEN if symptom else Certainty.TABLE,
        severity=Severity.WARNING if quiet else None,  # the same torch twice: confusing, not broken
        primary=not quiet,
    )


def _two_torches(facts: Facts) -> tuple[Message, ...]:
    """Pip's torch beside conda's pytorch, of different versions."""
    conda = [p for p in facts.packages if p.name in ("pytorch", "pytorch-gpu", "libtorch") and p.from_conda]
    pip = [p for p in facts.packages if p.name == "torch" and not p.from_conda]
    if conda and pip and minor(conda[0].version) != minor(pip[0].version):
        return (
            message(
                "doctor.mixed.two",
                "conda has pytorch {conda}, pip has torch {pip}",
                conda=conda[0].version,
                pip=pip[0].version,
            ),
        )
    return ()


def _two_places(facts: Facts) -> tuple[Message, ...]:
    """A traceback that loads torch from one site-packages and a companion from another; live: several torch folders."""
    folders = list(dict.fromkeys(facts.torch.locations))
    if len(folders) < 2:  # noqa: PLR2004  # one is as it should be
        return ()
    return (
        message(
            "doctor.mixed.places",
            "torch and its companions come from {folders}",
            folders=", ".join(map(redact, folders)),
        ),
    )


def _foreign_libraries(facts: Facts) -> list[Message]:
    """Libraries that LD_LIBRARY_PATH, and not torch, supplied."""
    path = facts.environment.get("LD_LIBRARY_PATH", "")
    lines = [message("doctor.mixed.path", "LD_LIBRARY_PATH={value}", value=redact(path)[:300])] if path else []
    loaded = [
        f"{name} => {where}"
        for name, where in facts.libraries.items()
        if not re.search(r"site-packages|dist-packages", where)
    ]
    return [*lines, *map(plain, loaded[:3])]


def glibc_too_old(facts: Facts, compat: Compat) -> Found | None:
    """The wheel needs a newer glibc or libstdc++ than the system has."""
    del compat
    signs = facts.signs_of("glibc-too-old") or _refused_by_glibc(facts)
    if not signs:
        return None
    if all(sign.code == "glibc.cxx" for sign in signs) and facts.environment.get("LD_LIBRARY_PATH"):
        return None  # the loader was led to an older libstdc++: mixed-install
    lines = [*map(said, signs)]
    if facts.system.glibc:
        lines.append(message("doctor.glibc.version", "glibc {version}", version=facts.system.glibc))
    text = message(
        "doctor.glibc.remedy",
        "use a newer system or a container of one; torch 2.6.0 is the last release for glibc older than 2.28."
        " A too old libstdc++ can be replaced inside a conda environment",
    )
    return Found(
        summary=message("doctor.glibc.summary", "the wheel needs a newer glibc or libstdc++ than this system has"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=((*PIP, "install", "torch==2.6.0"),)),
        certainty=Certainty.PROVEN,
    )


_GLIBC_SINCE_2_7 = (2, 28)  # manylinux_2_28, torch 2.7 and newer


def _refused_by_glibc(facts: Facts) -> tuple[Sign, ...]:
    """Pip's list of versions ends with 2.6.0 where glibc is older than 2.28."""
    refused = facts.sign("python.no-version", "python.wheel-platform", "python.no-wheel")
    glibc = facts.system.glibc
    if refused is None or glibc is None or version_key(glibc) >= _GLIBC_SINCE_2_7:
        return ()
    offered = "".join(refused.values.get("versions", "").split()).split(",")
    ends = offered[-1].startswith("2.6.") if offered else False
    tagged = "manylinux_2_28" in refused.values.get("wheel", "") + refused.line
    return (refused,) if ends or tagged else ()


def windows_dll_missing(facts: Facts, compat: Compat) -> Found | None:
    """WinError 126, 127 or 1114: the Visual C++ runtime or a dependent DLL is missing."""
    del compat
    if facts.works and not any("torch" in sign.line.lower() for sign in facts.signs_of("windows-dll-missing")):
        return None  # torch loads; the DLL is another package's
    text = message(
        "doctor.dll.remedy",
        "install the current Visual C++ redistributable (x64) and try again; fbgemm.dll of torch"
        " 2.4.0 also needs libomp140.x86_64.dll",
    )
    command = ("winget", "install", "--id", "Microsoft.VCRedist.2015+.x64")
    summary = message(
        "doctor.dll.summary", "Windows cannot load a DLL of torch: the Visual C++ runtime or a dependent DLL is missing"
    )
    return from_sign(facts, "windows-dll-missing", summary, Remedy(text=text, commands=(command,), needs_root=True))


def duplicate_openmp(facts: Facts, compat: Compat) -> Found | None:
    """Two OpenMP runtimes in one process (OMP Error #15)."""
    del compat
    text = message(
        "doctor.openmp.remedy",
        "install all compiled packages from one source, so that one OpenMP runtime is left;"
        " KMP_DUPLICATE_LIB_OK only hides it",
    )
    summary = message("doctor.openmp.summary", "two OpenMP runtimes are loaded into one process")
    commands = (("conda", "install", "nomkl"),) if facts.python.conda and facts.on_mac else ()
    return from_sign(facts, "duplicate-openmp", summary, Remedy(text=text, commands=commands))


def python_package_missing(facts: Facts, compat: Compat) -> Found | None:
    """An unrelated package that the program imports is missing."""
    del compat
    sign = facts.sign("package.absent")
    if sign is None:
        return None
    name = sign.values.get("module", "").split(".")[0]
    text = message("doctor.package.remedy", "install the package that provides `{name}`", name=name)
    return Found(
        summary=message(
            "doctor.package.summary",
            "the program imports `{name}`, which is not installed; torch is not at fault",
            name=name,
        ),
        evidence=(said(sign),),
        remedy=Remedy(text=text, commands=((*PIP, "install", name.replace("_", "-")),)),
    )


def build_headers_missing(facts: Facts, compat: Compat) -> Found | None:
    """A source build stops for want of headers; the installed torch is fine."""
    del compat
    text = message(
        "doctor.headers.remedy", "install the compiler's and Python's headers, or a prebuilt wheel of the package"
    )
    name = (facts.system.distribution or "").lower()
    commands: tuple[tuple[str, ...], ...] = ()
    absent = facts.sign("torch.absent")
    if absent is not None and facts.sign("build.frontend") is not None:
        return _isolated_build(absent)
    if "ubuntu" in name or "debian" in name:
        commands = (("sudo", "apt", "install", "build-essential", "python3-dev"),)
    elif facts.on_mac:
        commands = (("xcode-select", "--install"),)
    summary = message(
        "doctor.headers.summary",
        "a package is being built from source and a header or compiler is missing; the installed torch is fine",
    )
    return from_sign(facts, "build-headers-missing", summary, Remedy(text=text, commands=commands, needs_root=True))


def _isolated_build(absent: Sign) -> Found:
    """A package whose setup.py imports torch, built where there is none."""
    text = message(
        "doctor.headers.remedy-isolated",
        "install torch first, then build the package in the same environment, or take a prebuilt wheel of it",
    )
    return Found(
        summary=message(
            "doctor.headers.summary-isolated",
            "a package that needs torch to be built is being built in an isolated environment without it",
        ),
        evidence=(said(absent),),
        remedy=Remedy(text=text, commands=(pip_install("--no-build-isolation", "PACKAGE"),)),
    )


def healthy_but_slow(facts: Facts, compat: Compat) -> Found | None:
    """The environment is sound; the program is bound by its input, transfers or launches."""
    del compat
    text = message(
        "doctor.slow.remedy",
        "give the DataLoader workers and pinned memory, or measure where the time goes: `torchup bench`",
    )
    summary = message("doctor.slow.summary", "the environment is sound; the program waits for its input")
    return from_sign(facts, "healthy-but-slow", summary, Remedy(text=text, commands=(("torchup", "bench"),)))
