"""Parts of the article's run, measured alone: the loader without a device, copies and steps without a loader."""

from typing import Any, Dict

import devices
import idx
import lenet
import precision
import samples
import torch
import userdata

WORKERS = 2


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """``probe``: ``input``, ``transfer`` or ``steps``; the seconds of one epoch of it."""
    train, _ = userdata.grey(request.get("data"))
    if request.get("threads"):
        torch.set_num_threads(int(request["threads"]))
    label = precision.enter(request["device"], request.get("precision") or "fp32-default")
    if request["probe"] == "steps":
        seconds = _steps(train, request["device"], label)
    else:
        seconds = {"input": _input, "transfer": _transfer}[request["probe"]](train, request["device"])
    return {"seconds": seconds, "samples": len(train.labels)}


def _steps(train: idx.Split, device: str, label: str) -> float:
    """The script's own steps, the loss read back after each, on batches that are already on the device."""
    lenet.warm_up(device)
    net = lenet.fresh_net(lenet.SEED).to(device)
    update, mixed = lenet.optimiser(net), precision.Mixed(device, label)
    images, labels = lenet.normalised(train.images.to(device)), train.labels.to(device)
    order = lenet.batches(lenet.draw_order(len(labels)).to(device))
    with devices.Stopwatch(device) as watch:
        for part in order:
            lenet.train_step(net, update, images.index_select(0, part), labels.index_select(0, part), mixed).item()
    return watch.seconds


def _input(train: idx.Split, device: str) -> float:
    """The script's DataLoader, its batches thrown away."""
    del device
    transform, _ = samples.choose_transform()
    loader = torch.utils.data.DataLoader(
        samples.Samples(train, transform), batch_size=lenet.BATCH, shuffle=True, num_workers=WORKERS
    )
    with devices.Stopwatch("cpu") as watch:
        for _ in loader:
            pass
    return watch.seconds


def _transfer(train: idx.Split, device: str) -> float:
    """As many copies of a batch, from the pageable memory that a DataLoader gives, as an epoch has steps."""
    batch = torch.zeros(lenet.BATCH, 1, 28, 28), torch.zeros(lenet.BATCH, dtype=torch.long)
    with devices.Stopwatch(device) as watch:
        for _ in range((len(train.labels) + lenet.BATCH - 1) // lenet.BATCH):
            for part in batch:
                part.to(device)
    return watch.seconds
