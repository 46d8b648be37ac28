"""Users' input: data frames, labels to stratify by, other libraries' names, `~`, other people's files."""

import gzip
import inspect
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
import sklearn.model_selection

import samenet
from samenet import data, examples, optimizers
from samenet.__main__ import main
from samenet.backends import MODULES, known_backends
from samenet.model.functions import ACTIVATIONS, COSTS
from samenet.training.classification import LABELS
from samenet.training.monitors import MONITORS
from samenet.validation.names import nearest
from samenet.validation.not_offered import NOT_OFFERED as NOT_OFFERED_ANYWHERE

ON_NUMPY = True  # what is given no backend

RANDOM = np.random.default_rng(0)


def frame(m: int = 60) -> tuple[pd.DataFrame, pd.Series]:
    """Columns of several kinds, a non-default index, and three classes of unequal size."""
    columns = {"a": np.arange(m, dtype=float), "b": np.arange(m) * 2, "c": list("xy" * (m // 2))}
    index = [f"row{i}" for i in range(m)]
    labels = np.array(["cat", "dog", "cow"])[np.r_[np.zeros(m // 2, int), np.ones(m // 3, int), np.full(m // 6, 2)]]
    return pd.DataFrame(columns, index=index), pd.Series(labels, index=index, name="kind", dtype="category")


# ------------------------------------------------------------------------------------------------------------ splits


def test_frames_stay_frames() -> None:
    X, y = frame()
    two, three = data.split(X, y, seed=3), data.three_way_split(X, y, seed=3)
    assert [type(part) for part in two] == [pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]
    assert [type(part) for part in three] == [pd.DataFrame, pd.Series] * 3
    for rows, labels in ((two.X_train, two.y_train), (two.X_test, two.y_test), three[:2], three[2:4], three[4:]):
        assert rows.index.equals(labels.index)
        assert rows.equals(X.loc[rows.index])
        assert labels.equals(y.loc[rows.index])
        assert labels.name == "kind"
        assert (rows.dtypes == X.dtypes).all()
    arrays = data.split(X.to_numpy(), y.to_numpy(), seed=3)
    assert np.array_equal(arrays.X_test, two.X_test.to_numpy()), "the same rows"
    mixed = data.split(X.to_numpy(), y, seed=3)
    assert [type(part) for part in mixed] == [np.ndarray, np.ndarray, pd.Series, pd.Series]
    two.X_test.iloc[0, 0] = -1
    assert X.iloc[:, 0].min() == 0, "a copy"


@pytest.mark.parametrize("seed", [0, 7, np.int64(11)])
@pytest.mark.parametrize("kind", ["series", "array", "list", "one hot", "ints"])
def test_stratified_is_scikit_learns(seed: int, kind: str) -> None:
    X, y = frame()
    codes = y.cat.codes.to_numpy().astype(int)
    kinds = {"series": y, "array": y.to_numpy(), "list": y.tolist(), "one hot": data.one_hot(codes), "ints": codes}
    labels = kinds[kind]
    expected = sklearn.model_selection.train_test_split(
        X, labels, test_size=0.4, random_state=int(seed), stratify=labels
    )
    parts = data.split(X, labels, seed=seed, stratify=labels)
    assert parts.X_train.equals(expected[0])
    assert parts.X_test.equals(expected[1])
    assert np.array_equal(np.asarray(parts.y_train), np.asarray(expected[2]))
    assert Counter(y.loc[parts.X_test.index]) == {"cat": 12, "dog": 8, "cow": 4}


def test_three_parts_have_the_same_shares() -> None:
    X, y = frame()
    parts = data.three_way_split(X, y, seed=0, stratify=y)
    assert Counter(parts.y_train) == {"cat": 18, "dog": 12, "cow": 6}
    assert Counter(parts.y_valid) == Counter(parts.y_test) == {"cat": 6, "dog": 4, "cow": 2}
    assert sorted([*parts.X_train.index, *parts.X_valid.index, *parts.X_test.index]) == sorted(X.index)
    test = data.split(X, y, seed=0, test_size=0.2, stratify=y).X_test
    assert parts.X_test.equals(test), "the test part is that of split"


def test_labels_of_any_kind_are_stratified_by() -> None:
    labels = [None, "a", 3] * 10  # of no order
    parts = data.split(np.arange(30), np.arange(30), seed=0, stratify=labels)
    assert Counter(labels[i] for i in parts.y_test) == {None: 4, "a": 4, 3: 4}


@pytest.mark.parametrize("cut", [lambda X, y, **how: data.split(X, y, **how), data.three_way_split])
@pytest.mark.parametrize(
    ("stratify", "error", "message"),
    [
        (True, TypeError, "as stratify=y, got True"),
        ("y", TypeError, "as stratify=y, got 'y'"),
        (3, TypeError, "stratify: expected"),
        ([0, 1], ValueError, r"a label for each of 12 rows, got shape \(2,\)"),
        (np.zeros((12, 2, 2)), ValueError, "a label for each of 12 rows"),
        ([0] * 11 + [1], ValueError, "at least two rows of every class, got one of 1"),
        (list(range(6)) * 2, ValueError, "got 6 classes for parts of"),
        ([[0], [0, 1]] * 6, ValueError, "stratify: expected rows of equal length"),
        ([0, np.nan] * 6, ValueError, "a label for each row, got nan"),
        ([[0, 1], [np.nan, 1]] * 6, ValueError, "a label for each row, got nan"),
        (pd.array([1, None] * 6, dtype="Int64"), ValueError, "a label for each row, got nan"),
    ],
)
def test_what_stratify_refuses(cut: Any, stratify: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^stratify: .*{message.removeprefix('stratify: ')}"):
        cut(np.zeros((12, 2)), np.zeros(12), test_size=0.25, seed=0, stratify=stratify)


@pytest.mark.parametrize("cut", [data.split, data.three_way_split])
@pytest.mark.parametrize("value", [None, 3, "rows", {"a": 1}, np.array(3)])
def test_what_has_no_rows_is_refused_by_its_name(cut: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="^X: expected rows to split, got"):
        cut(value, np.zeros(12), seed=0)
    with pytest.raises(ValueError, match="^y: expected rows to split, got"):
        cut(np.zeros((12, 2)), value, seed=0)


# ----------------------------------------------------------------------------------------------------------- scalers


@pytest.mark.parametrize("make", [data.standard_scaler, data.max_scaler])
def test_scalers_take_frames_without_a_warning(make: Any) -> None:
    X = pd.DataFrame(RANDOM.normal(size=(20, 3)), columns=["a", "b", "c"])
    values = X.to_numpy()
    expected = make(values).transform(values)
    for fitted, given in [(X, X), (X, values), (values, X), (X, values.tolist()), (X, X.to_numpy()[:, :])]:
        scaler = make(fitted)
        assert np.array_equal(scaler.transform(given), expected)
        assert np.allclose(scaler.inverse_transform(scaler.transform(given)), values)
    numbered = pd.DataFrame(values)  # columns of numbers are no names
    assert np.array_equal(make(X).transform(numbered), expected)
    scaler = make(X)
    for columns, word in [(["b", "a", "c"], "in the order"), (["a", "b", "d"], "the columns")]:
        for way in (scaler.transform, scaler.inverse_transform):
            with pytest.raises(ValueError, match=rf"^X: expected .*{word} \['a', 'b', 'c'\], got \['{columns[0]}'"):
                way(X.set_axis(columns, axis=1))


def test_the_constant_scaler_takes_frames() -> None:
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    for scaler in (data.constant_scaler(2), data.constant_scaler(2).fit(X)):
        assert scaler.transform(X).tolist() == [[0.5, 1.5], [1, 2]]
        assert scaler.transform(X.to_numpy()).tolist() == [[0.5, 1.5], [1, 2]]
        assert scaler.inverse_transform(X).tolist() == [[2, 6], [4, 8]]


# ------------------------------------------------------------------------------------------------------------- names

TYPED = {
    "activation": {
        "identity": ["linear", "Linear", "none", "id", None],
        "sigmoid": ["logistic", "Sigmoid", "sigmod", "expit"],
        "relu": ["ReLU", "rectifier"],
        "tanh": ["Tanh", "hyperbolic_tangent", np.tanh],
        "softmax": ["Softmax", "softargmax"],
    },
    "cost": {
        "squared_error": ["mse", "MSELoss", "mean_squared_error", "squared-error", "quadratic"],
        "sum_of_squares": ["sse", "SSE"],
        "binary_cross_entropy": ["bce", "BCELoss", "binary_crossentropy", "log_loss", "BCEWithLogitsLoss"],
        "cross_entropy": ["categorical_crossentropy", "CrossEntropyLoss", "nll", "sparse_categorical_crossentropy"],
    },
    "optimizer": {
        "descent": ["sgd", "SGD", "gd", "gradient_descent"],
        "rmsprop": ["rms_prop", "RMSprop"],
        "adam": ["Adam", "adm"],
        "nesterov": ["nag"],
        "lbfgs": ["l-bfgs", "L-BFGS-B"],
        "cg": ["conjugate_gradient"],
        "momentum": ["heavy_ball"],
    },
    "init": {
        "glorot": ["xavier", "glorot_uniform", "Xavier"],
        "he_normal": ["he", "He", "kaiming", "kaiming_normal", "he_init"],
        "he_uniform": ["kaiming_uniform_", "HeUniform"],
        "lecun_normal": ["lecun", "variance_scaling", "LecunNormal"],
        "lecun_uniform": ["lecun-uniform"],
        "uniform": ["random"],
        "normal": ["randn", "gaussian"],
    },
    "reduction": {"mean": ["average", "avg", "men"], "sum": ["total"]},
    "monitors": {
        "accuracy": ["acc", "val_accuracy"],
        "mean_absolute_error": ["mae"],
        "label_accuracy": ["hamming"],
        "subset_accuracy": ["exact_match"],
    },
    "sampling": {"adaptive": ["importance", "AW-SGD", "Adaptive"]},
    "solver": {"sgd": ["SGD", "descent", "momentum"], "adam": ["ADAM"], "lbfgs": ["l-bfgs"]},
    "learning_rate": {"invscaling": ["inverse_scaling"], "adaptive": ["ReduceLROnPlateau"], "constant": ["fixed"]},
    "measure": {"cost": ["loss"], "sum_of_squared_errors": ["sse"], "mean_absolute_error": ["mae"]},
    "rule": {"slope": ["gradient"], "sign": ["direction"]},
    "train_many": {"alpha": ["learning_rate", "lr"], "validation": ["validation_data"], "epochs": ["max_iter"]},
    "labels": {"one": ["argmax"], "several": ["multilabel", "several "], "auto": [None]},
    "backend": {
        "reference": ["python", "loops"],
        "numpy": ["np", "NumPy"],
        "numba": ["jit", "Numba"],
        "torch": ["cuda"],
    },
}


NOT_OFFERED = {
    "activation": {
        "relu": {"leaky_relu": "leaky ReLU", "ELU": "ELU", "gelu": "GELU", "swish": "swish", "SiLU": "swish"},
        "tanh": {"hardtanh": "hard tanh"},
        "softmax": {"log_softmax": "log softmax"},
    },
    "cost": {
        "squared_error": {"mae": "mean absolute error", "L1Loss": "mean absolute error", "huber": "the Huber loss"},
        "binary_cross_entropy": {"hinge": "the hinge loss", "HingeLoss": "the hinge loss"},
        "cross_entropy": {"KLDivLoss": "the Kullback-Leibler divergence"},
    },
    "optimizer": {
        "rmsprop": {"adagrad": "AdaGrad", "Adadelta": "Adadelta"},
        "adam": {"AdamW": "AdamW", "nadam": "Nadam", "lion": "Lion"},
        "bfgs": {"lm": "the Levenberg-Marquardt method", "Nelder-Mead": "a method without gradients"},
    },
    "init": {
        "glorot": {
            "xavier_normal_": "a normal distribution with Glorot's variance",
            "orthogonal": "an orthogonal matrix",
        },
        "small_normal": {"zeros": "a start from zeros, from which hidden nodes stay alike,"},
    },
    "reduction": {"mean": {"none": "a cost for each sample"}},
    "monitors": {"accuracy": {"f1": "F1, precision, recall or AUC"}, "mean_absolute_error": {"r2_score": "R2"}},
    "measure": {"sum_of_squared_errors": {"mse": "the mean squared error"}},
    "solver": {"adam": {"adagrad": "AdaGrad", "RMSprop": "RMSProp", "adamw": "AdamW"}},
    "backend": {"numba": {"c": "a backend in C"}},
}


def use(argument: str, value: Any) -> None:
    net = samenet.backend("numpy").Network([2, 1], seed=0)
    X, Y = [[0.0, 1.0]], [[1.0]]
    if argument in ("activation", "init"):
        samenet.backend("numpy").Network([2, 1], **{argument: value})
    elif argument == "labels":
        net.classify(X, labels=value)
    elif argument == "backend":
        net.on(value)
    elif argument in ("solver", "learning_rate"):
        samenet.MLPRegressor(**{"solver": "sgd", argument: value}).fit([[0.0], [1.0]], [0.0, 1.0])
    elif argument == "measure":
        samenet.error_surface(net, X, Y, [(0, 0, 0)], [0.0], measure=value)
    elif argument == "rule":
        samenet.downhill(lambda x: x, 0.0, alpha=0.1, rule=value)
    elif argument == "train_many":
        samenet.train_many([net], X, Y, **{value: 1})
    elif argument in ("cost", "reduction"):
        for call in (net.cost, net.gradient):
            with pytest.raises((ValueError, TypeError), match="did you mean|is not offered, the nearest is"):
                call(X, Y, **{argument: value})
        net.train(X, Y, alpha=1.0, epochs=1, **{argument: value})
    else:
        net.train(X, Y, alpha=1.0, epochs=1, **{argument: [value] if argument == "monitors" else value})


@pytest.mark.parametrize(
    ("argument", "value", "ours"),
    [
        (argument, value, ours)
        for argument, meant in TYPED.items()
        for ours, values in meant.items()
        for value in values
    ],
)
def test_names_of_other_libraries_get_the_nearest(argument: str, value: Any, ours: str) -> None:
    kind = ValueError if isinstance(value, str) else TypeError
    with pytest.raises(kind, match=rf"^{argument}: expected one of .*; did you mean '{ours}'\?$"):
        use(argument, value)


@pytest.mark.parametrize(
    ("argument", "value", "what", "near"),
    [
        (argument, value, what, near)
        for argument, kinds in NOT_OFFERED.items()
        for near, values in kinds.items()
        for value, what in values.items()
    ],
)
def test_what_others_have_and_samenet_does_not(argument: str, value: str, what: str, near: str) -> None:
    with pytest.raises(ValueError, match=rf"^{argument}: expected one of .*; {what} is not offered, the nearest is"):
        use(argument, value)
    with pytest.raises(ValueError, match=f"'{near}'$"):
        use(argument, value)


@pytest.mark.parametrize(
    ("argument", "value", "meant"),
    [
        ("stop", "patience", "stopping.Patience"),
        ("stop", ["EarlyStopping"], "stopping.Patience"),
        ("stop", "cost_change", "stopping.CostChange"),
        ("alpha", "cosine", "schedules.Cosine"),
        ("alpha", "StepLR", "schedules.StepDecay"),
    ],
)
def test_names_of_what_is_an_object_here(argument: str, value: Any, meant: str) -> None:
    net = samenet.backend("numpy").Network([2, 1], seed=0)
    with pytest.raises(TypeError, match=rf"^{argument}: expected .*; did you mean samenet\.{meant}\?$"):
        net.train([[0.0, 1.0]], [[1.0]], **{"alpha": 1.0, "epochs": 1, argument: value})
    for unknown in ("zzzz", ""):
        with pytest.raises(TypeError, match=f"^{argument}: expected [^;]*$"):
            net.train([[0.0, 1.0]], [[1.0]], **{"alpha": 1.0, "epochs": 1, argument: unknown})


def test_names_that_mean_nothing_get_no_guess() -> None:
    for value in ("zzzz", "", "?", 5, object(), ["relu"], len):
        assert nearest(value, ACTIVATIONS) is None
        assert nearest(value, COSTS) is None
    for value in ([], (), 1j, np.zeros(3), np.float64(1), b"numpy"):
        assert nearest(value, MODULES) is None
    assert nearest("loss", MONITORS) is None, "which is recorded anyway, and is no mean absolute error"


def test_every_synonym_leads_to_a_name_that_exists() -> None:
    from samenet.estimators.settings import SCHEDULES, SOLVERS
    from samenet.model.functions import REDUCTIONS
    from samenet.model.initialize import SCHEMES
    from samenet.training.adaptive_sampling import SAMPLING
    from samenet.validation import names

    measures = {"cost", "mean_absolute_error", "sum_of_squared_errors", "slope", "sign"}
    known = {*ACTIVATIONS, *COSTS, *REDUCTIONS, *optimizers.OPTIMIZERS, *SCHEMES, *MONITORS, *LABELS, *known_backends()}
    known |= measures | {*SOLVERS, *SCHEDULES, *SAMPLING} | {*inspect.signature(samenet.Network.train).parameters}
    assert {name for name in names._ELSEWHERE if name[0].islower()} <= known
    for name in set(names._ELSEWHERE) - known:
        assert hasattr(samenet.stopping, name) or hasattr(samenet.schedules, name)
    for ours, words in names._ELSEWHERE.items():
        assert all(word == names._plain(word) for word in words.split()), ours
        assert len(set(words.split())) == len(words.split()), ours
    for what, words, near in NOT_OFFERED_ANYWHERE:
        assert set(near.split()) <= known, what
        assert all(word == names._plain(word) for word in words.split()), what
        same = {word for name in near.split() for word in names._ELSEWHERE.get(name, "").split()}
        assert not same & set(words.split()), f"{what}: what is not offered is no synonym"


def test_hidden_layers_may_have_every_activation_by_every_door() -> None:
    """Except softmax, which the command line and the estimators use only in the output layer."""
    from samenet.cli import train
    from samenet.estimators import settings

    assert {*train._ACTIVATIONS} == {*settings.ACTIVATIONS.values()} == {*ACTIVATIONS} - {"softmax"}


def test_what_is_offered_is_not_called_not_offered() -> None:
    """Unless another list lacks it: RMSProp is an optimizer, but not a solver of the estimators."""
    from samenet.estimators.settings import SOLVERS
    from samenet.model.initialize import SCHEMES
    from samenet.validation import names

    for what, words, near in NOT_OFFERED_ANYWHERE:
        lists = [{*one} for one in (ACTIVATIONS, COSTS, optimizers.OPTIMIZERS, SCHEMES, SOLVERS)]
        offered = [{names._plain(name) for name in one} for one in lists if one & {*near.split()}]
        assert not offered or not {*words.split()} & set.intersection(*offered), f"{what} is offered: {words}"


@pytest.mark.parametrize("typed", ["eleven_lines", "11lines", "11_lines", "11-line"])
def test_names_of_examples(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"^name: .*did you mean '11-lines'\?$"):
        examples.find(typed)
    assert main(["examples", typed]) == 2
    assert "did you mean '11-lines'?" in capsys.readouterr().err


def test_an_experiments_number_leads_to_its_example() -> None:
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        examples.find("B07")


@pytest.mark.parametrize("arguments", [["compare", "--backends", "np"], ["examples", "11-lines", "--backend", "np"]])
def test_names_of_backends_on_the_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    names = ", ".join(map(repr, known_backends()))
    assert f"invalid choice: 'np' (choose from {names}); did you mean 'numpy'?" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------- files


def idx(values: Any) -> bytes:
    array = np.asarray(values, np.uint8)
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def fill(folder: Path, dataset: str = "mnist", top: int = 10, packed: bool = False) -> list[np.ndarray]:
    """The four files of a set, with invented contents; returns the contents."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = [(12, 28, 28), (12,), (4, 28, 28), (4,)]
    contents = [RANDOM.integers(0, 256 if len(shape) == 3 else top, shape).astype(np.uint8) for shape in shapes]
    test, before = ("t10k", "") if dataset == "mnist" else ("test", f"{dataset}-")
    names = [
        f"{before}{part}-{kind}" for part in ("train", test) for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    ]
    for name, values in zip(names, contents, strict=True):
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(values)))
        else:
            (folder / name).write_bytes(idx(values))
    return contents


@pytest.fixture(autouse=True)
def nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any, **settings: Any) -> Any:
        raise AssertionError("a test must not download")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", refuse)
    monkeypatch.delenv("SAMENET_DATA", raising=False)


SETS = {
    "mnist": 10,
    "emnist-digits": 10,
    "emnist-mnist": 10,
    "emnist-letters": 27,
    "emnist-balanced": 47,
    "emnist-bymerge": 47,
    "emnist-byclass": 62,
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dataset", SETS)
def test_emnist_by_its_file_names(tmp_path: Path, dataset: str, packed: bool) -> None:
    images, labels, test_images, test_labels = fill(tmp_path, dataset, SETS[dataset], packed)
    for parts in (data.mnist(tmp_path), data.mnist(tmp_path, dataset=dataset)):
        assert np.array_equal(np.concatenate([parts.X_train, parts.X_valid]), images.reshape(12, 784) / 255)
        assert np.array_equal(np.concatenate([parts.y_train, parts.y_valid]), labels)
        assert np.array_equal(parts.X_test, test_images.reshape(4, 784) / 255)
        assert np.array_equal(parts.y_test, test_labels)
    turned = data.mnist(tmp_path, transposed=True, scale=1)
    assert np.array_equal(turned.X_test.reshape(4, 28, 28)[1], test_images[1].T)
    assert np.array_equal(turned.X_train.reshape(10, 28, 28)[3], images[3].T)
    assert np.array_equal(turned.y_test, test_labels)
    assert turned.X_test.flags.c_contiguous


@pytest.mark.parametrize("dataset", SETS)
def test_labels_that_a_set_does_not_have(tmp_path: Path, dataset: str) -> None:
    fill(tmp_path, dataset)
    name = next(path for path in tmp_path.iterdir() if "train-labels" in path.name)
    name.write_bytes(idx([*range(11), SETS[dataset]]))
    with pytest.raises(ValueError, match=rf"labels-idx1.*from 0 to {SETS[dataset] - 1}, got {SETS[dataset]}"):
        data.mnist(tmp_path)


def test_several_sets_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "emnist-letters")
    digits = fill(tmp_path, "emnist-digits")
    with pytest.raises(ValueError, match=r"^dataset: expected one of emnist-digits, emnist-letters, .*got None"):
        data.mnist(tmp_path)
    assert np.array_equal(data.mnist(tmp_path, dataset="emnist-digits").y_test, digits[3])
    monkeypatch.setenv("SAMENET_DATA", str(tmp_path))
    assert np.array_equal(data.mnist(dataset="emnist-digits").y_test, digits[3])
    with pytest.raises(AssertionError, match="must not download"):
        data.mnist()  # letters are no MNIST, if nobody asked for them
    with pytest.raises(FileNotFoundError, match="^source: expected a folder with the four files of emnist-byclass"):
        data.mnist(dataset="emnist-byclass")
    own = fill(tmp_path, "mnist")
    assert np.array_equal(data.mnist(tmp_path).y_test, own[3]), "MNIST's own come first"
    with pytest.raises(FileNotFoundError, match="four files of emnist-byclass in .*emnist-byclass-test-labels-idx1"):
        data.mnist(tmp_path, dataset="emnist-byclass")
    with pytest.raises(ValueError, match="^dataset: .*did you mean 'emnist-letters'"):
        data.mnist(tmp_path, dataset="letters")
    with pytest.raises(TypeError, match="^transposed: expected True or False"):
        data.mnist(tmp_path, transposed=1)  # type: ignore[arg-type]


class Trap:
    """A pickled object that executes code when it is read."""

    def __reduce__(self) -> Any:
        return open, (str(Path(__file__).parent / "trap"), "w")


@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_is_refused_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int) -> None:
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(Trap(), protocol)))
    reason = "a pickle, which is not read: unpickling runs whatever code it holds"
    with pytest.raises(ValueError, match=rf"^source: expected the folder .*mnist\.pkl\.gz \({reason}\)"):
        data.mnist(path)
    with pytest.raises(FileNotFoundError, match=rf"^source: expected the four files .*mnist\.pkl\.gz is {reason}"):
        data.mnist(tmp_path)
    monkeypatch.setenv("SAMENET_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=reason):  # rather than a download in silence
        data.mnist()
    with pytest.raises(ValueError, match=rf"mnist\.pkl\.gz: expected an IDX file.*{reason}"):
        data.read_idx(path)
    assert not (Path(__file__).parent / "trap").exists()
    own = fill(tmp_path / "mnist")
    assert np.array_equal(data.mnist().y_test, own[3])
    with pytest.raises(ValueError, match="^source: expected the folder"):
        data.mnist(tmp_path / "mnist" / "train-images-idx3-ubyte")


def test_a_home_in_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    own = fill(tmp_path / "data" / "mnist")
    assert np.array_equal(data.mnist("~/data/mnist").y_test, own[3])
    assert np.array_equal(data.mnist(Path("~/data/mnist")).y_test, own[3])
    assert np.array_equal(data.read_idx("~/data/mnist/t10k-labels-idx1-ubyte"), own[3])
    for home in ("~/data", "~/data/mnist"):
        monkeypatch.setenv("SAMENET_DATA", home)
        assert np.array_equal(data.mnist().y_test, own[3])


@pytest.mark.compiled
def test_a_home_on_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "samenet", "examples", "sigmoid", "--backend", "numpy", "--plot", "~/a.svg"]
    environment = {"HOME": str(tmp_path), "PATH": ""}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "a.svg").is_file()
    assert not Path("~").exists()


@pytest.mark.parametrize("end", ["loss", "_cost", " Activation", "-optimizer", "Init", "backend"])
def test_what_a_name_ends_in_does_not_matter(end: str) -> None:
    assert nearest("mse" + end, COSTS) == "squared_error"
    assert nearest("np" + end, MODULES) == "numpy"


def test_the_path_of_the_package_does_not_matter() -> None:
    assert nearest("samenet.fast.nunpy", MODULES) == "numpy"
