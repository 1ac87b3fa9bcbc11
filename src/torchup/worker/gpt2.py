"""GPT-2's network and one training step's work, for measuring: made-up tokens, nothing is downloaded or learnt.

Architecture: A. Radford et al., Language Models are Unsupervised Multitask Learners, 2019: pre-norm blocks, learnt
positions, GELU (tanh), output weights tied to the embedding.
"""

from typing import Any, Dict, NamedTuple

import torch
from torch import nn
from torch.nn import functional


class Size(NamedTuple):
    """Hyper-parameters of one network."""

    layers: int
    heads: int
    width: int
    context: int
    vocabulary: int


SIZES: Dict[str, Size] = {
    "124m": Size(layers=12, heads=12, width=768, context=1024, vocabulary=50257),
    "tiny": Size(layers=2, heads=2, width=32, context=64, vocabulary=256),  # for tests
}
LEARNING_RATE = 6e-4
BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.1


class Block(nn.Module):
    """Attention and two linear layers, each added to what it was given. [batch, time, width] to the same."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.norm_1, self.norm_2 = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.qkv = nn.Linear(size.width, 3 * size.width)
        self.out = nn.Linear(size.width, size.width)
        self.up = nn.Linear(size.width, 4 * size.width)
        self.down = nn.Linear(4 * size.width, size.width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        batch, time, width = hidden.shape
        parts = self.qkv(self.norm_1(hidden)).split(width, dim=2)
        query, key, value = (part.view(batch, time, self.heads, -1).transpose(1, 2) for part in parts)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        hidden = hidden + self.out(mixed.transpose(1, 2).reshape(batch, time, width))
        return hidden + self.down(functional.gelu(self.up(self.norm_2(hidden)), approximate="tanh"))


class Gpt(nn.Module):
    """Tokens [batch, time] to logits [batch, time, vocabulary]."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.tokens = nn.Embedding(size.vocabulary, size.width)
        self.positions = nn.Embedding(size.context, size.width)
        self.blocks = nn.Sequential(*(Block(size) for _ in range(size.layers)))
        self.norm = nn.LayerNorm(size.width)
        self.apply(_initial)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        hidden = self.norm(self.blocks(self.tokens(tokens) + self.positions(places)))
        return functional.linear(hidden, self.tokens.weight)


def _initial(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def fresh(size: Size, seed: int) -> Gpt:
    """The network with the seed's weights, on the CPU."""
    torch.manual_seed(seed)
    return Gpt(size)


def optimiser(net: nn.Module, **options: Any) -> torch.optim.Optimizer:
    """AdamW as GPT-2's reproductions use it."""
    return torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, betas=BETAS, weight_decay=WEIGHT_DECAY, **options)


def loss(net: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy of predicting each next token; ``tokens`` [batch, time + 1]."""
    logits = net(tokens[:, :-1])
    return functional.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())


def made_up_tokens(size: Size, sequences: int, length: int, seed: int) -> torch.Tensor:
    """[sequences, length + 1] random tokens, the same for a seed on every device."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(size.vocabulary, (sequences, length + 1), generator=generator)


def parameters(size: Size) -> int:
    """Trained numbers without the position embedding: 124 million less 0.8 for the standard network."""
    block = 12 * size.width**2 + 13 * size.width
    return size.vocabulary * size.width + size.layers * block + 2 * size.width
