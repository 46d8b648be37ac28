"""The class of an answer, by output layer and targets, against plain loops; settings without classes are refused."""

from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.model.functions import ACTIVATIONS
from samenet.training.classification import labels_of

X = np.random.default_rng(0).normal(size=(6, 3))
LABELS = np.array([[0, 0, 0], [1, 0, 1], [1, 1, 1], [0, 1, 0], [0, 0, 1], [1, 1, 0]], float)  # several, one, or none
ONE_HOT = np.eye(3)[[0, 2, 1, 1, 0, 2]]
SOFT = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0, 1, 0], [0.9, 0.1, 0], [0.2, 0.2, 0.6]])
BITS = [[0.0, 0], [0, 1], [1, 0], [1, 1]]


def showing(backend: Backend, activation: str, n: int, **settings: Any) -> Any:
    """A network whose outputs have the same order as its inputs, and are at the threshold for an input of 0."""
    return backend.Network([n, n], activation=activation, weights=[np.eye(n)], **settings)


def make(backend: Backend, activation: str, n_out: int = 3, **settings: Any) -> Any:
    return backend.Network([3, 4, n_out], activation=["tanh", activation], seed=1, **settings)


# ---------------------------------------------------------------------------------------------------- classify


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("activation", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1)])
def test_one_output_is_a_threshold(backend: Backend, activation: str, low: int, high: int, dtype: Any) -> None:
    net = showing(backend, activation, 1, dtype=dtype)
    x = np.array([[-3], [-1e-3], [0], [1e-3], [2], [800], [-800]], dtype)
    expected = [low, low, low, high, high, high, low]
    for labels in ("auto", "one"):
        answer = net.classify(x, labels=labels)
        assert (answer.tolist(), answer.dtype, answer.shape) == (expected, np.int64, (7,))
        one = net.classify(x[4], labels=labels)
        assert (one, np.shape(one), one.dtype) == (high, (), np.int64)
    several = net.classify(x, labels="several")
    assert (several.tolist(), several.dtype) == ([[value] for value in expected], np.int64)
    assert net.classify(x[0], labels="several").tolist() == [low]
    assert net.classify(np.empty((0, 1))).shape == (0,)
    assert net.classify(np.empty((0, 1)), labels="several").shape == (0, 1)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_several_outputs_are_the_largest(backend: Backend, activation: str) -> None:
    net = showing(backend, activation, 3)
    x = [[0.1, 0.2, 0.3], [3, 2, 1], [0, 5, 0], [1, 1, 1], [0, 0, 0]]
    expected = [2, 0, 1, 0, 0]
    answer = net.classify(x, labels="one")
    assert (answer.tolist(), answer.dtype) == (expected, np.int64)
    assert net.classify(x[0], labels="one") == 2
    if activation in ("identity", "relu"):
        for labels in ("auto", "several"):
            with pytest.raises(ValueError, match=f"^labels: expected .*{activation}"):
                net.classify(x, labels=labels)
    else:
        assert net.classify(x).tolist() == expected


@pytest.mark.parametrize("cost", ["squared_error", "sum_of_squares", "binary_cross_entropy"])
def test_several_sigmoids_are_the_largest_unless_each_is_asked_for(backend: Backend, cost: str) -> None:
    net = showing(backend, "sigmoid", 3, cost=cost)
    x = [[3, 2, -1], [-3, -2, -1], [0, 5, 0]]
    assert net.classify(x).tolist() == [0, 2, 1]
    answer = net.classify(x, labels="several")
    assert (answer.tolist(), answer.dtype) == ([[1, 1, 0], [0, 0, 0], [0, 1, 0]], np.int64)
    assert net.classify(x[0], labels="several").tolist() == [1, 1, 0]


def test_several_tanhs_each_by_its_threshold(backend: Backend) -> None:
    assert showing(backend, "tanh", 3).classify([3, 0, -1], labels="several").tolist() == [1, -1, -1]


@pytest.mark.parametrize("activation", ["identity", "relu"])
@pytest.mark.parametrize("labels", ["auto", "one", "several"])
def test_a_number_has_no_class(backend: Backend, activation: str, labels: str) -> None:
    with pytest.raises(ValueError, match=f"^labels: expected .* got '{activation}'"):
        make(backend, activation, 1).classify(X, labels=labels)


@pytest.mark.parametrize(("labels", "error"), [("sevral", ValueError), (None, TypeError), (True, TypeError)])
def test_labels_by_name(backend: Backend, labels: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^labels: expected one of 'auto', 'one', 'several', got"):
        make(backend, "sigmoid").classify(X, labels=labels)


def test_softmax_has_no_several_labels(backend: Backend) -> None:
    with pytest.raises(ValueError, match=r"^labels: expected .*'sigmoid' or 'tanh'.* got 'softmax'"):
        make(backend, "softmax").classify(X, labels="several")


def test_or_is_learnt_and_told(backend: Backend) -> None:
    net = backend.Network([2, 4, 1], cost="binary_cross_entropy", seed=0)
    targets = [[0], [1], [1], [1]]
    history = net.train(BITS, targets, alpha=2.0, epochs=300, monitors=["accuracy"])
    assert net.classify(BITS).tolist() == [0, 1, 1, 1]
    assert history["accuracy"][0] in (0.25, 0.75), "all alike before it has learnt"
    assert history["accuracy"][-1] == 1


# -------------------------------------------------------------------------------------------------- accuracies


def watch(net: Any, Y: Any, *monitors: str) -> list[float]:
    history = net.train(X, Y, alpha=0.1, epochs=1, monitors=monitors)
    return [float(history[name][0]) for name in monitors]


def coded(classes: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.where(classes == 1, high, low)


# An output layer, its targets for classes of 0 and 1, and its threshold.
CODES = [("sigmoid", 0, 1, 0.5), ("sigmoid", 0.1, 0.9, 0.5), ("tanh", -1, 1, 0.0), ("tanh", -0.9, 0.9, 0.0)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("activation", "low", "high", "threshold"), CODES)
@pytest.mark.parametrize("n_out", [1, 3])
def test_each_label_by_its_threshold(
    backend: Backend, activation: str, low: float, high: float, threshold: float, n_out: int, dtype: Any
) -> None:
    seen = set()
    for seed in range(5):
        net = backend.Network([3, 4, n_out], activation=["tanh", activation], seed=seed, bias=False, dtype=dtype)
        h = net.predict(X).tolist()
        right = [[(h[s][i] > threshold) == (LABELS[s, i] == 1) for i in range(n_out)] for s in range(6)]
        subset = sum(all(row) for row in right) / 6
        each = sum(sum(row) for row in right) / (6 * n_out)
        seen.add((subset, each))
        found = watch(net, coded(LABELS[:, :n_out], low, high), "accuracy", "subset_accuracy", "label_accuracy")
        assert found == pytest.approx([subset, subset, each], rel=1e-15)
    assert len(seen) > 1, "something to tell apart"


@pytest.mark.parametrize("Y", [ONE_HOT, coded(ONE_HOT, -1, 1), coded(ONE_HOT, 0.1, 0.9), SOFT], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_class_a_row_is_the_largest(backend: Backend, activation: str, Y: np.ndarray) -> None:
    seen = set()
    for seed in range(4):
        net = backend.Network([3, 4, 3], activation=["tanh", activation], seed=seed, init="normal")
        h = net.predict(X).tolist()
        expected = sum(row.index(max(row)) == list(y).index(max(y)) for row, y in zip(h, Y, strict=True)) / 6
        seen.add(expected)
        assert watch(net, Y, "accuracy") == [expected]
    assert len(seen) > 1, "something to tell apart"


@pytest.mark.parametrize("cost", ["squared_error", "binary_cross_entropy"])
def test_everything_right_is_1_and_classify_agrees(backend: Backend, cost: str) -> None:
    for Y, labels in ((LABELS, "several"), (ONE_HOT, "auto")):
        net = backend.Network([3, 12, 3], activation=["tanh", "sigmoid"], cost=cost, seed=0)
        names = ["accuracy", "subset_accuracy", "label_accuracy"]
        history = net.train(X, Y, epochs=60, optimizer="bfgs", monitors=names)
        assert [history[name][-1] for name in names] == [1, 1, 1]
        expected = Y if labels == "several" else Y.argmax(axis=1)
        assert net.classify(X, labels=labels).tolist() == expected.tolist()


NO_CLASSES = {
    "numbers": np.random.default_rng(1).random((6, 3)),
    "marks": np.array([0.75, 0.82, 0.93, 0.5, 0.4, 0.3]),
    "probabilities": np.array([0.0, 1.0, 0.7, 0.2, 1.0, 0.0]),
    "at the threshold": np.array([0.0, 0.5, 1.0, 0.0, 0.5, 1.0]),
    "three classes": np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0]),
    "two numbers": np.array([0.2, 0.9, 0.9, 0.2, 0.2, 0.9]),
    "one number": np.full(6, 0.9),
    "all at the threshold": np.full(6, 0.5),
    "far away": np.array([-3.0, 4.0, 4.0, -3.0, 4.0, 4.0]),
}
# The output layer, its targets, the monitor, and what the message says.
REFUSED = [
    *[(f, Y, name, "got 'identity'|got 'relu'|one class in every row|regression")
      for f in ("identity", "relu") for Y in (NO_CLASSES["numbers"], NO_CLASSES["marks"], LABELS, LABELS[:, :1])
      for name in ("accuracy", "subset_accuracy")],
    *[(f, Y, name, "as targets of") for f in ("sigmoid", "tanh") for Y in NO_CLASSES.values()
      for name in ("accuracy", "label_accuracy")],
    *[("tanh", Y, name, "-1 and 1 as targets of 'tanh'.* got 0 in Y")
      for Y in (LABELS, LABELS[:, :1]) for name in ("accuracy", "label_accuracy")],
    *[("sigmoid", coded(LABELS, -1, 1), name, "0 and 1 as targets of 'sigmoid'.* got -1 in Y")
      for name in ("accuracy", "label_accuracy")],
    ("softmax", LABELS, "accuracy", r"one class in every row of Y .* got \[0.0, 0.0, 0.0\]"),
    ("softmax", np.where(SOFT == 1, 0.5, SOFT), "accuracy", r"one class in every row"),
    ("softmax", np.array([[0.5, 0.5, 0]] * 6), "accuracy", r"got \[0.5, 0.5, 0.0\]"),
    *[("softmax", ONE_HOT, name, "got 'softmax'") for name in ("subset_accuracy", "label_accuracy")],
    *[("identity", ONE_HOT, name, "got 'identity'") for name in ("subset_accuracy", "label_accuracy")],
]  # fmt: skip


def test_where_accuracy_has_no_meaning_nothing_begins(backend: Backend) -> None:
    for activation, targets, name, words in REFUSED:
        Y = targets.reshape(6, -1)
        net, random = make(backend, activation, Y.shape[1]), np.random.default_rng(0)
        history = net.train(X, Y, alpha=1e-3, epochs=0)
        before = net.parameters.tobytes()
        for epochs in (0, 3):
            settings = {"alpha": 1e-3, "epochs": epochs, "batch_size": 2, "seed": random}
            with pytest.raises(ValueError, match=f"^monitors: expected .*{name}.* got ") as caught:
                net.train(X, Y, monitors=["mean_norm", name], **settings)
            assert len(str(caught.value)) < 300
            caught.match(words)
        assert net.parameters.tobytes() == before
        assert net.history is history
        assert random.random() == np.random.default_rng(0).random()


def test_one_sample(backend: Backend) -> None:
    for activation, y in (("sigmoid", [1.0]), ("sigmoid", [0.0]), ("tanh", [-1.0]), ("sigmoid", [0.0, 0, 0])):
        net = make(backend, activation, len(y))
        right = net.classify(X[0], labels="several").tolist() == y
        assert net.train(X[0], y, alpha=1, epochs=1, monitors="accuracy")["accuracy"].tolist() == [right]


@pytest.mark.parametrize("times", [1, 120])
def test_targets_changed_in_place_are_examined_again(backend: Backend, times: int) -> None:
    net, samples, Y = make(backend, "softmax"), np.tile(X, (times, 1)), np.tile(ONE_HOT, (times, 1))
    for shift in (0, 0, 1, 2):
        Y[:] = np.roll(ONE_HOT, shift, axis=1).repeat(times, axis=0)
        right = (net.classify(samples) == Y.argmax(axis=1)).mean()
        settings: dict[str, Any] = {"monitors": "accuracy", "validation": (samples, Y)}
        history = net.train(samples, Y, alpha=0.1, epochs=1, **settings)
        assert history["accuracy"].tolist() == history["validation_accuracy"].tolist() == [right]
    Y[-1] = 0.2
    with pytest.raises(ValueError, match="one class in every row of Y"):
        net.train(samples, Y, alpha=0.1, epochs=1, monitors="accuracy")


def test_monitors_are_the_same_with_every_optimizer(backend: Backend) -> None:
    for way, settings in (("adam", {"alpha": 0.1, "batch_size": 2}), ("bfgs", {}), ("cg", {})):
        net = make(backend, "sigmoid")
        found: list[float] = []

        def look(network: Any, history: Any, found: list[float] = found) -> None:
            found.append(float((network.classify(X, labels="several") == LABELS).all(axis=1).mean()))

        look(net, None)
        history = net.train(
            X, LABELS, epochs=5, optimizer=way, seed=0, monitors=["subset_accuracy"], callback=look, **settings
        )
        assert history["subset_accuracy"].tolist() == found[:-1]


# ----------------------------------------------------------------------------------------- a softmax of one node


@pytest.mark.parametrize(
    ("sizes", "activation"),
    [
        ([2, 1], "softmax"),
        ([2, 4, 1], "softmax"),
        ([2, 4, 1], ["tanh", "softmax"]),
        ([2, 1, 3], "softmax"),
        ([2, 1, 3], ["softmax", "sigmoid"]),
        ((2, np.int64(1)), ("softmax",)),
    ],
)
@pytest.mark.parametrize("cost", ["squared_error", "cross_entropy"])
def test_a_softmax_of_one_node_is_refused(backend: Backend, sizes: Any, activation: Any, cost: str) -> None:
    with pytest.raises(ValueError, match="^activation: expected at least 2 nodes .* got 1 .* is always 1"):
        backend.Network(sizes, activation=activation, cost=cost)


def test_a_softmax_of_one_input_is_none(backend: Backend) -> None:
    assert backend.Network([1, 2], activation="softmax", seed=0).predict([1.0]).sum() == pytest.approx(1)


def test_every_backend_tells_the_same_classes() -> None:
    for activation in ("sigmoid", "tanh", "softmax"):
        nets = [make(Backend(name), activation) for name in samenet.backends()]
        assert len({str(net.classify(X).tolist()) for net in nets}) == 1


@pytest.mark.parametrize(
    ("activation", "Y", "said"),
    [
        ("relu", [[0.5], [2.0]], "'sigmoid' or 'tanh', whose nodes have a threshold for 'accuracy', got 'relu'"),
        ("relu", [[0.5, 2.0]], "one class in every row of Y with an output layer of 'relu'"),
        ("sigmoid", [[0.5], [0.7]], "0 and 1 as targets of 'sigmoid' for 'accuracy', got 0.5 in Y"),
        ("sigmoid", [[0.5, 0.7]], "0 and 1 as targets of 'sigmoid', or one-hot rows, for 'accuracy', got 0.5 in Y"),
    ],
)
def test_a_refusal_offers_one_hot_rows_where_there_are_several_outputs(
    backend: Backend, activation: str, Y: list[list[float]], said: str
) -> None:
    net = backend.Network([2, len(Y[0])], activation=activation, seed=0)
    with pytest.raises(ValueError, match=f"^monitors: expected .*{said}"):
        net.train(np.zeros((len(Y), 2)), Y, alpha=0.1, epochs=1, monitors=["accuracy"])


def test_outputs_of_an_activation_without_classes_are_numbers() -> None:
    """This holds for every activation not known to have classes, so that a new one does not get them by accident."""
    with pytest.raises(ValueError, match="'one' .* with an output layer of 'softplus'"):
        labels_of("auto", "softplus", 2)
