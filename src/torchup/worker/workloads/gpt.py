"""`gpt`: training steps of a GPT-2 with 124 million parameters on made-up tokens: tokens a second and MFU."""

from typing import Any, Dict

import budget
import devices
import measure
import steps
import texts
import torch
from said import SaidError, said
from torch import nn
from torch.nn import functional

LAYERS, HEADS, WIDTH, CONTEXT, VOCABULARY = 12, 12, 768, 1024, 50304  # GPT-2 small; the vocabulary padded to 64s
BATCHES = {"cuda": 8, "xpu": 4, "mps": 2, "cpu": 1}
CPU_CONTEXT = 256  # a CPU needs minutes for a step of the full length
SECONDS = 60.0


class Attention(nn.Module):
    """Causal self-attention by torch's fused kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.outward = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        batch, length, _ = hidden.shape
        parts = self.inward(hidden).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
        return self.outward(mixed.transpose(1, 2).reshape(batch, length, WIDTH))


class Layer(nn.Module):
    """Attention and a feed-forward net, each after a norm and around a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2, self.attention = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH), Attention()
        self.feed = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU("tanh"), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = hidden + self.attention(self.norm1(hidden))
        return hidden + self.feed(self.norm2(hidden))


class Gpt(nn.Module):
    """GPT-2 small; the output shares the embedding's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.layers, self.norm = nn.Sequential(*(Layer() for _ in range(LAYERS))), nn.LayerNorm(WIDTH)
        for table in (self.tokens, self.places):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        hidden = self.norm(self.layers(self.tokens(tokens) + self.places(places)))
        return functional.linear(hidden, self.tokens.weight)


def flops_per_token(parameters: int, context: int) -> float:
    """Model FLOP of training on one token: 6 a parameter, and 12 x layers x width x context for attention.

    Source: PaLM, arXiv 2204.02311, appendix B.
    """
    return 6.0 * parameters + 12.0 * LAYERS * WIDTH * context


def made_up(batch: int, context: int) -> torch.Tensor:
    """Random tokens."""
    return torch.randint(0, VOCABULARY, (batch, context + 1))


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Steps of AdamW; tokens a second. The share of the peak (MFU) is the result's ``limit.share``."""
    device, mixed = request["device"], measure.begin(request)
    if not hasattr(functional, "scaled_dot_product_attention"):
        raise SaidError("old-attention")
    asked = int(request.get("batch") or BATCHES[devices.kind(device)])
    context = int(request.get("size") or (CPU_CONTEXT if devices.kind(device) == "cpu" else CONTEXT))
    if context > CONTEXT:
        raise SaidError("long-context", asked=context, most=CONTEXT)
    torch.manual_seed(int(request.get("seed") or 0))
    net = Gpt().to(device)
    update = torch.optim.AdamW(net.parameters(), lr=3e-4)
    text = texts.read(request["data"], context) if request.get("data") else None

    def train(batch: int, number: int) -> torch.Tensor:
        tokens = texts.batch(text, batch, context, number) if text is not None else made_up(batch, context)
        tokens = tokens.to(device)
        update.zero_grad()
        with mixed.forward():
            logits = net(tokens[:, :-1])
            loss = functional.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())
        mixed.scaled(loss).backward()
        mixed.update(update)
        return loss.detach()

    batch = measure.fitting(asked, lambda batch: train(batch, 0))
    notes = [] if text is not None else [said("tokens")]
    notes += [said("batch-halved", batch=batch, asked=asked)] if batch < asked else []

    def step(number: int) -> torch.Tensor:
        return train(batch, number)

    devices.reset_peak_memory(device)
    taken = steps.timed(device, step, budget.of(request), SECONDS)
    seconds = taken.seconds
    memory, counted = devices.peak_memory(device)
    parameters = sum(p.numel() for p in net.parameters())
    return steps.answer(
        taken, {"tokens_per_second": batch * context / measure.middle(seconds), "final_loss": taken.losses[-1]},
        seconds=sum(seconds), samples=batch * context * len(seconds), peak_memory_bytes=memory,
        flops=flops_per_token(parameters, context) * batch * context * len(seconds),
        parameters={"batch": batch, "context": context, "steps": len(seconds), "parameters": parameters,
                    "synthetic": text is None, "peak_memory_counted": counted, "threads": torch.get_num_threads()},
        notes=notes,
    )  # fmt: skip
