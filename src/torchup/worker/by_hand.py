"""One training step with the gradients written out, in the operations that autograd would call, without its graph.

The same kernels in the same order as `lenet.lean_step` (on a CPU the losses are the same to the last bit), but nothing
is recorded, no graph is walked and the optimiser is its one kernel: steps this small spend a tenth of their time there.
"""

from typing import List, Sequence, Tuple

import lenet
import torch

_aten = torch.ops.aten
_POOL = ([2, 2], [2, 2])  # window, stride
_WHOLE = ([0, 0], [1, 1])  # padding, dilation
_MEAN = 1  # nll_loss's code of its reduction
_TRANSPOSED = False
_ROUND_UP = False  # pooling's ceil_mode


class Step:
    """A network's weights and momenta, and the step that changes them in place. Float32, channels last."""

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        self._weights = [parameter.data for parameter in parameters]
        self._momenta = [
            torch.zeros_like(weight) for weight in self._weights
        ]  # as a first step leaves them: 0.9 * 0 + g
        self._one = torch.ones((), device=self._weights[0].device)

    @torch.no_grad()
    def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Train on images [n, 1, 28, 28] (normalised) and labels [n]; the loss, which stays on the device."""
        loss, gradients = self._gradients(images, labels)
        torch._fused_sgd_(
            self._weights,
            gradients,
            self._momenta,
            weight_decay=0.0,
            momentum=lenet.MOMENTUM,
            lr=lenet.LEARNING_RATE,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
        return loss

    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> Tuple[torch.Tensor, List[torch.Tensor]]:
        w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = self._weights
        wide, first, chosen_first = _block(images, w1, b1)
        narrow, second, chosen_second = _block(first, w2, b2)
        flat = second.flatten(1)
        third = torch.addmm(b3, flat, w3.t()).relu_()
        fourth = torch.addmm(b4, third, w4.t()).relu_()
        scores = torch.log_softmax(torch.addmm(b5, fourth, w5.t()), 1)
        loss, count = _aten.nll_loss_forward.default(scores, labels, None, _MEAN, -100)
        back = _aten.nll_loss_backward.default(self._one, scores, labels, None, _MEAN, -100, count)
        back = _aten._log_softmax_backward_data.default(back, scores, 1, scores.dtype)  # noqa: SLF001  # its only name
        g5, back = (back.t().mm(fourth), back.sum(0)), _through_relu(back.mm(w5), fourth)
        g4, back = (back.t().mm(third), back.sum(0)), _through_relu(back.mm(w4), third)
        g3, back = (back.t().mm(flat), back.sum(0)), _through_relu(back.mm(w3), flat)
        back = _through_pool(back.view(second.shape), narrow, chosen_second)
        back, *g2 = _through_conv(back, first, w2, [True, True, True])
        back = _through_pool(_through_relu(back, first), wide, chosen_first)
        _, *g1 = _through_conv(back, images, w1, [False, True, True])
        return loss, [*g1, *g2, *g3, *g4, *g5]


def _block(inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> Tuple[torch.Tensor, ...]:
    """Convolution, pooling, ReLU (see `lenet.lean_forward`): what is pooled, the result, which of four was taken."""
    convolved = torch.conv2d(inputs, weight, bias)
    pooled, chosen = _aten.max_pool2d_with_indices.default(convolved, *_POOL)
    return convolved, pooled.relu_(), chosen


def _through_relu(back: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    return _aten.threshold_backward.default(back, result, 0)


def _through_pool(back: torch.Tensor, inputs: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    back = back.contiguous(memory_format=torch.channels_last)
    return _aten.max_pool2d_with_indices_backward.default(back, inputs, *_POOL, *_WHOLE, _ROUND_UP, chosen)


def _through_conv(
    back: torch.Tensor, inputs: torch.Tensor, weight: torch.Tensor, wanted: List[bool]
) -> Tuple[torch.Tensor, ...]:
    """Gradients of (inputs, weight, bias), those that are wanted."""
    return _aten.convolution_backward.default(
        back,
        inputs,
        weight,
        [len(weight)],
        [1, 1],
        *_WHOLE,
        _TRANSPOSED,
        [0, 0],
        1,
        wanted,
    )
