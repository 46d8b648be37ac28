"""Sample weights: factors of the samples' costs and gradients in the sums over samples."""

from collections.abc import Sequence


def factors(sample_weight: Sequence[float], reduction: str) -> list[float]:
    """c_s = w_s / sum_t w_t for the mean over the samples of a batch, and w_s for their sum.

    J = sum_s c_s J_s and dJ/dtheta = sum_s c_s dJ_s/dtheta; penalties are added once. If all weights of a batch are 0,
    so are all c_s.

    >>> factors([1.0, 3.0], "mean")
    [0.25, 0.75]
    """
    total = 0.0
    for w in sample_weight:
        total += w
    if reduction == "sum" or total == 0.0:
        return [float(w) for w in sample_weight]
    return [float(w) / total for w in sample_weight]


def weighed(factor: float, values: Sequence[float]) -> list[float]:
    """c v_i; zeros if c is 0, even where v_i is infinite: the sample is left out."""
    return [factor * values[i] if factor != 0.0 else 0.0 for i in range(len(values))]
