"""Live probes -> the same `Facts` that a pasted report gives. Pure: the probes have run before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import cuda_of, variant_of
from torchup.doctor.facts import Damaged, Facts, Node, Nvidia, Package, Python, Sign, System, Torch
from torchup.doctor.signatures import find_signs
from torchup.i18n.sentences import sentence
from torchup.model import Os, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.envs.inspection import InspectedPython, InspectedTorch, Inspection
    from torchup.model import Driver, Machine

# What detection calls a driver's trouble -> the sign that a report of it would show.
_PROBLEMS = {
    "library-version-mismatch": ("smi.mismatch", "driver-missing-or-broken"),
    "not-loaded": ("smi.not-loaded", "driver-missing-or-broken"),
    "gpu-lost": ("smi.lost", "driver-missing-or-broken"),
    "no-devices": ("smi.no-devices", "driver-missing-or-broken"),
    "no-permission": ("smi.no-permission", "permission-device-nodes"),
    "blocked-by-os": ("wsl.blocked", "wsl-driver-problem"),
    "not-in-container": ("docker.not-detected", "container-without-gpu"),
    "unknown-error": ("smi.unknown-error", "container-lost-gpu"),
}


def facts_of(machine: Machine, inspection: Inspection | None = None) -> Facts:
    """The facts of an environment on a machine; without an inspection, those of the machine alone."""
    python = inspection.python if inspection else None
    torch = inspection.torch if inspection else None
    lines = list(_texts(inspection)) if inspection else []
    return Facts(
        live=True,
        system=_system(machine),
        python=_python(python),
        torch=_torch(python, torch, inspection),
        nvidia=_nvidia(machine),
        gpus=machine.gpus,
        rocm=machine.rocm_version,
        packages=_packages(python),
        damage=tuple(_damage(inspection)) if inspection else (),
        environment=dict(machine.environment),
        nodes=tuple(Node(path=node.path, accessible=node.readable and node.writable) for node in machine.device_nodes),
        signs=(*_driver_signs(machine), *find_signs(lines)),
        companion_errors=torch.companion_errors if torch else {},
        extension_problem=_extension_problem(python),
        text="\n".join(lines),
    )


def _system(machine: Machine) -> System:
    return System(
        os=machine.os,
        os_version=machine.os_version,
        distribution=machine.distribution,
        arch=machine.arch,
        kernel=machine.kernel,
        glibc=machine.glibc,
        wsl=machine.wsl,
        container=machine.container is not None,
        container_kind=machine.container,
        container_gpu_flag=machine.container_gpu,
        jetson=machine.jetson,
        apple_silicon=machine.os is Os.MACOS and (machine.arch == "arm64" or machine.translated),
        virtual_machine=machine.virtual_machine is not None,
        cpu=machine.cpu.model,
    )


def _python(python: InspectedPython | None) -> Python:
    if python is None:
        return Python()
    arch = (python.machine or "").lower().replace("amd64", "x86_64") or None
    return Python(
        version=python.version,
        bits=python.bits,
        arch="i686" if python.bits == 32 and arch == "x86_64" else arch,  # noqa: PLR2004  # bits of a pointer
        platform=python.platform,
        free_threaded=python.free_threaded,
        conda=python.conda,
        path=python.executable,
    )


def _torch(python: InspectedPython | None, torch: InspectedTorch | None, inspection: Inspection | None) -> Torch:
    listed = next((p.version for p in python.packages if p.name == "torch"), None) if python else None
    full = (torch.version if torch else None) or listed
    version, _, local = (full or "").partition("+")
    installed = torch.installed if torch else bool(python.torch_folders) if python else None
    error = torch.import_error if torch else inspection.failure if inspection and python else None
    variant = variant_of(local) or (_variant_of_build(torch) if torch and torch.version else None)
    return Torch(
        installed=installed,
        version=version or None,
        local=local or None,
        variant=variant,
        cuda=torch.cuda if torch else cuda_of(variant),
        hip=torch.hip if torch else None,
        arch_list=torch.arch_list if torch else (),
        cuda_available=torch.cuda_available if torch else None,
        device_count=torch.device_count if torch else None,
        kernel_ran=torch.kernel_ran if torch else None,
        mps_built=torch.mps_built if torch else None,
        mps_available=torch.mps_available if torch else None,
        xpu_built=torch.xpu_built if torch else None,
        xpu_available=torch.xpu_available if torch else None,
        import_error=error,
        locations=python.torch_folders if python else (),
    )


def _variant_of_build(torch: InspectedTorch) -> str:
    if torch.hip:
        return "rocm" + ".".join(torch.hip.split(".")[:2])
    if torch.cuda:
        return "cu" + "".join(torch.cuda.split(".")[:2])
    return "xpu" if torch.xpu_built else "cpu"


def _nvidia(machine: Machine) -> Nvidia:
    driver = machine.driver(Vendor.NVIDIA)
    toolkit = next((tool.version for tool in machine.tools if tool.name == "nvcc"), None)
    nothing = not any(gpu.vendor is Vendor.NVIDIA for gpu in machine.gpus) and driver is None
    return Nvidia(
        driver=driver.version if driver else None,
        cuda_api=driver.cuda_api if driver else None,
        toolkit=toolkit,
        problem=driver.problem if driver else None,
        tools_found_none=nothing,
    )


def _damage(inspection: Inspection) -> Iterator[Damaged]:
    """The files without which torch cannot be trusted; a package that changed as a whole is not a damaged file."""
    from torchup.envs.damage import DamageKind, said  # noqa: PLC0415  # only damage pays for it

    whole = {DamageKind.DRIFT, DamageKind.NO_RECORD, DamageKind.START_FILE}
    for one in inspection.damage:
        if one.weighs and one.kind not in whole:
            of_torch = one.package.startswith(("pytorch", "libtorch"))  # conda's names of it
            yield Damaged(package="torch" if of_torch else one.package, line=sentence(said(one)), conda=one.conda)


def _driver_signs(machine: Machine) -> Iterator[Sign]:
    for driver in machine.drivers:
        if driver.vendor is Vendor.NVIDIA or driver.problem == "not-in-container":
            yield from _signs_of(driver, has_gpu=any(gpu.vendor is Vendor.NVIDIA for gpu in machine.gpus))


def _signs_of(driver: Driver, *, has_gpu: bool) -> Iterator[Sign]:
    if driver.flavor == "nouveau":
        yield Sign(code="driver.nouveau", cause="driver-missing-or-broken", line="kernel driver in use: nouveau")
    if driver.problem in _PROBLEMS:
        code, cause = _PROBLEMS[driver.problem]
        yield Sign(code=code, cause=cause, line=driver.detail or driver.problem)
    elif driver.loaded is False and has_gpu:
        line = "the nvidia kernel module is not loaded"
        yield Sign(code="smi.not-loaded", cause="driver-missing-or-broken", line=line)


def _packages(python: InspectedPython | None) -> tuple[Package, ...]:
    if python is None:
        return ()
    return tuple(
        Package(name=p.name, version=p.version, origin=p.origin, build=p.build, channel=p.channel, location=p.location)
        for p in python.packages
    )


def _extension_problem(python: InspectedPython | None) -> str | None:
    """The file name of torch's extension, where it was built for another Python than this one."""
    if python is None or not python.torch_extensions or not python.extension_suffix:
        return None
    fitting = {f"_C{python.extension_suffix}", "_C.abi3.so", "_C.so", "_C.pyd"}
    return None if fitting & set(python.torch_extensions) else python.torch_extensions[0]


def _texts(inspection: Inspection) -> Iterator[str]:
    """Everything the child said that may name a cause, line by line."""
    torch = inspection.torch
    parts = [inspection.stderr if torch is None else "", inspection.failure or ""]
    if torch is not None:
        parts += [torch.import_error or "", torch.kernel_error or "", torch.cuda_error or "", torch.numpy_error or ""]
        parts += [*torch.warnings, *torch.companion_errors.values()]
    for part in parts:
        yield from part.splitlines()
