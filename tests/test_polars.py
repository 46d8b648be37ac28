"""Polars data frames and series work as samples, targets and classes, like NumPy arrays."""

import numpy as np
import polars as pl
import pytest
from agreement import Backend
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from samenet import MLPClassifier, MLPRegressor, data, plot
from samenet.fast.numpy import Network

X = np.random.default_rng(0).standard_normal((30, 3))
Y = (X[:, :1] > 0).astype(float)
FRAME, TARGETS = pl.DataFrame(X, schema=["a", "b", "c"]), pl.DataFrame(Y, schema=["y"])


def test_a_network_takes_frames(backend: Backend) -> None:
    nets = [backend.Network([3, 4, 1], seed=0) for _ in range(2)]
    for net, samples, targets in zip(nets, (X, FRAME), (Y, TARGETS), strict=True):
        net.train(samples, targets, alpha=0.5, epochs=2)
    assert nets[0] == nets[1]
    np.testing.assert_array_equal(nets[0].predict(X), nets[0].predict(FRAME))
    np.testing.assert_array_equal(nets[0].predict(X[0]), nets[0].predict(pl.Series(X[0])))
    assert nets[0].cost(X, Y) == nets[0].cost(FRAME, TARGETS)


@pytest.mark.without_jit
def test_columns_of_several_types_and_what_is_missing() -> None:
    net = Network([3, 1], seed=0)
    mixed = FRAME.with_columns(pl.col("a") > 0, pl.col("b").cast(pl.Float32), pl.col("c").round().cast(pl.Int16))
    assert net.predict(mixed).shape == (30, 1)
    bad = {
        "expected finite numbers, got nan": FRAME.with_columns(c=pl.lit(None)),
        "expected real numbers": FRAME.with_columns(c=pl.lit("x")),
        "expected shape": FRAME.select("a", "b"),
    }
    for said, frame in bad.items():
        with pytest.raises((ValueError, TypeError), match=f"^X: {said}"):
            net.predict(frame)
    with pytest.raises(TypeError, match=r"^X: expected real numbers.*LazyFrame\); use \.collect\(\)"):
        net.predict(FRAME.lazy())


@pytest.mark.without_jit
@pytest.mark.filterwarnings("ignore:.*converge")
def test_estimators_take_frames_and_series() -> None:
    settings = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, "backend": "numpy"}
    labels = np.where(Y[:, 0] > 0, "yes", "no")
    ours = MLPClassifier(**settings).fit(FRAME, pl.Series(labels))
    same = MLPClassifier(**settings).fit(X, labels)
    two = MLPRegressor(**settings).fit(FRAME, FRAME.select("a", "b"))
    pipeline = make_pipeline(StandardScaler().set_output(transform="polars"), MLPClassifier(**settings))
    pipeline.fit(FRAME, labels)
    np.testing.assert_array_equal(ours.predict_proba(FRAME), same.predict_proba(X))
    assert list(ours.feature_names_in_) == list(pipeline[-1].feature_names_in_) == ["a", "b", "c"]
    assert two.predict(FRAME).shape == (30, 2)
    with pytest.raises(ValueError, match="feature names"):
        ours.predict(FRAME.select("b", "a", "c"))


@pytest.mark.without_jit
def test_the_tools_take_frames_and_series() -> None:
    labels = pl.Series([0, 1] * 15)
    parts = data.split(FRAME, labels, seed=0)
    assert [type(part) for part in parts] == [pl.DataFrame, pl.DataFrame, pl.Series, pl.Series]
    assert data.one_hot(labels, 2).shape == (30, 2)
    assert plot.confusion_matrix(labels, labels.to_numpy()).get_title() == "100.0 % right"
    assert len(plot.history({"a": pl.Series([1.0, 2.0])}).lines) == 1
