"""Which rows a batch is made of: by name, or as an object with settings of its own, for `sampling=` of `Network.train`.

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
    floor  the share of draws that stay uniform, in (0, 1): no row counts for more than 1 / floor rows

    An epoch is m draws with replacement, B to a batch. With a weight w_i = exp(tau_i) for each of the m rows, 1 at the
    start of training, row i is drawn with probability q_i, and d_s is the weighted gradient of the cost J of draw s:

        q_i = (1 - floor) w_i / sum w + floor / m
        d_s = dJ_s/dtheta / (m q_s)
        g   = (d_1 + ... + d_B) / B, or for reduction="sum" the sum;  the penalties' gradient is added

    The expectation of g is the gradient over all rows, whatever q; its variance is least where q_i is proportional to
    ||dJ_i/dtheta||. Each batch moves tau down the variance, for every draw s, with D a running mean of ||d||^2:

        tau_s := tau_s + rate (min(||d_s||^2 / D, 10) - 1),   but w_s no less than floor times the mean weight
        D     := D + B / (B + 100) ((||d_1||^2 + ... + ||d_B||^2) / B - D);   before the first batch, this mean

    The source's step, ||d_s||^2 times the derivative of ln q_s for a softmax q, (e_s - q), changes the tau of all rows.
    As the mean of ||d_s||^2 q over draws is that of D e_s, this step has the same mean (the floor apart), and changes
    only the rows drawn; divided by D, it does not depend on the scale of the cost. A draw far above the mean counts as
    10 times the mean, so that none alone decides. If a norm is not finite, or all are 0, tau stays.

    With DropConnect the norms are of the gradient by the weights in use, m W, before its product with m: which weights
    one update leaves out does not tell what a row is worth in the next.

    The recorded costs are those of the whole network on all rows, as ever. A draw takes O(log m), by a tree of sums.
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
    """The object itself, or the one of this name with default settings; None for None."""
    if value is None or isinstance(value, AdaptiveSampling):
        return value
    return SAMPLING[checks.choice("sampling", value, SAMPLING)]()
