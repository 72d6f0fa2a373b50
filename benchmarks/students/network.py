"""A student with a network: words, one layer of gated recurrent units, and a softmax that gives rare words fewer weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from statistics import fmean

import torch
from torch import Tensor, nn

from benchmarks.students.finding import Tokens
from benchmarks.students.ngrams import LONGEST
from benchmarks.students.vocabulary import END

WIDTH = 192
RANKS = (1_000, 4_000)
"""Words up to the first have weights of full width, up to the second a quarter of it, the others a sixteenth."""
ROWS, SPAN = 32, 64
"""Texts that are read side by side, and words between two steps of the optimiser."""
RATE, WARM = 4e-3, 100
"""Of learning, and steps until it is reached; then it falls to nothing."""
WRITERS = 256
"""Texts that are written side by side."""


class Network:
    """Reads texts, then writes texts like them. On the GPU where there is one.

    Args:
        texts: Numbers of the tokens of each text, the end included, the most frequent words first.
        size: Numbers there are.
        epochs: How often the texts are read.
        seed: The same seed starts with the same weights and reads in the same order.

    Attributes:
        loss: Mean surprise at a word in the last epoch, in nats.
    """

    def __init__(self, texts: Sequence[Tokens], size: int, epochs: int, seed: int) -> None:
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._words = nn.Embedding(size, WIDTH)
        self._memory = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self._dropout = nn.Dropout(0.1)
        self._choice = nn.AdaptiveLogSoftmaxWithLoss(WIDTH, size, [rank for rank in RANKS if rank < size] or [size // 2])
        self._weights = nn.ModuleList([self._words, self._memory, self._choice]).to(self._device)
        self.loss = self._train(texts, epochs, Random(seed))

    def texts(self, seed: int) -> Iterator[list[int]]:
        """Texts without end. The same seed gives the same texts."""
        torch.manual_seed(seed)
        token = torch.full((WRITERS, 1), END, device=self._device)
        writing: list[list[int]] = [[] for _ in range(WRITERS)]
        state = None
        while True:
            token, state = self._write(token, state)
            for row, number in enumerate(token[:, 0].tolist()):
                if number != END and len(writing[row]) < LONGEST:
                    writing[row].append(number)
                elif writing[row]:
                    yield writing[row]
                    writing[row] = []

    def _train(self, texts: Sequence[Tokens], epochs: int, rng: Random) -> float:
        steps = sum(map(len, texts)) // (ROWS * SPAN) * epochs + 1
        optimiser = torch.optim.AdamW(self._weights.parameters(), lr=RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / WARM) * (1 - step / (steps + 1)))
        losses: list[float] = []
        for _ in range(epochs):
            state, losses = None, []
            for given, following in self._batches(texts, rng):
                loss, state = self._surprise(given, following, state)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self._weights.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
        return fmean(losses)

    def _batches(self, texts: Sequence[Tokens], rng: Random) -> Iterator[tuple[Tensor, Tensor]]:
        order = rng.sample(range(len(texts)), len(texts))
        if sum(map(len, texts)) < ROWS * SPAN:
            raise ValueError(f"the training text has fewer than {ROWS * SPAN:,} words: give more of it with --words or --text")
        stream = torch.tensor([number for place in order for number in texts[place]], device=self._device)
        rows = stream[: len(stream) // (ROWS * SPAN) * ROWS * SPAN].view(ROWS, -1)
        for start in range(0, rows.shape[1], SPAN):
            following = rows[:, start : start + SPAN]
            before = rows[:, start - 1 : start] if start else torch.full((ROWS, 1), END, device=self._device)
            yield torch.cat([before, following[:, :-1]], dim=1), following

    def _surprise(self, given: Tensor, following: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """The mean surprise at the following words, in nats, and what is remembered."""
        seen, state = self._memory(self._words(given), state)
        return self._choice(self._dropout(seen).reshape(-1, WIDTH), following.reshape(-1)).loss, state.detach()

    @torch.no_grad()
    def _write(self, token: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """One more word of every row, and what is remembered."""
        seen, state = self._memory(self._words(token), state)
        last, starts = seen[:, -1], self._choice.cutoffs
        drawn = _draw(self._choice.head(last))
        ranks = drawn - starts[0]  # below 0 for a word of the head, else the number of a tail
        for number, tail in enumerate(self._choice.tail):
            if (here := ranks == number).any():
                drawn[here] = starts[number] + _draw(tail(last[here]))
        return drawn[:, None], state


def _draw(scores: Tensor) -> Tensor:
    return torch.multinomial(scores.softmax(dim=1), 1)[:, 0]
