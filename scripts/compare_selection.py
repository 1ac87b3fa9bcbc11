"""Ask torchup, uv's automatic torch backend and light-the-torch for a build on the same machines; write the table.

    python scripts/compare_selection.py --ltt PATH/TO/ltt            # print the table
    python scripts/compare_selection.py --ltt PATH/TO/ltt --write    # put it into docs/explanation/selection.md

uv and light-the-torch are the real programs. They believe that they speak to download.pytorch.org: a proxy on this
machine answers with pages made from torchup's catalogue (tests/support/torch_index.py), so all three choose among the
same wheels. uv learns the machine from UV_CUDA_DRIVER_VERSION, UV_AMD_GPU_ARCHITECTURE and --python-platform,
light-the-torch from an nvidia-smi that prints the driver and from pip's --platform. Needs openssl, and for
light-the-torch an environment with `light-the-torch "pip<26.1"`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import uv

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from golden.machines import GROUPS, Case
from golden.test_golden import request_of
from support.torch_index import make_certificates, serving
from torchup.catalog import load_catalog
from torchup.compat.target import platform_of
from torchup.errors import TorchupError
from torchup.model import Machine, Os, Survey, Vendor
from torchup.plan import resolve
from torchup.plan.planner import consider
from torchup.plan.ranking import beaten, rank

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "selection.md"
BEGIN, END = "<!-- table: scripts/compare_selection.py -->", "<!-- end of table -->"
NAMES = [
    "gtx-1080-driver-580",
    "gtx-1080-driver-610",
    "kepler-k80-driver-470",
    "kepler-gtx-780-driver-470",
    "v100-driver-535",
    "v100-driver-580",
    "rtx-5090-driver-550",
    "rtx-5090-driver-570",
    "rtx-5090-windows-driver-572",
    "article-laptop-driver-516",
    "article-laptop-driver-561",
    "article-laptop-newest-driver",
    "1080-ti-beside-4090",
    "1080-ti-beside-5090-linux",
    "h100-driver-525",
    "a100-container-forward-compat-12",
    "jetson-orin-jetpack-6",
    "jetson-orin-jetpack-7",
    "gb10-dgx-spark",
    "rx-7900-xtx-linux",
    "rx-7900-xtx-windows",
    "rx-580",
    "rx-6700-xt-linux",
    "radeon-vii",
    "iris-xe-linux",
    "arc-b580-linux",
    "m1-macos-13",
    "m1-macos-14",
    "m1-macos-26",
    "intel-mac",
    "raspberry-pi-5",
    "centos-7-v100",
    "alpine",
    "windows-on-arm",
    "python-3.8-only-pip",
    "wsl2-old-windows-driver",
    "wsl2-driver-527",
    "nvidia-without-driver",
    "no-gpu-linux",
]
CATALOG = load_catalog()
GLIBCS = (17, 28, *range(31, 41))  # the manylinux floors that uv has platforms for


def triple(machine: Machine) -> str | None:
    """Uv's name of the platform."""
    arch = {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}.get(machine.arch)
    if arch is None:
        return None
    if machine.os == Os.WINDOWS:
        return f"{arch}-pc-windows-msvc"
    if machine.os == Os.MACOS:
        return f"{arch}-apple-darwin"
    if machine.libc == "musl":
        return f"{arch}-unknown-linux-musl"
    minor = int((machine.glibc or "2.28").split(".")[1])
    return f"{arch}-manylinux_2_{max(known for known in GLIBCS if known <= minor)}"


def clean_environment(**more: str) -> dict[str, str]:
    """This process's variables without any setting of pip or uv, nor another bundle of certificates."""
    foreign = ("PIP_", "UV_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "NO_PROXY": "", "no_proxy": "", **more}


def ask_uv(machine: Machine, proxy: str, authority: Path, cache: Path) -> str:
    """What ``uv pip compile --torch-backend auto`` resolves torch to."""
    backend = "auto"
    environment: dict[str, str] = {}
    driver = machine.driver(Vendor.NVIDIA)
    gfx = next((gpu.gfx for gpu in machine.gpus if gpu.gfx and machine.os == Os.LINUX), None)
    if driver and driver.version:
        environment["UV_CUDA_DRIVER_VERSION"] = driver.version
    elif gfx:
        environment["UV_AMD_GPU_ARCHITECTURE"] = gfx
    elif any(gpu.vendor == Vendor.INTEL for gpu in machine.gpus):
        backend = "xpu"  # what auto does for any Intel display device on the PCI bus, which cannot be pretended
    if machine.os == Os.MACOS and machine.os_version:
        environment["MACOSX_DEPLOYMENT_TARGET"] = machine.os_version
    python = ".".join((machine.python or "3.12").split(".")[:2])
    command = [uv.find_uv_bin(), "pip", "compile", "-", "--torch-backend", backend, "--python-version", python]
    command += ["--python-platform", str(triple(machine)), "--no-header", "--no-annotate", "-q"]
    environment |= {"HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(authority), "UV_NO_CONFIG": "1"}
    environment |= {"UV_CACHE_DIR": str(cache), "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(
        command, input="torch\n", text=True, capture_output=True, env=clean_environment(**environment), check=False
    )
    found = re.search(r"torch==(\S+)", done.stdout)
    return found[1] if found else "error"


def ask_ltt(ltt: str | None, machine: Machine, proxy: str, authority: Path, folder: Path) -> str:
    """What ``ltt install --dry-run torch`` would install; it looks at this operating system only, so Linux only."""
    if ltt is None or machine.os != Os.LINUX or machine.libc == "musl":
        return "-"
    driver = machine.driver(Vendor.NVIDIA)
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    smi = programs / "nvidia-smi"
    smi.unlink(missing_ok=True)
    if driver and driver.version and not machine.jetson:
        smi.write_text(f'#!/bin/sh\nprintf "driver_version\\n{driver.version}\\n"\n')
        smi.chmod(0o755)
    minor = int((machine.glibc or "2.28").split(".")[1])
    python = ".".join((machine.python or "3.12").split(".")[:2])
    command = [ltt, "install", "--dry-run", "--no-deps", "--only-binary=:all:", "--target", str(folder / "target")]
    command += ["--python-version", python, "--implementation", "cp", "torch"]
    for floor in (known for known in GLIBCS if known <= minor):
        command += ["--platform", f"manylinux_2_{floor}_{machine.arch}"]
    environment = clean_environment(PATH=f"{programs}:{os.environ['PATH']}", PIP_CONFIG_FILE=os.devnull)
    environment |= {"PIP_CERT": str(authority), "PIP_PROXY": proxy, "PIP_NO_CACHE_DIR": "1"}
    done = subprocess.run(command, text=True, capture_output=True, env=environment, check=False)
    found = re.search(r"Would install torch-(\S+)", done.stdout)
    return found[1] if found else "error"


def ask_torchup(case: Case) -> tuple[str, str]:
    """(build or "none", the reason)."""
    try:
        plan = resolve(case.machine, request_of(case), CATALOG)
    except TorchupError as error:
        return "none", str(error.text)
    return plan.build.label, case.expert


def verdict(case: Case, own: str, other: str) -> str:
    """What torchup's laws say of another tool's choice; empty where it is the same."""
    if other in {"-", own} or (other == "error" and own == "none"):
        return ""
    if other == "error":
        return "an error, though a build exists"
    torch, _, variant = other.partition("+")
    variant = variant or plain_variant(case.machine)
    if variant == "cpu" and case.machine.gpus and own != f"{torch}+cpu":
        return f"{other}: the CPU build; it does not mention the GPU"
    against = said_of(case, torch, variant)
    return f"{other}: {against}" if against else ""


def said_of(case: Case, torch: str, variant: str) -> str:
    """The reason in torchup's own plan against a build; empty when it is the chosen one."""
    question, fits, rejected = consider(case.machine, request_of(case), CATALOG, Survey())
    ranked = rank(fits, question)
    lost = [reason for reason in (beaten(fit, ranked[0], question) for fit in ranked[1:]) if reason is not None]
    if ranked and (ranked[0].candidate.row.torch, ranked[0].candidate.row.variant) == (torch, variant):
        return ""
    found = [r.detail for r in (*lost, *rejected) if (r.torch, r.variant) == (torch, variant)]
    return str(found[0]) if found else "not known to exist"


def plain_variant(machine: Machine) -> str:
    """What a label without a local part stands for."""
    return "cpu" if machine.os != Os.LINUX or platform_of(machine) == "linux_aarch64" else "?"


def rows(ltt: str | None) -> list[tuple[str, ...]]:
    """Drive all three for every machine."""
    cases = {case.name: case for case in GROUPS["hard"]()}
    found: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority, chain = make_certificates(folder)
        with serving(CATALOG, chain) as proxy:
            for case in (cases[name] for name in NAMES):
                own, reason = ask_torchup(case)
                others = (
                    ask_uv(case.machine, proxy, authority, folder / "cache"),
                    ask_ltt(ltt, case.machine, proxy, authority, folder),
                )
                said = [verdict(case, own, other) for other in others]
                why = "; ".join(dict.fromkeys(filter(None, said)))
                found.append((case.name, own, *others, reason, why or "agree"))
                print(f"{case.name:36} {own:18} {others[0]:18} {others[1]:14} {why}", file=sys.stderr)
    return found


def table(found: list[tuple[str, ...]]) -> str:
    """Markdown."""
    head = ("machine", "torchup", "uv", "light-the-torch", "what is right", "what is against the others")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in found]
    return "\n".join(lines)


def main() -> None:
    """Parse, ask, print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ltt", help="the ltt program of an environment that has it")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    options = parser.parse_args()
    text = table(rows(options.ltt))
    if not options.write:
        print(text)
        return
    page = PAGE.read_text("utf-8")
    head, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
