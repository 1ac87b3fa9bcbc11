"""What the readers have collected so far: the first mention of a fact wins; frozen into `Facts` at the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import cuda_of, variant_of
from torchup.doctor.facts import Facts, Node, Nvidia, Package, Python, Sign, System, Torch
from torchup.model import Gpu, Manager, Os, Shell, Vendor
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNKNOWN = lazy_pattern(
    r"(?:could not collect|n/?a|none|unknown|no cuda|not found|no|-|null|not applicable)\.?", re.IGNORECASE
)
_AMD = (
    r"\b(?:amd|radeon|instinct|firepro|gfx\d|vega ?\d|mi\d{2,3}[a-z]*\b|rx ?\d{3,4}|navi|k100_ai|"
    r"ryzen ai|strix halo|\d{4} ?xtx?\b|[678]\d{2}m\b)"
)
_NVIDIA = (
    r"nvidia|geforce|quadro|tesla|titan|\b(?:rtx|gtx|gt|mx) ?a?\d{2,4}|\bgrid\b|\bjetson\b|\borin\b|"
    r"\b(?:rtx|gtx)\b|\b[abhlptvk]\d{1,3}[a-z]?\b(?!-)|\bg[bh]\d{2,3}\b|\bgh200\b"
)
_VENDORS: tuple[tuple[Vendor, str], ...] = (
    (Vendor.AMD, _AMD),
    (Vendor.INTEL, r"\bintel\b|\barc\b|\biris\b|\buhd\b|\bflex ?\d{3}"),
    (Vendor.NVIDIA, _NVIDIA),
    (Vendor.APPLE, r"\bapple\b|\bm[1-9]\b"),
)


def is_unknown(value: str) -> bool:
    """Whether a tool's value says that it does not know."""
    return not value.strip() or _UNKNOWN.fullmatch(value.strip()) is not None


def vendor_of(name: str) -> Vendor | None:
    """The vendor that a GPU's name gives away."""
    lower = name.lower()
    return next((vendor for vendor, pattern in _VENDORS if re.search(pattern, lower)), None)


class Collected(msgspec.Struct):
    """Mutable while a report is read. ``*_said`` keep what a tool printed, also where it means unknown."""

    os: Os | None = None
    os_version: str | None = None
    distribution: str | None = None
    arch: str | None = None
    kernel: str | None = None
    glibc: str | None = None
    wsl: bool = False
    container: bool = False
    container_kind: str | None = None
    container_gpu_flag: bool | None = None
    scheduler: str | None = None
    jetson: bool = False
    l4t: str | None = None
    jetpack: str | None = None
    apple_silicon: bool | None = None
    virtual_machine: bool = False
    cpu: str | None = None
    python: dict[str, str] = {}
    python_bits: int | None = None
    conda_python: bool = False
    wishes: frozenset[int] = frozenset()  # lines that list what is asked for, not what is there
    understood: set[int] = set()  # lines whose label says all that they hold
    position: int = 0  # of the line that is being read
    pythons_at: list[tuple[int, str]] = []  # line, path of an interpreter
    versions_at: list[tuple[int, str]] = []  # line, version that one printed of itself
    interpreter: str | None = None
    other_pythons: list[Python] = []
    manager: Manager | None = None
    shell: Shell | None = None
    requested: list[str] = []
    index_urls: list[str] = []
    torch: dict[str, str] = {}
    wanted: dict[str, str] = {}  # what the user told pip to install
    locations: list[str] = []
    torch_missing: bool = False
    cuda_said: str | None = None  # "CUDA used to build PyTorch", verbatim
    flags: dict[str, bool] = {}
    flags_said: dict[str, list[str]] = {}  # in sentences: reader -> answers
    device_count: int | None = None
    arch_list: tuple[str, ...] = ()
    nvidia: dict[str, str] = {}
    smi_worked: bool = False
    tools_found_none: bool = False
    gpus: list[dict[str, str]] = []
    rocm: str | None = None
    packages: dict[tuple[str, str, str], Package] = {}
    environment: dict[str, str] = {}
    nodes: list[Node] = []
    groups: tuple[str, ...] = ()
    commands: list[str] = []
    signs: list[Sign] = []
    unread: dict[str, str] = {}  # reader that failed -> its error
    modules: list[str] = []
    libraries: dict[str, str] = {}

    def first(self, table: dict[str, str], key: str, value: str) -> None:
        """Keep a value unless an earlier one is there or it says nothing."""
        if not is_unknown(value):
            table.setdefault(key, value.strip())

    def add_gpu(self, name: str, index: str | None = None, **more: str) -> dict[str, str]:
        """Note a GPU once; a second mention of the same index or name only adds to it."""
        name = re.sub(r"\s+", " ", name).strip(" .,;|")
        more |= {} if index is None else {"index": index}
        gpu = self._known_gpu(name, index)
        if gpu is None:
            gpu = {"name": name, **more}
            self.gpus.append(gpu)
            return gpu
        gpu.update({key: value for key, value in more.items() if key not in gpu})
        if len(name) > len(gpu["name"]) and "..." not in name:
            gpu["name"] = name
        return gpu

    def _known_gpu(self, name: str, index: str | None) -> dict[str, str] | None:
        """The GPU of that index; else one of that name, which for a mention with an index has none of its own yet."""
        if index is not None and (numbered := [gpu for gpu in self.gpus if gpu.get("index") == index]):
            return numbered[0]
        named = (gpu for gpu in self.gpus if name and _same(gpu["name"], name))
        return next((gpu for gpu in named if index is None or "index" not in gpu), None)

    def add_package(self, package: Package) -> None:
        """Note a distribution once for each tool that lists it."""
        self.packages.setdefault((package.name, package.version, package.origin), package)

    def freeze(self, text: str = "") -> Facts:
        """The facts; ``text`` is the cleaned report that they were read from."""
        return Facts(
            system=self._system(),
            python=Python(
                version=self.python.get("version"),
                bits=self.python_bits,
                arch=self.python.get("arch"),
                platform=self.python.get("platform"),
                conda=self.conda_python,
                path=self.interpreter,
            ),
            torch=self._torch(),
            nvidia=Nvidia(**self.nvidia, smi_worked=self.smi_worked, tools_found_none=self.tools_found_none),
            gpus=tuple(filter(None, map(_gpu, self.gpus))),
            rocm=self.rocm,
            packages=tuple(self.packages.values()),
            environment=dict(self.environment),
            nodes=tuple(self.nodes),
            groups=self.groups,
            commands=tuple(dict.fromkeys(self.commands)),
            manager=self.manager,
            shell=self.shell,
            interpreter=self.interpreter,
            other_pythons=tuple(dict.fromkeys(self.other_pythons)),
            requested=tuple(dict.fromkeys(self.requested)),
            index_urls=tuple(dict.fromkeys(self.index_urls)),
            signs=tuple(self.signs),
            modules=tuple(dict.fromkeys(self.modules)),
            libraries=dict(self.libraries),
            text=text,
            unread=dict(self.unread),
        )

    def _system(self) -> System:
        return System(
            os=self.os, os_version=self.os_version, distribution=self.distribution, arch=self.arch, kernel=self.kernel,
            glibc=self.glibc, wsl=self.wsl, container=self.container, container_kind=self.container_kind,
            container_gpu_flag=self.container_gpu_flag, scheduler=self.scheduler, jetson=self._jetson(),
            jetpack=self.jetpack, apple_silicon=self.apple_silicon, virtual_machine=self.virtual_machine, cpu=self.cpu,
        )  # fmt: skip

    def _jetson(self) -> str | None:
        """The L4T release; "unknown" where only the board or its JetPack is known."""
        return self.l4t or ("unknown" if self.jetson or self.jetpack else None)

    def _torch(self) -> Torch:
        version, local = self.torch.get("version"), self.torch.get("local")
        listed = self._listed("torch") or self._listed("pytorch")
        if version is None and listed is not None and not self.torch_missing:
            version, _, local_part = listed.version.partition("+")
            local = local or local_part or None
        if version is None and not self.torch_missing and "cuda_available" in self.flags:
            version, local = (
                self.wanted.get("version"),
                self.wanted.get("variant"),
            )  # it was imported, so it was installed
        cuda, hip = self.torch.get("cuda"), self.torch.get("hip")
        variant = variant_of(local) or self.torch.get("variant") or self._variant(version, cuda, hip, listed)
        return Torch(
            installed=False if self.torch_missing else True if version else None,
            version=version,
            local=local,
            variant=variant,
            cuda=cuda or cuda_of(variant),
            hip=hip,
            arch_list=self.arch_list,
            device_count=self.device_count,
            locations=tuple(dict.fromkeys(self.locations)),
            cuda_available=self.flags.get("cuda_available"),
            mps_built=self.flags.get("mps_built"),
            mps_available=self.flags.get("mps_available"),
            xpu_built=self.flags.get("xpu_built"),
            xpu_available=self.flags.get("xpu_available"),
        )

    def _listed(self, name: str) -> Package | None:
        return next((package for package in self.packages.values() if package.name == name), None)

    def _variant(self, version: str | None, cuda: str | None, hip: str | None, listed: Package | None) -> str | None:
        if hip:
            return "rocm" + ".".join(hip.split(".")[:2])
        if cuda:
            return "cu" + "".join(cuda.split(".")[:2])
        # collect_env writes "None" for a build without CUDA, and turns that into "Could not collect" when it met a GPU
        if version and self.cuda_said is not None and self.os is not Os.MACOS:
            said = self.cuda_said.strip().lower()
            if said == "none" or (said == "could not collect" and self.flags.get("cuda_available") is False):
                return "xpu" if self.flags.get("xpu_built") else "cpu"
        build = (listed.build or "") if listed else ""
        match = re.search(r"cuda(\d+)\.(\d+)|cuda(\d{2})(\d)", build)
        if match:
            return "cu" + "".join(part for part in match.groups() if part)
        return "cpu" if "cpu" in build else None


def _same(one: str, other: str) -> bool:
    short, long = sorted((one.lower(), other.lower()), key=len)
    return bool(short) and short in long


def _gpu(raw: Mapping[str, str]) -> Gpu | None:
    name = raw["name"]
    vendor = Vendor(raw["vendor"]) if "vendor" in raw else vendor_of(name)
    if vendor is None:
        return None
    gfx = re.search(r"gfx[0-9a-f]{3,5}", name + " " + raw.get("gfx", ""), re.IGNORECASE)
    return Gpu(
        vendor=vendor,
        name=name or None,
        compute_capability=raw.get("capability"),
        gfx=gfx[0].lower() if gfx else None,
        memory_bytes=_mebibytes(raw.get("total")),
        memory_used_bytes=_mebibytes(raw.get("used")),
        mig_mode=raw.get("mig_mode"),
        mig_instances=int(raw["mig"]) if "mig" in raw else None,
        compute_mode=raw.get("mode"),
        virtual="vgpu" if re.search(r"\bgrid\b", name, re.IGNORECASE) else None,
    )


def _mebibytes(text: str | None) -> int | None:
    return int(text) * 1024 * 1024 if text else None
