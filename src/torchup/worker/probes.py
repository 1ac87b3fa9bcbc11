"""Parts of the article's run, measured alone: the loader without a device, copies and steps without a loader."""

import time
from typing import Any, Dict, List, Optional

import budget
import devices
import idx
import lenet
import precision
import samples
import torch
import userdata

WORKERS = 2
LEAST_STEPS = 20


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """``parameters["alone"]``: seconds an epoch of ``input``, ``start``, ``transfer``, ``steps``; of one ``kernel``.

    With a ``budget`` each part does as many whole steps as fit into its third, and is scaled to an epoch.
    """
    train, _ = userdata.grey(request.get("data"))
    if request.get("threads"):
        torch.set_num_threads(int(request["threads"]))
    device, label = request["device"], request.get("precision") or "fp32-default"
    precision.enter(device, label)
    time_left = budget.of(request)
    begin = time.perf_counter()
    alone = {
        **_input(train, time_left.part(1 / 3)),
        "transfer": _transfer(train, device, time_left.part(1 / 2)),
        "steps": _steps(train, device, label, time_left),
        "kernel": _kernel(device),
    }
    return {"seconds": time.perf_counter() - begin, "parameters": {"alone": alone}}


def _steps(train: idx.Split, device: str, label: str, time_left: budget.Budget) -> float:
    """The script's own steps, the loss read back after each, on batches that are already on the device."""
    lenet.warm_up(device)
    net = lenet.fresh_net(lenet.SEED).to(device)
    update, mixed = lenet.optimiser(net), precision.Mixed(device, label)
    images, labels = lenet.normalised(train.images.to(device)), train.labels.to(device)
    order = lenet.batches(lenet.draw_order(len(labels)).to(device))
    done = 0
    with devices.Stopwatch(device) as watch:
        for part in order:
            lenet.train_step(net, update, images.index_select(0, part), labels.index_select(0, part), mixed).item()
            done += 1
            if done >= LEAST_STEPS and time_left.over():
                break
    return watch.seconds * len(order) / done


def _input(train: idx.Split, time_left: budget.Budget) -> Dict[str, float]:
    """The script's DataLoader, its batches thrown away; ``start`` is the wait for the first batch."""
    transform, _ = samples.choose_transform()
    loader = torch.utils.data.DataLoader(
        samples.Samples(train, transform), batch_size=lenet.BATCH, shuffle=True, num_workers=WORKERS
    )
    begin = time.perf_counter()
    arrivals: List[float] = []
    for _ in loader:
        arrivals.append(time.perf_counter() - begin)
        if len(arrivals) >= LEAST_STEPS and time_left.over():
            break
    first, last = arrivals[0], arrivals[-1]
    each = (last - first) / (len(arrivals) - 1) if len(arrivals) > 1 else 0.0
    return {"start": max(0.0, first - each), "input": first + each * (len(loader) - 1)}


def _transfer(train: idx.Split, device: str, time_left: budget.Budget) -> float:
    """As many copies of a batch, from the pageable memory that a DataLoader gives, as an epoch has steps."""
    batch = torch.zeros(lenet.BATCH, 1, 28, 28), torch.zeros(lenet.BATCH, dtype=torch.long)
    steps = (len(train.labels) + lenet.BATCH - 1) // lenet.BATCH
    done = 0
    with devices.Stopwatch(device) as watch:
        while done < steps and not (done >= LEAST_STEPS and time_left.over()):
            for part in batch:
                part.to(device)
            done += 1
    return watch.seconds * steps / done


def _kernel(device: str) -> Optional[float]:
    """Seconds of one dependent kernel of a recorded graph; ``None`` where torch records none."""
    if devices.kind(device) != "cuda":
        return None
    from workloads import launch

    try:
        return launch.in_graph(device, torch.zeros(1, device=device)) / 1e6
    except RuntimeError:
        return None
