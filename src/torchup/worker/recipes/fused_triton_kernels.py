"""The training of lenet.py as Triton kernels: what one program does for a sample, and for a tile of the parameters.

A step has two halves, like the C++ loop of fused_cpu.cpp. In the first a program takes one sample through forward and
backward; it leaves the sample's loss, its partial gradients of the convolutions, and the activations and gradients of
the linear layers. In the second a program owns a tile of the parameters: it sums their gradients over the whole batch,
in a fixed order and without atomics, and applies momentum and step at once.

`samples_kernel` and `update_kernel` are the halves, one launch each. `epoch_kernel` is a whole epoch in one launch: the
halves take turns, with a barrier of the whole grid between them. Programs of one grid share nothing but global memory;
inside a program, what one stage stores and the next one reads in another order goes through `scratch`, with a barrier
of the program's threads between them.

Tensors (float32 unless said): weights and momenta [44426], in the order of Net.parameters(); images uint8 [n, 784];
labels and order int64 [n]; table [256], a byte's normalised value; rows [BATCH, ROW]; partials [BATCH, CONV]; scratch
[BATCH, SCRATCH]; chosen int32 [BATCH, CHOSEN]; sample_losses [BATCH]; losses, one a step; step int32 [1], counted on
the device.
"""

import triton
import triton.language as tl

# Where a parameter starts in `weights`: convolutions, then linear layers, each with its bias behind it.
W1, B1, W2, B2 = tl.constexpr(0), tl.constexpr(150), tl.constexpr(156), tl.constexpr(2556)
W3, B3, W4, B4 = tl.constexpr(2572), tl.constexpr(33292), tl.constexpr(33412), tl.constexpr(43492)
W5, B5 = tl.constexpr(43576), tl.constexpr(44416)
CONV = tl.constexpr(2572)  # parameters of both convolutions
# A sample's row: input of each linear layer, then gradient of its output; 120 and 84 are padded to 128 with zeros.
X0, X1, X2 = tl.constexpr(0), tl.constexpr(256), tl.constexpr(384)
D1, D2, D3 = tl.constexpr(512), tl.constexpr(640), tl.constexpr(768)
ROW = tl.constexpr(784)
# A program's scratch: normalised image, first pooled maps, their gradient by tap, gradients at both pools.
POOLED, COLUMNS, DX0, DPOOLED = tl.constexpr(784), tl.constexpr(1648), tl.constexpr(13936), tl.constexpr(14192)
SCRATCH = tl.constexpr(15056)
CHOSEN = tl.constexpr(864)  # where the winners of the first pool start in the image
# Tiles of the second half: 16 x 32 weights of a linear layer (64, 24 and 3 tiles), or 64 of the convolutions' (41).
TILES_2, TILES_3, TILES_4, TILES = tl.constexpr(64), tl.constexpr(88), tl.constexpr(91), tl.constexpr(132)
PATIENCE = tl.constexpr(4000000)  # polls of the grid's barrier, seconds; a step takes microseconds
GIVEN_UP = tl.constexpr(1 << 30)  # no epoch counts that far


@triton.jit
def _dense(weights, bias, x, N: tl.constexpr, K: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr):
    """``W x + b`` for W [N, K] and x [COLS] in registers, zero from K on; [ROWS], zero from N on."""
    row, col = tl.arange(0, ROWS), tl.arange(0, COLS)
    inside = (row < N)[:, None] & (col < K)[None, :]
    w = tl.load(weights + row[:, None] * K + col[None, :], mask=inside, other=0.0)
    return tl.sum(w * x[None, :], axis=1) + tl.load(bias + row, mask=row < N, other=0.0)


@triton.jit
def _dense_back(weights, d, N: tl.constexpr, K: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr):
    """``W^T d`` for W [N, K] and d [ROWS] in registers; [COLS]."""
    row, col = tl.arange(0, ROWS), tl.arange(0, COLS)
    inside = (row < N)[:, None] & (col < K)[None, :]
    w = tl.load(weights + row[:, None] * K + col[None, :], mask=inside, other=0.0)
    return tl.sum(w * d[:, None], axis=0)


@triton.jit
def _first_linear(weights, rows):
    """The layer of 256 inputs, which come from the sample's row: 64 columns at a time, so that they fit registers."""
    row = tl.arange(0, 128)
    total = tl.zeros((128, 64), tl.float32)
    for at in tl.static_range(0, 256, 64):
        col = at + tl.arange(0, 64)
        w = tl.load(weights + W3 + row[:, None] * 256 + col[None, :], mask=(row < 120)[:, None], other=0.0)
        total += w * tl.load(rows + X0 + col)[None, :]
    return tl.sum(total, axis=1) + tl.load(weights + B3 + row, mask=row < 120, other=0.0)


@triton.jit
def _first_linear_back(weights, d, scratch):
    """Gradient of those 256 inputs, into the scratch."""
    row = tl.arange(0, 128)
    for at in tl.static_range(0, 256, 64):
        col = at + tl.arange(0, 64)
        w = tl.load(weights + W3 + row[:, None] * 256 + col[None, :], mask=(row < 120)[:, None], other=0.0)
        tl.store(scratch + DX0 + col, tl.sum(w * d[:, None], axis=0))


@triton.jit
def _conv1_pool(weights, scratch, channel, corner, inside):
    """First convolution and pool: the largest of four sums [8, 256], and where its window starts in the image.

    A pooled position needs a patch of 6 x 6 pixels; each pixel is read once and serves the four sums it belongs to.
    """
    real = (channel < 6)[:, None]
    filters = weights + W1 + channel[:, None] * 25
    upper_left = tl.zeros((8, 256), tl.float32) + tl.load(weights + B1 + channel[:, None], mask=real, other=0.0)
    upper_right, lower_left, lower_right = upper_left, upper_left, upper_left
    for dy in tl.static_range(6):
        for dx in tl.static_range(6):
            x = tl.load(scratch + corner + dy * 28 + dx, mask=inside, other=0.0)[None, :]
            if dy < 5:
                if dx < 5:
                    upper_left += tl.load(filters + dy * 5 + dx, mask=real, other=0.0) * x
                if dx > 0:
                    upper_right += tl.load(filters + dy * 5 + dx - 1, mask=real, other=0.0) * x
            if dy > 0:
                if dx < 5:
                    lower_left += tl.load(filters + dy * 5 + dx - 5, mask=real, other=0.0) * x
                if dx > 0:
                    lower_right += tl.load(filters + dy * 5 + dx - 6, mask=real, other=0.0) * x
    best = tl.maximum(tl.maximum(upper_left, upper_right), tl.maximum(lower_left, lower_right))
    lower = tl.where(lower_left == best, 28, 29)  # of equal ones the first wins, as in PyTorch
    start = tl.where(upper_left == best, 0, tl.where(upper_right == best, 1, lower))
    return best, start + corner[None, :]


@triton.jit
def _conv2(weights, scratch, window, out, tap, PRECISION: tl.constexpr):
    """Second convolution, [16 channels, 4 quadrants of a pool x 16 pooled positions]: a product for each input map."""
    total = tl.zeros((16, 64), tl.float32) + tl.load(weights + B2 + out)[:, None]
    for c in range(6):
        w = tl.load(weights + W2 + out[:, None] * 150 + c * 25 + tap[None, :], mask=(tap < 25)[None, :], other=0.0)
        x = tl.load(scratch + POOLED + c * 144 + window, mask=(tap < 25)[:, None], other=0.0)
        total = tl.dot(w, x, total, input_precision=PRECISION)
    return total


@triton.jit
def _conv2_back(weights, scratch, partials, d, y, x, out, tap, PRECISION: tl.constexpr):
    """Weight gradients of the second convolution, and what each tap passes back: COLUMNS, [6, 32 taps, 8 x 8]."""
    offset = (tap // 5 * 12 + tap % 5)[None, :] + (y * 12 + x)[:, None]
    for c in range(6):
        patches = tl.load(scratch + POOLED + c * 144 + offset, mask=(tap < 25)[None, :], other=0.0)
        gradient = tl.dot(d, patches, input_precision=PRECISION)
        place = out[:, None] * 150 + c * 25 + tap[None, :]
        tl.store(partials + W2 + place, gradient, mask=(tap < 25)[None, :])
        w = tl.load(weights + W2 + out[None, :] * 150 + c * 25 + tap[:, None], mask=(tap < 25)[:, None], other=0.0)
        column = tl.dot(w, d, input_precision=PRECISION)
        tl.store(scratch + COLUMNS + c * 2048 + tap[:, None] * 64 + (y * 8 + x)[None, :], column)


@triton.jit
def _gather_columns(scratch, channel, place, kept):
    """Gradient of the first pooled maps [8, 256]: every position collects the taps that touched it, in one order."""
    y, x = place // 12, place % 12
    at = channel[:, None] * 2048 + (y * 8 + x)[None, :]
    total = tl.zeros((8, 256), tl.float32)
    for ky in tl.static_range(5):
        row = kept & ((y >= ky) & (y < ky + 8))[None, :]
        for kx in tl.static_range(5):
            mask = row & ((x >= kx) & (x < kx + 8))[None, :]
            total += tl.load(scratch + COLUMNS + (ky * 5 + kx) * 64 - ky * 8 - kx + at, mask=mask, other=0.0)
    return total


@triton.jit
def _conv1_back(scratch, chosen, partials, tap):
    """Weight gradients of the first convolution: only the winners of the pool count, each with its own window."""
    pixel = tap // 5 * 28 + tap % 5
    for o in range(6):
        total = tl.zeros((16, 32), tl.float32)
        for part in tl.static_range(9):
            at = o * 144 + part * 16 + tl.arange(0, 16)
            d = tl.load(scratch + DPOOLED + at)
            start = tl.load(chosen + at)
            x = tl.load(scratch + start[:, None] + pixel[None, :], mask=(tap < 25)[None, :], other=0.0)
            total += d[:, None] * x
        tl.store(partials + W1 + o * 25 + tap, tl.sum(total, axis=0), mask=tap < 25)


@triton.jit
def _linear_layers(weights, rows, scratch, label, size):
    """Linear layers and cross entropy, forward and back; leaves inputs and gradients in the row. The sample's loss."""
    x1 = tl.maximum(_first_linear(weights, rows), 0.0)
    x2 = tl.maximum(_dense(weights + W4, weights + B4, x1, 84, 120, 128, 128), 0.0)
    row = tl.arange(0, 16)
    z = tl.where(row < 10, _dense(weights + W5, weights + B5, x2, 10, 84, 16, 128), float("-inf"))
    z = z - tl.max(z, axis=0)
    power = tl.exp(z)
    total = tl.sum(power, axis=0)
    d3 = (power / total - tl.where(row == label, 1.0, 0.0)) / size
    loss = tl.log(total) - tl.sum(tl.where(row == label, z, 0.0), axis=0)
    d2 = tl.where(x2 > 0, _dense_back(weights + W5, d3, 10, 84, 16, 128), 0.0)
    d1 = tl.where(x1 > 0, _dense_back(weights + W4, d2, 84, 120, 128, 128), 0.0)
    wide = tl.arange(0, 128)
    tl.store(rows + X1 + wide, x1)
    tl.store(rows + X2 + wide, x2)
    tl.store(rows + D1 + wide, d1)
    tl.store(rows + D2 + wide, d2)
    tl.store(rows + D3 + row, d3)
    _first_linear_back(weights, d1, scratch)
    return loss


@triton.jit
def _train_sample(
    slot, step, size, images, labels, order, table, weights, rows, partials, scratch, chosen, sample_losses,
    BATCH: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Forward and backward of the sample in a slot of the batch of ``size``; the gradients are those of the mean."""
    rows += slot * ROW
    partials += slot * CONV
    scratch += slot * SCRATCH
    chosen += slot * CHOSEN
    index = tl.load(order + step * BATCH + slot)
    pixel = tl.arange(0, 1024)
    byte = tl.load(images + index * 784 + pixel, mask=pixel < 784, other=0).to(tl.int32)
    tl.store(scratch + pixel, tl.load(table + byte), mask=pixel < 784)
    tl.debug_barrier()

    place, channel = tl.arange(0, 256), tl.arange(0, 8)
    inside = place < 144
    best1, start = _conv1_pool(weights, scratch, channel, place // 12 * 56 + place % 12 * 2, inside)
    map1 = channel[:, None] * 144 + place[None, :]
    kept = (channel < 6)[:, None] & inside[None, :]
    tl.store(scratch + POOLED + map1, tl.maximum(best1, 0.0), mask=kept)
    tl.store(chosen + map1, start, mask=kept)
    tl.debug_barrier()

    out, tap, spot = tl.arange(0, 16), tl.arange(0, 32), tl.arange(0, 64)
    quadrant, position = spot // 16, spot % 16
    y, x = position // 4 * 2 + quadrant // 2, position % 4 * 2 + quadrant % 2
    window = (tap // 5 * 12 + tap % 5)[:, None] + (y * 12 + x)[None, :]
    cube = tl.reshape(_conv2(weights, scratch, window, out, tap, PRECISION), (16, 4, 16))
    best2 = tl.max(cube, axis=1)
    corners = tl.arange(0, 4)[None, :, None]
    winner = tl.min(tl.where(cube == best2[:, None, :], corners, 4), axis=1)  # of equal ones the first
    map2 = out[:, None] * 16 + tl.arange(0, 16)[None, :]
    tl.store(rows + X0 + map2, tl.maximum(best2, 0.0))
    tl.debug_barrier()

    loss = _linear_layers(weights, rows, scratch, tl.load(labels + index).to(tl.int32), size)
    tl.store(sample_losses + slot, loss)
    tl.debug_barrier()

    d = tl.where(best2 > 0, tl.load(scratch + DX0 + map2), 0.0)
    tl.store(partials + B2 + out, tl.sum(d, axis=1))
    d = tl.reshape(tl.where(winner[:, None, :] == corners, d[:, None, :], 0.0), (16, 64))
    _conv2_back(weights, scratch, partials, d, y, x, out, tap, PRECISION)
    tl.debug_barrier()

    d = tl.where(best1 > 0, _gather_columns(scratch, channel, place, kept), 0.0)
    tl.store(partials + B1 + channel, tl.sum(d, axis=1), mask=channel < 6)
    tl.store(scratch + DPOOLED + map1, d, mask=kept)
    tl.debug_barrier()
    _conv1_back(scratch, chosen, partials, tap)


@triton.jit
def _apply(weights, momenta, at, gradient, mask, rate, momentum):
    """SGD with momentum on the parameters at ``at``, as torch.optim.SGD orders it."""
    speed = momentum * tl.load(momenta + at, mask=mask, other=0.0) + gradient
    tl.store(momenta + at, speed, mask=mask)
    tl.store(weights + at, tl.load(weights + at, mask=mask, other=0.0) - rate * speed, mask=mask)


@triton.jit
def _update_linear(
    tile, size, rows, weights, momenta, rate, momentum,
    X: tl.constexpr, D: tl.constexpr, W: tl.constexpr, B: tl.constexpr, N: tl.constexpr, K: tl.constexpr,
    BATCH: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """16 x 32 weights of a layer [N, K]: gradients of outputs times inputs, over the batch; and the biases, once."""
    across: tl.constexpr = (K + 31) // 32
    row, col = tile // across * 16 + tl.arange(0, 16), tile % across * 32 + tl.arange(0, 32)
    sample = tl.arange(0, BATCH)
    d = tl.load(rows + D + sample[None, :] * ROW + row[:, None], mask=(sample < size)[None, :], other=0.0)
    x = tl.load(rows + X + sample[:, None] * ROW + col[None, :], mask=(sample < size)[:, None], other=0.0)
    gradient = tl.dot(d, x, input_precision=PRECISION)
    inside = (row < N)[:, None] & (col < K)[None, :]
    _apply(weights + W, momenta + W, row[:, None] * K + col[None, :], gradient, inside, rate, momentum)
    first = (row < N) & (tile % across == 0)
    _apply(weights + B, momenta + B, row, tl.sum(d, axis=1), first, rate, momentum)


@triton.jit
def _update_conv(tile, size, partials, weights, momenta, rate, momentum, BATCH: tl.constexpr):
    """64 parameters of the convolutions: the sum of the samples' gradients."""
    at, sample = tile * 64 + tl.arange(0, 64), tl.arange(0, BATCH)
    mask = (sample < size)[:, None] & (at < CONV)[None, :]
    gradient = tl.load(partials + sample[:, None] * CONV + at[None, :], mask=mask, other=0.0)
    _apply(weights, momenta, at, tl.sum(gradient, axis=0), at < CONV, rate, momentum)


@triton.jit
def _update_tile(
    tile, step, size, rows, partials, sample_losses, losses, weights, momenta, rate, momentum,
    BATCH: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The second half of a step for one tile; the last one also writes the step's loss."""
    if tile < TILES_2:
        _update_linear(tile, size, rows, weights, momenta, rate, momentum, X0, D1, W3, B3, 120, 256, BATCH, PRECISION)
    elif tile < TILES_3:
        at = tile - TILES_2
        _update_linear(at, size, rows, weights, momenta, rate, momentum, X1, D2, W4, B4, 84, 120, BATCH, PRECISION)
    elif tile < TILES_4:
        at = tile - TILES_3
        _update_linear(at, size, rows, weights, momenta, rate, momentum, X2, D3, W5, B5, 10, 84, BATCH, PRECISION)
    else:
        _update_conv(tile - TILES_4, size, partials, weights, momenta, rate, momentum, BATCH)
    if tile == TILES - 1:
        sample = tl.arange(0, BATCH)
        total = tl.sum(tl.load(sample_losses + sample, mask=sample < size, other=0.0), axis=0)
        tl.store(losses + step, total / size)


@triton.jit(do_not_specialize=["size"])
def samples_kernel(
    images, labels, order, table, weights, rows, partials, scratch, chosen, sample_losses, step, size,
    BATCH: tl.constexpr, CONV_PRECISION: tl.constexpr,
):  # fmt: skip
    """First half of a step; grid: ``size`` programs."""
    _train_sample(
        tl.program_id(0), tl.load(step), size, images, labels, order, table, weights, rows, partials, scratch, chosen,
        sample_losses, BATCH, CONV_PRECISION,
    )  # fmt: skip


@triton.jit(do_not_specialize=["size"])
def update_kernel(
    rows, partials, sample_losses, losses, weights, momenta, step, size, rate, momentum,
    BATCH: tl.constexpr, LINEAR_PRECISION: tl.constexpr,
):  # fmt: skip
    """Second half of a step; grid: TILES programs; the last one counts the step."""
    tile = tl.program_id(0)
    now = tl.load(step)
    _update_tile(
        tile, now, size, rows, partials, sample_losses, losses, weights, momenta, rate, momentum, BATCH,
        LINEAR_PRECISION,
    )  # fmt: skip
    if tile == TILES - 1:
        tl.store(step, now + 1)


@triton.jit
def _grid_barrier(arrived, expected):
    """Wait until ``expected`` arrivals were counted. Patience ends: then everybody gives up, and the count says so."""
    tl.debug_barrier()
    seen = tl.atomic_add(arrived, 1, sem="acq_rel") + 1
    polls = 0
    while seen < expected:
        seen = tl.atomic_add(arrived, 0, sem="acquire")
        polls += 1
        if polls == PATIENCE:
            tl.atomic_max(arrived, GIVEN_UP)
    tl.debug_barrier()


@triton.jit(do_not_specialize=["samples", "steps"])
def epoch_kernel(
    images, labels, order, table, weights, momenta, rows, partials, scratch, chosen, sample_losses, losses, arrived,
    samples, steps, rate, momentum,
    BATCH: tl.constexpr, CONV_PRECISION: tl.constexpr, LINEAR_PRECISION: tl.constexpr,
):  # fmt: skip
    """A whole epoch; every program of the grid must be resident at once. ``arrived`` int32 [1] starts at zero."""
    program, programs = tl.program_id(0), tl.num_programs(0)
    for step in range(steps):
        size = tl.minimum(samples - step * BATCH, BATCH)
        for first in range(0, size, programs):
            slot = first + program
            if slot < size:
                _train_sample(
                    slot, step, size, images, labels, order, table, weights, rows, partials, scratch, chosen,
                    sample_losses, BATCH, CONV_PRECISION,
                )  # fmt: skip
        _grid_barrier(arrived, (2 * step + 1) * programs)
        for first in range(0, TILES, programs):
            tile = first + program
            if tile < TILES:
                _update_tile(
                    tile, step, size, rows, partials, sample_losses, losses, weights, momenta, rate, momentum, BATCH,
                    LINEAR_PRECISION,
                )  # fmt: skip
        _grid_barrier(arrived, (2 * step + 2) * programs)
