"""A Linux system: distribution, C library, WSL, container, virtual machine, secure boot, Jetson."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from torchup.detect.parts import Part, facts

if TYPE_CHECKING:
    from torchup.detect.surroundings import Surroundings
    from torchup.host import Host
    from torchup.model import Fact

SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
GPU_NODES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd", "/dev/dri/renderD128", "/dev/nvgpu/igpu0")
# What firmware says of the maker of a virtual machine -> our name for it.
HYPERVISORS = (
    ("VMware", "vmware"), ("VirtualBox", "virtualbox"), ("innotek", "virtualbox"), ("QEMU", "kvm"), ("KVM", "kvm"),
    ("Microsoft Corporation Virtual Machine", "hyperv"), ("Amazon EC2", "ec2"), ("Google Compute Engine", "gce"),
    ("Xen", "xen"), ("Parallels", "parallels"), ("Alibaba Cloud", "alibaba"), ("OpenStack", "openstack"),
    ("Bochs", "kvm"), ("DigitalOcean", "digitalocean"), ("Hetzner", "kvm"), ("Tencent Cloud", "tencent"),
)  # fmt: skip
_SYSTEMD_NAMES = {"microsoft": "hyperv", "oracle": "virtualbox", "amazon": "ec2", "google": "gce", "qemu": "kvm"}


def parse_os_release(text: str) -> dict[str, str]:
    """``KEY="value"`` lines of os-release(5); a line that is not one is passed over."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.isidentifier():
            try:
                values[name] = "".join(shlex.split(value))
            except ValueError:  # an unclosed quote
                values[name] = value.strip("\"'")
    return values


def parse_wsl(release: str) -> int | None:
    """1 or 2 for a kernel release that Microsoft made (``4.4.0-19041-Microsoft``), ``None`` for any other."""
    if "microsoft" not in release.lower():
        return None
    return 1 if re.match(r"[34]\.\d+\.\d+-\d+-Microsoft$", release) else 2


def parse_tegra_release(text: str) -> str | None:
    """``36.4.3`` from ``# R36 (release), REVISION: 4.3, ...``."""
    match = re.search(r"#\s*R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)", text)
    return f"{match[1]}.{match[2]}" if match else None


def probe_linux(around: Surroundings) -> Part:
    """Everything about the system that is not a GPU."""
    host, platform = around.host, around.platform
    release = parse_os_release(host.read_text("/etc/os-release", 65536) or host.read_text("/usr/lib/os-release") or "")
    tegra = parse_tegra_release(host.read_text("/etc/nv_tegra_release", 4096) or "")
    found = {
        **facts("/etc/os-release", distribution=release.get("ID"), os_version=release.get("VERSION_ID")),
        **facts("uname", kernel=platform.release or None),
        **facts("/etc/nv_tegra_release", jetson=tegra),
        **facts("firmware", secure_boot=_secure_boot(host)),
        **_libc(around),
        **_wsl(around),
        **_container(host),
        **_virtual_machine(around),
    }
    return Part(facts=found)


def _libc(around: Surroundings) -> dict[str, Fact[object]]:
    name, version = around.platform.libc
    if name == "glibc":
        return facts("confstr CS_GNU_LIBC_VERSION", libc="glibc", glibc=version or None)
    loader = f"/lib/ld-musl-{around.platform.machine}.so.1"
    return facts(loader, libc="musl") if around.host.exists(loader) else {}


def _wsl(around: Surroundings) -> dict[str, Fact[object]]:
    version = parse_wsl(around.platform.release)
    if version is None and around.host.exists("/proc/sys/fs/binfmt_misc/WSLInterop"):
        return facts("/proc/sys/fs/binfmt_misc/WSLInterop", wsl=True, wsl_version=2)  # a kernel built by the user
    return facts("kernel release", wsl=True, wsl_version=version) if version else {}


def _container(host: Host) -> dict[str, Fact[object]]:
    kind, source = container_kind(host)
    if kind is None:
        return {}
    passed_in = next((node for node in GPU_NODES if host.exists(node)), None)
    return facts(source, container=kind) | facts(passed_in or "/dev", container_gpu=passed_in is not None)


def container_kind(host: Host) -> tuple[str | None, str]:
    """Which kind of container this is, and what says so; the outermost name that a user would use wins."""
    environ = host.environ()
    if environ.get("KUBERNETES_SERVICE_HOST") or host.is_dir("/var/run/secrets/kubernetes.io"):
        return "kubernetes", "KUBERNETES_SERVICE_HOST"
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if environ.get(name):
            return "apptainer", name
    for path, kind in (("/.singularity.d", "apptainer"), ("/run/.containerenv", "podman"), ("/.dockerenv", "docker")):
        if host.exists(path):
            return kind, path
    for path in ("/run/systemd/container", "/proc/1/cgroup"):
        text = host.read_text(path, 65536) or ""
        for pattern, kind in (("kubepods", "kubernetes"), ("libpod", "podman"), ("docker", "docker"), ("lxc", "lxc")):
            if pattern in text:
                return kind, path
    if environ.get("container") == "lxc" or host.exists("/dev/lxd/sock"):
        return "lxc", "container"
    return None, ""


def _virtual_machine(around: Surroundings) -> dict[str, Fact[object]]:
    host, folder = around.host, "/sys/class/dmi/id"
    said = " ".join(host.read_text(f"{folder}/{name}", 256) or "" for name in ("sys_vendor", "product_name"))
    said = " ".join(said.split())
    for words, name in HYPERVISORS:
        if words in said:
            return facts(folder, virtual_machine=name)
    cpuinfo = host.read_text("/proc/cpuinfo", 65536) or ""
    if not re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.MULTILINE):
        return {}
    asker = host.which("systemd-detect-virt")  # reads the processor's own answer, which no file shows
    said = around.run(asker, "--vm").stdout.strip() if asker else ""
    if said and said != "none":
        return facts("systemd-detect-virt", virtual_machine=_SYSTEMD_NAMES.get(said, said))
    return facts("/proc/cpuinfo", virtual_machine="unknown")


def _secure_boot(host: Host) -> bool | None:
    """The EFI variable's last byte; its first four are attributes."""
    raw = host.read_bytes(SECURE_BOOT, 16)
    return raw[-1] == 1 if raw is not None and len(raw) == 5 else None  # noqa: PLR2004  # 4 attribute bytes and the value
