"""The rows of a batch, for `sampling=` of `Network.train`: by name, or as an object with its own settings.

None         every row once in each epoch, in a new random order unless `shuffle=False`
"adaptive"   rows drawn with probabilities that follow the norms of their gradients, see `AdaptiveSampling`

>>> from samenet.fast.numpy import Network
>>> net = Network([1, 1], weights=[[[0.0]]])
>>> settings = {"alpha": 0.5, "epochs": 9, "batch_size": 2, "seed": 0}
>>> history = net.train([[1], [2], [3]], [[0], [0], [1]], **settings, sampling="adaptive")
"""

from dataclasses import dataclass
from typing import Any, Literal

from samenet.validation import checks


@dataclass(frozen=True)
class AdaptiveSampling:
    """Adaptively weighted descent (AW-SGD): importance sampling whose probabilities are learned during training.

    rate   how fast they are learned, in [0, 1); 0 for uniform draws with replacement
    floor  the share of draws that stay uniform, in (0, 1): no row's gradient is weighted by more than 1 / floor

    An epoch is m draws with replacement, B to a batch. Each of the m rows has a weight w_i = exp(tau_i), which is 1 at
    the start of training. Row i is drawn with probability q_i, and d_s is the weighted gradient of the cost J_s of draw
    s:

        q_i = (1 - floor) w_i / sum w + floor / m
        d_s = dJ_s/dtheta / (m q_s)
        g   = (d_1 + ... + d_B) / B, or for reduction="sum" the sum;  the penalties' gradient is added

    The expectation of g is the gradient over all rows for any q; its variance is least if q_i is proportional to
    ||dJ_i/dtheta||. Each batch moves tau in the direction that reduces the variance, for every draw s, with D a running
    mean of ||d||^2:

        tau_s := tau_s + rate (min(||d_s||^2 / D, 10) - 1),   but w_s no less than floor times the mean weight
        D     := D + B / (B + 100) ((||d_1||^2 + ... + ||d_B||^2) / B - D);   before the first batch, this mean

    The source's step, ||d_s||^2 times the derivative of ln q_s for a softmax q, (e_s - q), changes the tau of all rows.
    Since the mean of ||d_s||^2 q over draws equals that of D e_s, our step has the same mean (apart from the floor),
    but changes only the rows drawn. Divided by D, it does not depend on the scale of the cost. A draw far above the
    mean counts as 10 times the mean, so that no single draw dominates. If a norm is not finite, or all are 0, tau is
    not changed.

    With DropConnect, the norms are those of the gradient with respect to the masked weights m W, before it is
    multiplied by m: the mask of one update says nothing about the importance of a row in the next.

    The recorded costs are those of the whole network on all rows, as without sampling. A draw takes O(log m) time, by a
    tree of sums.
    Source: G. Bouchard, T. Trouillon, J. Perez and A. Gaidon, Online learning to sample (arXiv:1506.09016, 2016),
    algorithm 1; for the norms, I. Goodfellow, Efficient per-example gradient computations (arXiv:1510.01799, 2015).
    """

    rate: float = 0.3
    floor: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", checks.fraction("rate", self.rate))
        floor = checks.number("floor", self.floor)
        if not 0 < floor < 1:
            raise ValueError(f"floor: expected a number between 0 and 1, got {checks.short(self.floor)}")
        object.__setattr__(self, "floor", floor)


SamplingName = Literal["adaptive"]
SAMPLING: dict[SamplingName, type[AdaptiveSampling]] = {"adaptive": AdaptiveSampling}


def sampling(value: Any) -> AdaptiveSampling | None:
    """The object itself, or the one with this name, with default settings; None for None."""
    if value is None or isinstance(value, AdaptiveSampling):
        return value
    return SAMPLING[checks.choice("sampling", value, SAMPLING)]()
