"""Properties of every network, over sizes, batches, scales and dtypes drawn by Hypothesis."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samenet
from samenet.testing import tolerance
from samenet.testing.tolerance import compare

NAMES = samenet.backends()
few = settings(max_examples=25, deadline=None, derandomize=True)
many = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def problems(draw: st.DrawFn, least: int = 0) -> tuple[samenet.Network, np.ndarray, np.ndarray]:
    """A network on the reference, samples and targets."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=2, max_size=5))
    net = samenet.backend("reference").Network(
        sizes,
        init=draw(st.sampled_from(["glorot", "normal", "symmetric_uniform"])),
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from([np.float64, np.float32])),
        seed=draw(st.integers(0, 2**16)),
    )
    net.parameters = net.parameters * draw(st.sampled_from([1.0, 1e-3, 3.0]))
    m = draw(st.integers(least, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    X = random.normal(size=(m, sizes[0])) * draw(st.sampled_from([1.0, 1e-4, 10.0]))
    return net, X, random.random((m, sizes[-1]))


def check(value: Any, reference: Any, allowed: Any, dtype: Any = None) -> None:
    comparison = compare(value, reference, allowed, dtype)
    assert comparison.ok, str(comparison)


@pytest.mark.parametrize("name", NAMES[1:])
@many
@given(problem=problems())
@pytest.mark.uncounted
def test_backends_agree_with_the_reference(name: str, problem: Any) -> None:
    reference, X, Y = problem
    net = reference.on(name)
    allowed = tolerance.forward(reference.model, X)
    for h, truth, bound in zip(net.feed_forward(X), reference.feed_forward(X), allowed, strict=True):
        check(h, truth, bound, net.dtype)
    check(net.predict(X), reference.predict(X), allowed[-1], net.dtype)
    for reduction in ("mean", "sum") if len(X) else ():
        value, slope = net.gradient(X, Y, reduction=reduction)
        truth, true_slope = reference.gradient(X, Y, reduction=reduction)
        cost_bound, bound = tolerance.gradient(reference.model, X, Y, reduction)
        check(value, truth, cost_bound)
        check(slope.flat, true_slope.flat, bound.flat, net.dtype)


@pytest.mark.parametrize("name", NAMES)
@few
@given(problem=problems(least=1))
def test_the_sum_is_so_many_means(name: str, problem: Any) -> None:
    reference, X, Y = problem
    net, m = reference.on(name), len(X)
    total, total_slope = net.gradient(X, Y, reduction="sum")
    mean, mean_slope = net.gradient(X, Y, reduction="mean")
    cost_bound, bound = tolerance.gradient(net.model, X, Y, "sum")
    check(total, m * mean, cost_bound)
    check(total_slope.flat, m * mean_slope.flat, bound.flat)
    check(net.cost(X, Y), mean, cost_bound)


@pytest.mark.parametrize("name", NAMES)
@few
@given(problem=problems())
def test_the_answer_to_a_row_is_the_row_of_the_answer(name: str, problem: Any) -> None:
    reference, X, _ = problem
    net = reference.on(name)
    answer, allowed = net.predict(X), tolerance.forward(net.model, X)[-1]
    assert answer.shape == (len(X), net.sizes[-1])
    for s in range(len(X)):
        check(net.predict(X[s]), answer[s], allowed[s], net.dtype)
    classes = answer.argmax(axis=1) if net.sizes[-1] > 1 else answer[:, 0] > 0.5
    assert net.classify(X).tolist() == classes.tolist()


@pytest.mark.parametrize("name", NAMES)
@few
@given(problem=problems(least=1), seed=st.integers(0, 99))
def test_the_order_of_the_samples_does_not_matter_to_the_gradient(name: str, problem: Any, seed: int) -> None:
    reference, X, Y = problem
    net = reference.on(name)
    order = np.random.default_rng(seed).permutation(len(X))
    value, slope = net.gradient(X, Y)
    shuffled, shuffled_slope = net.gradient(X[order], Y[order])
    cost_bound, bound = tolerance.gradient(net.model, X, Y)
    check(shuffled, value, cost_bound)
    check(shuffled_slope.flat, slope.flat, bound.flat)


@pytest.mark.parametrize("name", NAMES)
@few
@given(problem=problems(least=1))
def test_a_gradient_adds_up_over_parts_of_the_batch(name: str, problem: Any) -> None:
    reference, X, Y = problem
    net = reference.on(name)
    value, slope = net.gradient(X, Y, reduction="sum")
    parts = [net.gradient(X[s : s + 2], Y[s : s + 2], reduction="sum") for s in range(0, len(X), 2)]
    cost_bound, bound = tolerance.gradient(net.model, X, Y, "sum")
    check(sum(part[0] for part in parts), value, cost_bound)
    check(np.sum([part[1].flat.astype(float) for part in parts], axis=0), slope.flat, bound.flat)


@pytest.mark.parametrize("name", NAMES)
@few
@given(problem=problems())
def test_values_survive_every_way_to_carry_them(name: str, problem: Any) -> None:
    reference, X, _ = problem
    net = reference.on(name)
    assert net.copy() == net == reference
    assert net.on("reference") == reference
    other = type(net)(net.sizes, bias=net.bias, dtype=net.dtype, seed=0)
    other.parameters = net.parameters
    assert other == net
    assert other.predict(X).tobytes() == net.predict(X).tobytes()
    again = type(net)(net.sizes, bias=net.bias, dtype=net.dtype, weights=net.weights, biases=net.biases)
    assert again == net


@pytest.mark.parametrize("name", NAMES)
@few
@given(problem=problems(least=1), size=st.integers(1, 10), seed=st.integers(0, 99))
def test_training_stays_finite_and_repeats(name: str, problem: Any, size: int, seed: int) -> None:
    reference, X, Y = problem
    nets = [reference.on(name) for _ in range(2)]
    for net in nets:
        net.train(X, Y, alpha=0.5, epochs=2, batch_size=size, seed=seed)
    assert nets[0] == nets[1]
    assert np.isfinite(nets[0].parameters).all()
