"""The verification ladder: prove, rung by rung, that the torch of this environment works.

``verify.py REQUEST``, REQUEST a JSON object: ``torch`` and ``variant`` (as planned, may be null), ``companions``
(name -> version or null), ``compile`` (whether to try torch.compile), ``runs_on`` (name in an arch list -> the compute
capabilities that it runs on). Before each rung a line ``{"begin": ...}`` goes
out, after it ``{"rung": ...}``: when torch takes the process down or hangs, the parent knows which rung it was.
"""

import importlib
import json
import sys
import time
import traceback
import warnings
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent))  # -I leaves the script's own folder out

import lines  # after the path is set
from said import Said, SaidError, reason, said

Outcome = Tuple[str, Optional[Said]]  # status (pass, fail, warn, skip) and a detail
DETAIL_LENGTH = 600  # characters of an error that are passed on


class FailureError(SaidError):
    """A rung found something wrong; code and values say what."""


class Ladder:
    """Runs rungs in order, announces each, keeps what became of it."""

    def __init__(self) -> None:
        self.failed_on: Dict[Optional[str], str] = {}  # device -> the rung that failed there; None: everywhere

    def climb(
        self,
        name: str,
        check: Callable[[], Outcome],
        *,
        device: Optional[str] = None,
        package: Optional[str] = None,
        soft: bool = False,
    ) -> bool:
        """Run one rung; ``soft``: a failure is only a warning. Returns whether it passed."""
        lines.emit({"begin": {"name": name, "device": device, "package": package, "soft": soft}})
        start = time.perf_counter()
        broken = self.failed_on.get(None) or self.failed_on.get(device)
        status, detail = ("skip", said("not-tried", rung=broken)) if broken else _guarded(check)
        if status == "fail" and soft:
            status = "warn"
        if status == "fail":
            self.failed_on[device] = name
        seconds = time.perf_counter() - start
        lines.emit({"rung": {"name": name, "status": status, "seconds": seconds, "device": device, "package": package,
                             "detail": detail}})  # fmt: skip
        return status == "pass"


def _guarded(check: Callable[[], Outcome]) -> Outcome:
    """Run a check; whatever it raises is a failure with the error's own words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            status, detail = check()
        except FailureError as error:
            return "fail", error.said
        except BaseException as error:  # noqa: BLE001  # a broken torch raises anything, SystemExit included
            traceback.print_exc()
            return "fail", said("raised", text=("%s: %s" % (type(error).__name__, error))[:DETAIL_LENGTH])
    if status == "fail" and caught:
        detail = said(
            "with-warning", detail=detail or said("raised", text="-"), warning=str(caught[-1].message)[:DETAIL_LENGTH]
        )
    return status, detail


# ---------------------------------------------------------------- rungs


def check_import() -> Outcome:
    """PyTorch itself, not a file of the user's that is called torch.py."""
    torch = importlib.import_module("torch")
    if not hasattr(torch, "__version__") or not hasattr(torch, "empty"):
        raise FailureError("not-torch", place=_origin(torch))
    return "pass", said("found", what=torch.__version__)


def _origin(module: Any) -> str:
    """Where a module lies, below its site-packages: a file of the user's own named torch.py shows here."""
    file = getattr(module, "__file__", None)
    if file:
        path = Path(file)
        return "/".join(path.parts[-2:]) if path.stem == "__init__" else path.name
    return next(map(str, getattr(module, "__path__", ())), "torch")  # a folder without code


def variant_of(version: str, cuda: Optional[str], hip: Optional[str], *, xpu: bool) -> str:
    """``cu126``, ``rocm6.4``, ``xpu`` or ``cpu``: the version's local label, else what torch bundles."""
    label = version.partition("+")[2].split(".git")[0]
    if label.startswith(("cu1", "rocm", "xpu")) or label == "cpu":
        return label
    if hip:
        return "rocm" + ".".join(hip.split(".")[:2])
    if cuda:
        return "cu" + "".join(cuda.split(".")[:2])
    return "xpu" if xpu else "cpu"


def _torch_variant() -> str:
    import torch

    has_xpu = bool(getattr(torch.version, "xpu", None))
    return variant_of(torch.__version__, torch.version.cuda, getattr(torch.version, "hip", None), xpu=has_xpu)


def check_version(expected: Optional[str], variant: Optional[str]) -> Outcome:
    """The installed version and variant, held against the planned ones."""
    import torch

    found = torch.__version__.partition("+")[0]
    if expected and found != expected:
        raise FailureError("other", what="torch", found=found, planned=expected)
    if variant and _torch_variant() != variant:
        raise FailureError("other-build", found=_torch_variant(), planned=variant)
    return "pass", said("found", what="%s, %s" % (found, _torch_variant()))


def check_devices(found: List[str]) -> Outcome:
    """A GPU build that sees no GPU fails with CUDA's own reason; a CPU build needs none."""
    import torch

    variant = _torch_variant()
    if variant.startswith(("cu", "rocm")) and "cuda:0" not in found:
        why = said("raised", text="torch.cuda.is_available() is False")
        try:
            torch.cuda.init()
        except Exception as error:  # noqa: BLE001  # the reason is what is wanted
            why = reason(error, whole=True)
        raise FailureError("no-gpu", kind=variant, why=why)
    if variant == "xpu" and "xpu:0" not in found:
        raise FailureError("no-intel", kind=variant)
    return "pass", said("found", what=", ".join(found))


def has_code(capability: str, arch_list: List[str], runs_on: Dict[str, List[str]]) -> Optional[bool]:
    """Whether an arch list has code for a GPU; ``None``: names or a GPU that the parent's table does not know."""
    if any(capability in runs_on.get(name, ()) for name in arch_list):
        return True
    known = any(capability in capabilities for capabilities in runs_on.values())
    return False if known and all(name in runs_on for name in arch_list) else None


def check_arch(device: str, runs_on: Dict[str, List[str]]) -> Outcome:
    """Whether the build has machine code, or PTX, for this GPU; which code runs where is the parent's to say."""
    import devices
    import torch

    if devices.kind(device) != "cuda":
        ask = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", None)
        return (
            ("pass", said("cpu-path", path=ask())) if device == "cpu" and ask else ("skip", said("nothing-to-compare"))
        )
    arch_list = list(torch.cuda.get_arch_list())
    if torch.version.hip:
        gfx = str(getattr(torch.cuda.get_device_properties(device), "gcnArchName", "")).partition(":")[0]
        if gfx and gfx not in {entry.partition(":")[0] for entry in arch_list}:
            raise FailureError("arch", gpu=gfx, list=" ".join(arch_list))
        return "pass", said("found", what=gfx)
    capability = torch.cuda.get_device_capability(device)
    found = has_code("%d.%d" % capability, arch_list, runs_on)
    if found is None:
        return "skip", said("arch-unknown", gpu="sm_%d%d" % capability, list=" ".join(arch_list))
    if not found:
        raise FailureError("arch", gpu="sm_%d%d" % capability, list=" ".join(arch_list))
    return "pass", said("arch-by", gpu="sm_%d%d" % capability, list=" ".join(arch_list))


def check_matmul(device: str) -> Outcome:
    """Small integers: every product and sum is exact in float32, so the answer must be equal, not near."""
    import torch

    size = 32
    left = [[(3 * i + 5 * j) % 17 - 8 for j in range(size)] for i in range(size)]
    right = [[(7 * i + 2 * j) % 13 - 6 for j in range(size)] for i in range(size)]
    exact = [[sum(a * b for a, b in zip(row, column)) for column in zip(*right)] for row in left]
    product = torch.tensor(left, dtype=torch.float32).to(device) @ torch.tensor(right, dtype=torch.float32).to(device)
    got = product.cpu().tolist()
    for row, line in enumerate(exact):
        for column, wanted in enumerate(line):
            if got[row][column] != wanted:
                raise FailureError("matmul", got=got[row][column], wanted=wanted)
    _compare_random_product(device)
    return "pass", None


def _compare_random_product(device: str) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(256, 256, generator=generator) for _ in range(2))
    near = (left.to(device) @ right.to(device)).cpu().double()
    error = float((near - left.double() @ right.double()).abs().max())
    if not error < 0.5:  # TF32 rounding of 256 terms stays below 0.1; a wrong kernel is off by tens
        raise FailureError("matmul-off", error=error)


def check_conv(device: str) -> Outcome:
    """Forward and both gradients against float64 on the CPU."""
    import torch

    generator = torch.Generator().manual_seed(0)
    image = torch.randn(4, 3, 16, 16, generator=generator)
    weight = torch.randn(8, 3, 5, 5, generator=generator)
    answers = []
    for where, dtype in ((device, torch.float32), ("cpu", torch.float64)):
        x, w = (t.to(device=where, dtype=dtype, copy=True).requires_grad_() for t in (image, weight))
        out = torch.nn.functional.conv2d(x, w, padding=2)
        out.square().mean().backward()
        answers.append([t.detach().cpu().double() for t in (out, x.grad, w.grad)])
    for name, near, true in zip(("output", "input gradient", "weight gradient"), *answers):
        error = float((near - true).abs().max() / true.abs().max())
        if not error < 0.02:  # TF32 keeps three digits
            raise FailureError("conv", name=name, error=error)
    return "pass", None


def check_optimiser(device: str) -> Outcome:
    """A small network, twenty steps: the weights move and the loss falls."""
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)).to(device)
    inputs = torch.randn(64, 8).to(device)
    wanted = inputs.sum(1, keepdim=True)
    before = net[0].weight.detach().cpu().clone()
    update = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(20):
        update.zero_grad()
        loss = (net(inputs) - wanted).square().mean()
        loss.backward()
        update.step()
        losses.append(float(loss))
    if torch.equal(before, net[0].weight.detach().cpu()):
        raise FailureError("optimiser")
    if not losses[-1] < 0.5 * losses[0]:
        raise FailureError("loss", before=losses[0], after=losses[-1])
    return "pass", None


def check_jit(device: str) -> Outcome:
    """An operation that CUDA compiles on the spot (nvrtc, on AMD hiprtc): needs the toolkit parts in the wheel."""
    import devices
    import torch

    if devices.kind(device) != "cuda":
        return "skip", said("no-jit")
    code = "template <typename T> T torchup_check(T x, T y) { return x * y + T(1); }"
    operation = torch.cuda.jiterator._create_jit_fn(code)  # noqa: SLF001  # the documented way to make one
    values = torch.arange(8, dtype=torch.float32, device=device)
    got, wanted = operation(values, values).cpu().tolist(), [i * i + 1.0 for i in range(8)]
    if got != wanted:
        raise FailureError("jit", got=got, wanted=wanted)
    return "pass", None


def check_dataloader() -> Outcome:
    """One worker process must start, share memory and answer."""
    import torch

    loader = torch.utils.data.DataLoader(Squares(), batch_size=4, num_workers=1, timeout=60)
    got = torch.cat(list(loader)).tolist()
    if got != [float(i * i) for i in range(8)]:
        raise FailureError("dataloader", got=got)
    return "pass", None


class Squares:
    """A data set of eight numbers; at module level so that a spawned worker can import it."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, position: int) -> Any:
        import torch

        return torch.tensor(float(position * position))


def check_companion(name: str, planned: Optional[str], *, wanted: bool) -> Outcome:
    """Import it; for torchvision run the operation that breaks when it was built for another torch."""
    import importlib.util

    if importlib.util.find_spec(name) is None:
        if wanted and planned:
            raise FailureError("missing", name="%s %s" % (name, planned))
        return "skip", said("not-installed")
    module = importlib.import_module(name)
    found = str(getattr(module, "__version__", "?"))
    if planned and found.partition("+")[0] != planned:
        raise FailureError("other", what=name, found=found, planned=planned)
    if name == "torchvision":
        import torch

        boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
        got = module.ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.5).tolist()
        if got != [0]:
            raise FailureError("nms", got=got, wanted=[0])
    if name == "numpy":
        import torch

        total = torch.from_numpy(module.ones(3, "float32")).sum().item()
        if total != 3:  # three ones
            raise FailureError("numpy-wrong", got=total, wanted=3)
    return "pass", said("found", what=found)


def check_compile(device: str) -> Outcome:
    """torch.compile needs Triton on a GPU and a C++ compiler on a CPU; much works without it, so it only warns."""
    import torch

    if not hasattr(torch, "compile"):
        return "skip", said("no-compile")
    values = torch.linspace(0, 1, 64, device=device)
    compiled = torch.compile(lambda x: torch.sin(x) * 2 + 1)
    error = float((compiled(values) - (torch.sin(values) * 2 + 1)).abs().max())
    return ("pass", None) if error < 1e-4 else ("fail", said("compiled-off", error=error))


# ---------------------------------------------------------------- the whole


def describe() -> Dict[str, Any]:
    """What torch says of itself, for the final line."""
    import devices
    import torch

    found = devices.available()
    return {
        "version": torch.__version__,
        "variant": _torch_variant(),
        "cuda": torch.version.cuda,
        "hip": getattr(torch.version, "hip", None),
        "arch_list": list(torch.cuda.get_arch_list()) if "cuda:0" in found else [],
        "devices": found,
        "device_names": [devices.name(device) or device for device in found],
    }


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Climb the ladder; the description of torch where it imports."""
    ladder = Ladder()
    if not ladder.climb("import", check_import):
        return {}
    if request.get("only_compile"):
        import devices

        climb_compile(ladder, devices.available())
        return describe()
    ladder.climb("version", lambda: check_version(request.get("torch"), request.get("variant")))
    import devices

    found = devices.available()
    ladder.climb("devices", lambda: check_devices(found))
    ladder.failed_on.clear()  # each device is tried whatever went before: that tells which part is broken
    for device in found:
        climb_device(ladder, device, request.get("runs_on") or {})
    ladder.climb("dataloader", check_dataloader)
    climb_companions(ladder, request.get("companions") or {})
    climb_packages(ladder, found)
    if request.get("compile", True):
        climb_compile(ladder, found)
    return describe()


def climb_compile(ladder: Ladder, found: List[str]) -> None:
    """torch.compile on each device: slow, and never a reason to refuse an environment."""
    for device in found:
        ladder.climb("compile", partial(check_compile, device), device=device, soft=True)


def climb_device(ladder: Ladder, device: str, runs_on: Dict[str, List[str]]) -> None:
    """The rungs of one device; after a failure the rest of that device is skipped (CUDA errors stick)."""
    for name, check in (
        ("arch", partial(check_arch, runs_on=runs_on)),
        ("matmul", check_matmul),
        ("conv", check_conv),
        ("optimiser", check_optimiser),
        ("jit", check_jit),
    ):
        ladder.climb(name, partial(check, device), device=device)


def climb_companions(ladder: Ladder, planned: Dict[str, Optional[str]]) -> None:
    """The packages that go with torch, and numpy, which only warns."""
    ladder.failed_on.pop(None, None)
    for name in ("torchvision", "torchaudio"):
        check = partial(check_companion, name, planned.get(name), wanted=name in planned)
        ladder.climb("companions", check, package=name)
        ladder.failed_on.pop(None, None)
    ladder.climb("companions", partial(check_companion, "numpy", None, wanted=False), package="numpy", soft=True)


def climb_packages(ladder: Ladder, found: List[str]) -> None:
    """Packages that are built for torch: one call of each that is installed, on the first device."""
    import packages

    for name, check in packages.installed().items():
        ladder.climb("package", partial(check, found[0]), package=name)
        ladder.failed_on.pop(None, None)


def main() -> int:
    """Read the request, climb, answer."""
    lines.claim_stdout()
    lines.emit({"torch": run(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})})
    return 0


if __name__ == "__main__":
    sys.exit(main())
