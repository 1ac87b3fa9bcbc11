"""`graph`: the training step recorded once and replayed.

On NVIDIA, AMD and Intel GPUs the step (forward, backward, update, bookkeeping) is captured in graphs: one of a single
step and one of many, so that a launch costs once what it cost sixty times a step. Position in the epoch, order and
losses live on the device; the host only replays. On a CPU there is nothing to capture: torch.compile fuses instead.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import compiler
import devices
import lenet
import measure
import precision
import torch
from said import Said, SaidError, reason, said

from recipes import resident
from recipes.base import BaseRecipe, Task
from recipes.check import LOSS_BAR, agrees

MANY = 32  # steps in the large graph; an epoch of 938 is 29 of them, 9 single steps and the tail
ROUNDS = 2  # of trials
WARM_STEPS = 3  # before a capture, on a side stream, as torch's documentation of CUDA graphs asks


class Recorder(NamedTuple):
    """torch's own recorder of a device: ``module`` has streams and the context ``graph``, ``make`` a graph."""

    module: Any
    make: Any


def recorder(device: str) -> Optional[Recorder]:
    """What records on a device: CUDA graphs (ROCm too), XPU graphs of newer torch; ``None`` where nothing does."""
    kind = devices.kind(device)
    module = getattr(torch, kind, None) if kind in ("cuda", "xpu") else None
    make = getattr(module, "CUDAGraph" if kind == "cuda" else "XPUGraph", None)
    return Recorder(module, make) if make is not None and hasattr(module, "graph") else None


class Captured:
    """A network, its optimiser and its data in fixed places, and the graphs that train with them."""

    def __init__(self, net: torch.nn.Module, device: str, samples: int, *, compiled: bool) -> None:
        self.net = net
        found = recorder(device)
        if found is None:
            raise SaidError("no-graphs", kind=devices.kind(device))
        self._recorder = found
        self._forward: Any = torch.compile(net, dynamic=False) if compiled else net
        self.update = lenet.optimiser(net, foreach=True)
        self.images = torch.zeros(samples, 1, 28, 28, device=device)
        self.labels = torch.zeros(samples, dtype=torch.long, device=device)
        self.order = torch.arange(samples, device=device)
        self._steps = (samples + lenet.BATCH - 1) // lenet.BATCH
        self.losses = torch.zeros(self._steps, device=device)
        self._cursor = torch.zeros(1, dtype=torch.long, device=device)
        self._step = torch.zeros(1, dtype=torch.long, device=device)
        self._range = torch.arange(lenet.BATCH, device=device)
        self._full, self._tail = divmod(samples, lenet.BATCH)
        self._warm(device)
        self._single = self._capture(lenet.BATCH, 1)
        self._many = self._capture(lenet.BATCH, MANY) if self._full >= MANY else None
        self._last = self._capture(self._tail, 1) if self._tail else None

    def _body(self, size: int) -> None:
        positions = self.order.index_select(0, self._cursor + self._range[:size])
        images, labels = self.images.index_select(0, positions), self.labels.index_select(0, positions)
        loss = lenet.train_step(self._forward, self.update, images, labels)
        self.losses.index_copy_(0, self._step, loss.view(1))
        self._cursor += size
        self._step += 1

    def _warm(self, device: str) -> None:
        module = self._recorder.module
        side = module.Stream(device)
        side.wait_stream(module.current_stream(device))
        with module.stream(side):
            for size in [lenet.BATCH] * WARM_STEPS + ([self._tail] if self._tail else []):
                self.rewind()
                self._body(size)
        module.current_stream(device).wait_stream(side)

    def _capture(self, size: int, steps: int) -> Any:
        self.rewind()
        graph = self._recorder.make()
        self.update.zero_grad(set_to_none=True)
        with self._recorder.module.graph(graph):
            for _ in range(steps):
                self._body(size)
        return graph

    def rewind(self) -> None:
        """Back to the first step of an epoch."""
        self._cursor.zero_()
        self._step.zero_()

    def restart(self, fresh: torch.nn.Module) -> None:
        """Take the weights of ``fresh`` and forget all momentum; zero momentum is what a new optimiser has."""
        with torch.no_grad():
            for mine, other in zip(self.net.parameters(), fresh.parameters()):
                mine.copy_(other)
        for state in self.update.state.values():
            state["momentum_buffer"].zero_()

    def epoch(self) -> torch.Tensor:
        """Replay one epoch; the losses, on the device."""
        self.rewind()
        full = self._full
        if self._many is not None:
            for _ in range(full // MANY):
                self._many.replay()
            full %= MANY
        for _ in range(full):
            self._single.replay()
        if self._last is not None:
            self._last.replay()
        return self.losses.clone()


class Graph(BaseRecipe):
    """Recorded graphs, of compiled kernels where they are right and faster."""

    def prepare(self) -> None:
        device = self.task.device
        lenet.warm_up(device)
        with devices.Stopwatch(device) as watch:
            compiled = self._compiled_is_better()
            self.captured = self._make(compiled, len(self.task.train.labels), self.task.precision)
        self.compile_seconds = watch.seconds
        self.facts["compiled"] = compiled

    def _make(self, compiled: bool, samples: int, label: str) -> Captured:  # noqa: FBT001  # one of two ways
        net = lenet.Net().to(self.task.device)
        with precision.cast(self.task.device, label):
            return Captured(net, self.task.device, samples, compiled=compiled)

    def _compiled_is_better(self) -> bool:
        """Try both on a small epoch, in turns: what is wrong is an error for eager and a note for torch.compile."""
        ready: Dict[bool, Captured] = {}
        for compiled in (False, True):
            try:
                ready[compiled] = self._checked(compiled)
            except Exception as error:  # a missing Triton, an inductor failure: the eager graph remains
                if not compiled:
                    raise
                self.notes.append(said("left-out", name="torch.compile", why=reason(error)))
        if len(ready) == 1:
            return False
        seconds = {compiled: float("inf") for compiled in ready}
        for _ in range(ROUNDS):
            for compiled, captured in ready.items():
                seconds[compiled] = min(seconds[compiled], measure.steady(self.task.device, captured.epoch))
        return seconds[True] < seconds[False]

    def _checked(self, compiled: bool) -> Captured:  # noqa: FBT001  # one of two ways, named by the caller
        """A small epoch's graphs, which train as eager PyTorch does. Raises `MismatchError`."""
        made: List[Captured] = []

        def train(net: lenet.Net, images: torch.Tensor, labels: torch.Tensor, passes: int, label: str) -> torch.Tensor:
            one = self._make(compiled, len(labels), label)
            one.restart(net)
            one.images.copy_(lenet.normalised(images))
            one.labels.copy_(labels)
            losses = torch.cat([one.epoch() for _ in range(passes)])
            net.load_state_dict(one.net.state_dict())
            made.append(one)
            return losses

        self.facts["check_difference"] = agrees(self.task.device, self.task.precision, train)
        return made[-1]

    def rehearse(self) -> None:
        self.captured.epoch()

    def start(self) -> None:
        super().start()
        self.captured.restart(self.net.to(self.task.device))
        self.net = self.captured.net

    def load(self) -> None:
        self.captured.images.copy_(lenet.normalised(self.task.train.images.to(self.task.device)))
        self.captured.labels.copy_(self.task.train.labels)

    def epoch(self) -> torch.Tensor:
        self.captured.order.copy_(lenet.draw_order(len(self.task.train.labels)))
        return self.captured.epoch()


class Compiled(resident.Recipe):
    """A CPU: forward and backward by torch.compile, the rest as `resident`."""

    needs_optimiser = True

    def prepare(self) -> None:
        super().prepare()
        device = self.task.device
        with devices.Stopwatch(device) as watch:
            self.compiled_step = torch.compile(_loss)
            blank = torch.zeros(lenet.BATCH, 28, 28, dtype=torch.uint8), torch.zeros(lenet.BATCH, dtype=torch.long)
            for size in (lenet.BATCH, lenet.BATCH // 2):
                images, labels = (part[:size] for part in blank)
                self._train(lenet.Net(), images, labels, 1, self.task.precision)
        self.compile_seconds = watch.seconds
        self.facts["check_difference"] = agrees(device, self.task.precision, self._train)
        self.facts["check_tolerance"] = LOSS_BAR

    def _step(self, net: Any, update: Any, images: torch.Tensor, labels: torch.Tensor, label: str) -> torch.Tensor:
        update.zero_grad()
        with precision.cast(self.task.device, label):
            loss = self.compiled_step(net, images, labels)
        loss.backward()
        update.step()
        return loss.detach()

    def _through(
        self, net: Any, update: Any, data: Tuple[torch.Tensor, torch.Tensor], orders: List[torch.Tensor], label: str
    ) -> torch.Tensor:
        """Steps in an order. Always by a gather: a batch with other strides would be compiled again, in the clock."""
        images, labels = data
        positions = [part for order in orders for part in lenet.batches(order)]
        parts = ((images.index_select(0, part), labels.index_select(0, part)) for part in positions)
        return torch.stack([self._step(net, update, *part, label) for part in parts])

    def _train(
        self, net: lenet.Net, images: torch.Tensor, labels: torch.Tensor, passes: int, label: str
    ) -> torch.Tensor:
        net = net.to(memory_format=resident.layout(self.task.device))
        update = lenet.optimiser(net, **resident.fast_options(self.task.device))
        inputs = lenet.normalised(images).to(memory_format=resident.layout(self.task.device))
        return self._through(net, update, (inputs, labels), [torch.arange(len(labels))] * passes, label)

    def epoch(self) -> torch.Tensor:
        order = lenet.draw_order(len(self.labels))
        return self._through(self.net, self.update, (self.images, self.labels), [order], self.task.precision)


def _loss(net: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(net(images), labels)


class Recipe(BaseRecipe):
    """Chooses the way of the device."""

    def __new__(cls, task: Task) -> Any:
        del cls
        return Compiled(task) if devices.kind(task.device) == "cpu" else Graph(task)

    @staticmethod
    def refusal(device: str) -> Optional[Said]:
        kind = devices.kind(device)
        if kind == "cpu":
            if not hasattr(torch, "compile"):
                return said("no-compile")
            return None if compiler.find() else said("no-compiler")
        return None if recorder(device) is not None else said("no-graphs", kind=kind)
