"""`fused` on a CPU: one C++ loop for forward, backward and update, compiled on the spot (fused_cpu.cpp)."""

import ctypes
import tempfile
from pathlib import Path
from typing import Any, List, Optional

import compiler
import devices
import lenet
import sweep
import torch
from said import Said, said

from recipes.base import BaseRecipe
from recipes.check import agrees

SOURCE = Path(__file__).with_name("fused_cpu.cpp")
SWEEP_STEPS = 24


class Kernel:
    """The compiled library, and what its calls need."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="torchup-")  # lives as long as the library is used
        self._library = ctypes.CDLL(compiler.build(SOURCE, self._folder.name))
        self.lanes = int(self._library.torchup_lanes())
        self.most_threads = lenet.BATCH // self.lanes
        # Pixels normalised by the same operations as every other recipe's: the values are bit-identical.
        self._table = lenet.normalised(torch.arange(256, dtype=torch.uint8).view(1, 16, 16)).flatten().contiguous()

    def train(
        self,
        weights: List[torch.Tensor],
        momenta: List[torch.Tensor],
        *,
        images: torch.Tensor,
        labels: torch.Tensor,
        order: torch.Tensor,
        threads: int,
    ) -> torch.Tensor:
        """Train once through ``order``, weights and momenta in place; the per-step losses.

        Shapes: weights and momenta as in ``Net.parameters()`` (float32), images uint8 [n, 28, 28], labels and order
        int64; all on the CPU and contiguous.
        """
        for tensor in (*weights, *momenta, images, labels, order):
            if not tensor.is_contiguous() or tensor.device.type != "cpu":
                raise ValueError("the kernel takes contiguous tensors on the CPU")
        if int(order.max()) >= len(images) or images.shape[1:] != (28, 28) or images.dtype != torch.uint8:
            raise ValueError("images or order do not fit the kernel")
        losses = torch.empty((len(order) + lenet.BATCH - 1) // lenet.BATCH)
        done = self._library.torchup_train(
            _pointers(weights),
            _pointers(momenta),
            *(ctypes.c_void_p(t.data_ptr()) for t in (images, labels, self._table, order)),
            ctypes.c_int64(len(order)),
            ctypes.c_int(lenet.BATCH),
            ctypes.c_float(lenet.LEARNING_RATE),
            ctypes.c_float(lenet.MOMENTUM),
            ctypes.c_int(threads),
            ctypes.c_void_p(losses.data_ptr()),
        )
        if done != 0:
            raise ValueError("the kernel refused its arguments")
        return losses


def _pointers(tensors: List[torch.Tensor]) -> Any:
    return (ctypes.c_void_p * len(tensors))(*[tensor.data_ptr() for tensor in tensors])


def refusal() -> Optional[Said]:
    """Why this cannot run here."""
    return None if compiler.find() else said("no-compiler")


class Recipe(BaseRecipe):
    """The C++ loop."""

    def prepare(self) -> None:
        with devices.Stopwatch("cpu") as watch:
            self.kernel = Kernel()
        self.compile_seconds = watch.seconds
        self.facts["check_difference"] = agrees("cpu", self.task.precision, self._check)
        self.threads = self.task.threads or self._sweep()
        self.threads = min(self.threads, self.kernel.most_threads)
        self.facts.update(threads=self.threads, lanes=self.kernel.lanes)

    def _check(
        self, net: lenet.Net, images: torch.Tensor, labels: torch.Tensor, passes: int, label: str
    ) -> torch.Tensor:
        """As many threads as will be tried, so that what is between them is checked too."""
        del label
        weights = [p.data for p in net.parameters()]
        threads = min(torch.get_num_threads(), self.kernel.most_threads)
        order, momenta = torch.arange(len(labels)), _zeros(weights)
        data = {"images": images, "labels": labels, "order": order}
        losses = [self.kernel.train(weights, momenta, threads=threads, **data) for _ in range(passes)]
        return torch.cat(losses)

    def _sweep(self) -> int:
        weights = [torch.zeros_like(p) for p in lenet.Net().parameters()]
        images = self.task.train.images[: SWEEP_STEPS * lenet.BATCH].contiguous()
        labels = self.task.train.labels[: len(images)].contiguous()
        momenta, order = _zeros(weights), torch.arange(len(images))
        most = min(torch.get_num_threads(), self.kernel.most_threads)

        def train(threads: int) -> None:
            self.kernel.train(weights, momenta, images=images, labels=labels, order=order, threads=threads)

        seconds = sweep.fastest(train, most)
        self.facts["thread_sweep"] = {str(count): value for count, value in seconds.items()}
        return sweep.choose(seconds)

    def rehearse(self) -> None:
        self._rehearse_small()

    def start(self) -> None:
        super().start()
        self.weights = [p.data for p in self.net.parameters()]
        self.momenta = _zeros(self.weights)

    def load(self) -> None:
        self.images, self.labels = self.task.train.images.contiguous(), self.task.train.labels.contiguous()

    def epoch(self) -> torch.Tensor:
        order = lenet.draw_order(len(self.labels))
        return self.kernel.train(
            self.weights,
            self.momenta,
            images=self.images,
            labels=self.labels,
            order=order,
            threads=self.threads,
        )


def _zeros(tensors: List[torch.Tensor]) -> List[torch.Tensor]:
    return [torch.zeros_like(tensor) for tensor in tensors]
