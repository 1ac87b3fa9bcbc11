"""`fused` on CUDA: forward, backward and update as hand-written Triton kernels (fused_triton_kernels.py).

Two ways of running them, tried outside the clock with several sizes of a program: `graph`, two launches a step and a
whole epoch of them in one CUDA graph; `epoch`, one launch an epoch, with barriers of the whole grid inside. Where
neither can be had, plain launches. In Triton's interpreter (TRITON_INTERPRET=1) the kernels run on a CPU, for tests.
"""

import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import devices
import lenet
import measure
import precision as precision_rules
import registry
import torch
import trial
from said import Said, SaidError, reason, said

from recipes.base import BaseRecipe
from recipes.check import agrees

WARPS = (4, 8)  # of 32 threads, for one sample
STEPS_A_GRAPH = 1024  # an epoch of the article has 938; more launches than this are several graphs


class Way(NamedTuple):
    """How the kernels are run: ``graph``, ``epoch`` or ``launches``, with so many warps a program."""

    name: str
    warps: int


def refusal(device: str) -> Optional[Said]:
    """Why these kernels cannot run on a device of kind cuda (ROCm too); ``None`` where they can.

    AMD: threads of a program hand values to each other through global memory, and Triton 3.7's barrier is an
    ``s_barrier`` there that waits for no store to it. NVIDIA's ``bar.sync`` does.
    """
    if torch.version.hip:
        return said("triton-amd")
    if importlib.util.find_spec("triton") is None:
        return said("no-triton")
    try:
        import triton
    except Exception as error:  # noqa: BLE001  # a broken Triton is a reason, whatever broke
        return said("broken-triton", why=reason(error))
    floors = registry.FLOORS["triton"]
    if [int(part) for part in triton.__version__.split(".")[:2]] < floors["version"]:
        return said("old-triton", version=triton.__version__)
    found = torch.cuda.get_device_capability(torch.device(device))
    if list(found) < floors["capability"]:
        return said("triton-capability", found="%d.%d" % found)
    return _lacks_for_building()


def _lacks_for_building() -> Optional[Said]:
    """Triton compiles what starts a kernel on the spot, in C (triton/runtime/build.py)."""
    if sys.platform == "win32":  # triton-windows brings a compiler and headers of its own
        return None
    if not (os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")):
        return said("triton-compiler")
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        return said("triton-headers")
    return None


def dot_precisions(device: str, precision: str) -> Tuple[str, str]:
    """What a label allows in (convolutions, linear layers), in Triton's words: what PyTorch does under that label.

    By default PyTorch rounds convolutions to TF32 and matrix products not, on GPUs that have TF32. The first
    convolution and single-sample products run on no tensor cores and are never rounded.
    """
    rounds = devices.kind(device) == "cuda" and precision_rules.has_tf32(device)
    allowed = {"fp32-default": ("tf32", "ieee"), "tf32": ("tf32", "tf32")} if rounds else {}
    return allowed.get(precision, ("ieee", "ieee"))


class Training:
    """Data, weights and work space in fixed places on the device, and one way of training with them."""

    def __init__(self, device: str, samples: int, precision: str, way: Way) -> None:
        from recipes import fused_triton_kernels as kernels

        self._kernels = kernels
        self._device = device
        self._way = way
        self._samples = samples
        self._conv, self._linear = dot_precisions(device, precision)
        self._sizes = [len(part) for part in lenet.batches(torch.empty(samples))]
        self._allocate(device)
        self._graphs: List[Tuple[Any, int]] = []  # with how often each is replayed
        if way.name == "graph":
            self._record()

    def _allocate(self, device: str) -> None:
        def space(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        kernels = self._kernels
        self.images = space(self._samples, 28 * 28, dtype=torch.uint8)
        self.labels = space(self._samples, dtype=torch.int64)
        self.order = torch.arange(self._samples, device=device)
        self.weights, self._momenta = space(lenet.PARAMETERS), space(lenet.PARAMETERS)
        self._losses = space(len(self._sizes))
        self._sample_losses = space(lenet.BATCH)
        self._rows = space(lenet.BATCH, kernels.ROW.value)
        self._partials = space(lenet.BATCH, kernels.CONV.value)
        self._scratch = space(lenet.BATCH, kernels.SCRATCH.value)
        self._chosen = space(lenet.BATCH, kernels.CHOSEN.value, dtype=torch.int32)
        self._counter = space(1, dtype=torch.int32)  # of steps, or of arrivals at the grid's barrier
        # Normalised by the same operations as every other recipe's images on this device: bit-identical.
        pixels = torch.arange(256, dtype=torch.uint8, device=device).view(1, 16, 16)
        self._table = lenet.normalised(pixels).flatten().contiguous()

    def restart(self, net: lenet.Net) -> None:
        """Take the weights of ``net``, which from now on are views of those trained here, and forget all momentum."""
        self.weights.copy_(torch.cat([parameter.detach().flatten() for parameter in net.parameters()]))
        self._momenta.zero_()
        parts = self.weights.split([parameter.numel() for parameter in net.parameters()])
        for parameter, part in zip(net.parameters(), parts):
            parameter.data = part.view_as(parameter)

    def _step(self, size: int) -> None:
        options = {"num_warps": self._way.warps, "num_stages": 1}
        self._kernels.samples_kernel[(size,)](
            self.images, self.labels, self.order, self._table, self.weights, self._rows, self._partials, self._scratch,
            self._chosen, self._sample_losses, self._counter, size, lenet.BATCH, self._conv, **options,
        )  # fmt: skip
        self._kernels.update_kernel[(self._kernels.TILES.value,)](
            self._rows, self._partials, self._sample_losses, self._losses, self.weights, self._momenta, self._counter,
            size, lenet.LEARNING_RATE, lenet.MOMENTUM, lenet.BATCH, self._linear, **options,
        )  # fmt: skip

    def _record(self) -> None:
        """Capture the epoch; each kernel was compiled and run before, since a capture must not compile."""
        self._counter.zero_()
        self._step(self._sizes[0])
        devices.synchronize(self._device)
        self._graphs = [(self._capture(sizes), times) for sizes, times in graphs_of(self._sizes)]

    def _capture(self, sizes: List[int]) -> Any:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for size in sizes:
                self._step(size)
        return graph

    def _launch_epoch(self) -> None:
        """The one launch; a cooperative one, so that a grid that would not be resident at once is an error."""
        programs, options = 1, {"num_warps": self._way.warps, "num_stages": 1}
        if devices.kind(self._device) != "cpu":
            many = torch.cuda.get_device_properties(torch.device(self._device)).multi_processor_count
            programs = min(many, self._kernels.TILES.value)
            options["launch_cooperative_grid"] = True
        self._kernels.epoch_kernel[(programs,)](
            self.images, self.labels, self.order, self._table, self.weights, self._momenta, self._rows, self._partials,
            self._scratch, self._chosen, self._sample_losses, self._losses, self._counter, self._samples,
            len(self._sizes), lenet.LEARNING_RATE, lenet.MOMENTUM, lenet.BATCH, self._conv, self._linear, **options,
        )  # fmt: skip
        if int(self._counter) != 2 * len(self._sizes) * programs:
            raise RuntimeError("the programs of the epoch's kernel lost each other at a barrier")

    def epoch(self) -> torch.Tensor:
        """Train once through `order`; the per-step losses, on the device."""
        self._counter.zero_()
        if self._way.name == "epoch":
            self._launch_epoch()
        elif self._way.name == "graph":
            for graph, times in self._graphs:
                for _ in range(times):
                    graph.replay()
        else:
            for size in self._sizes:
                self._step(size)
        return self._losses.clone()


def graphs_of(sizes: List[int]) -> List[Tuple[List[int], int]]:
    """The steps of each graph of an epoch, and how often it is replayed; a shorter last batch is in the last one."""
    whole = len(sizes) - (1 if sizes[-1] != sizes[0] else 0)
    full = whole // STEPS_A_GRAPH
    found = [(sizes[:STEPS_A_GRAPH], full)] if full else []
    last = sizes[full * STEPS_A_GRAPH :]
    return [*found, (last, 1)] if last else found


class Recipe(BaseRecipe):
    """The fastest way of those that work and are right."""

    def prepare(self) -> None:
        device = self.task.device
        if not self.task.precision.startswith(("fp32", "tf32")):
            raise ValueError("these kernels are written for float32, not for " + self.task.precision)
        lenet.warm_up(device)
        with devices.Stopwatch(device) as watch:
            self.way = self._fastest()
            self.resize()
        self.compile_seconds = watch.seconds
        conv, linear = dot_precisions(device, self.task.precision)
        self.facts.update(way=self.way.name, warps=self.way.warps, products={"convolution": conv, "linear": linear})

    def _fastest(self) -> Way:
        """Try the ways on noise, few of them: every size of a program is compiled for itself."""
        seconds: Dict[Way, float] = {}
        if devices.kind(self.task.device) == "cpu":  # the interpreter: nothing to record, and size does not matter
            self._try([Way("launches", WARPS[0])], seconds)
        else:
            self._try([Way("graph", warps) for warps in WARPS], seconds)
            if not seconds:  # the same kernels, where no graph can be captured
                self._try([Way("launches", warps) for warps in WARPS], seconds)
            good = min(seconds, key=lambda way: seconds[way], default=Way("none", WARPS[-1]))
            self._try([Way("epoch", good.warps)], seconds)
        if not seconds:
            raise SaidError("no-way", why=self.notes[-1])
        self.facts["way_sweep"] = {"%s, %d warps" % way: value for way, value in seconds.items()}
        return min(seconds, key=lambda way: seconds[way])

    def _try(self, candidates: List[Way], seconds: Dict[Way, float]) -> None:
        """Time each on noise; what does not run or is wrong becomes a note."""
        for way in candidates:
            try:
                seconds[way] = self.trial(way) if devices.kind(self.task.device) == "cpu" else self._in_child(way)
            except Exception as error:  # noqa: BLE001  # a Triton that cannot compile, capture or launch this way
                self.notes.append(said("left-out", name="%s, %d warps" % way, why=reason(error)))

    def _in_child(self, way: Way) -> float:
        """A trial in a process of its own: an error that spoils the device's context ends that one only."""
        asked = {"recipe": "fused", "device": self.task.device, "precision": self.task.precision, "way": list(way)}
        return trial.in_child(asked)

    def trial(self, way: Way) -> float:
        """Seconds of a small epoch, once it has agreed with eager PyTorch."""
        way = Way(*way)  # from a parent's JSON it comes as a list
        trained: List[Training] = []

        def train(net: lenet.Net, images: torch.Tensor, labels: torch.Tensor, passes: int, label: str) -> torch.Tensor:
            training = Training(self.task.device, len(labels), label, way)
            training.restart(net)
            training.images.copy_(images.view(len(labels), -1))
            training.labels.copy_(labels)
            trained.append(training)
            return torch.cat([training.epoch() for _ in range(passes)])

        self.facts["check_difference"] = agrees(self.task.device, self.task.precision, train)
        if devices.kind(self.task.device) == "cpu":  # the interpreter: there is one way, and its time does not matter
            return 0.0
        return measure.steady(self.task.device, trained[-1].epoch)

    def resize(self) -> None:
        """Make room, and a graph, for the whole data set; also after a trial on a part of it (see `best`)."""
        self.training = Training(self.task.device, len(self.task.train.labels), self.task.precision, self.way)

    def rehearse(self) -> None:
        self.training.epoch()

    def start(self) -> None:
        super().start()
        self.net = self.net.to(self.task.device)
        self.training.restart(self.net)

    def load(self) -> None:
        self.training.images.copy_(self.task.train.images.view(len(self.task.train.images), -1))
        self.training.labels.copy_(self.task.train.labels)

    def epoch(self) -> torch.Tensor:
        self.training.order.copy_(lenet.draw_order(len(self.task.train.labels)))
        return self.training.epoch()
