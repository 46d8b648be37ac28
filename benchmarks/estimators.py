"""`python -m benchmarks estimators`: scores and times of the estimators and scikit-learn's own; write estimators.json.

It uses nine data sets that scikit-learn and statsmodels ship. For each seed, a quarter of the samples is held out, and
both estimators, with default settings and this seed as `random_state`, are fitted to the rest, one after the other in
random order. Columns, and numeric targets, are standardised with the statistics of the fitted part. The score on the
held-out samples is the accuracy, or R2. The time is the processor time of `fit`, with one thread; the first fit, which
compiles, is not counted.
"""

import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean, median, stdev
from typing import Any, NamedTuple

import numpy as np

from benchmarks import measure
from benchmarks.measure import Json, say
from samenet.compare import environment

THEIRS, OURS = "scikit-learn", "samenet"


class DataSet(NamedTuple):
    """A data set: X and y when it is loaded, and whether y are classes."""

    name: str
    load: Callable[[], tuple[Any, Any]]
    is_classes: bool


def _sklearn(name: str) -> tuple[Any, Any]:
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")()
    return found.data, found.target


def _statsmodels(name: str, target: str, make: Callable[[Any], Any], without: Sequence[str] = ()) -> tuple[Any, Any]:
    try:
        from statsmodels.api import datasets
    except ImportError:
        sys.exit(f"{name} comes with statsmodels: {sys.executable} -m pip install statsmodels, or make estimators")
    table = getattr(datasets, name).load_pandas().data.dropna()
    X = table.drop(columns=[target, *without]).to_numpy(float)
    return X, make(table[target].to_numpy(float))


def _as_it_is(y: Any) -> Any:
    return y


DATA_SETS = (
    DataSet("iris", partial(_sklearn, "iris"), True),
    DataSet("wine", partial(_sklearn, "wine"), True),
    DataSet("breast cancer", partial(_sklearn, "breast_cancer"), True),
    DataSet("digits", partial(_sklearn, "digits"), True),
    DataSet("affairs", partial(_statsmodels, "fair", "affairs", lambda y: (y > 0).astype(int)), True),
    DataSet("election 1996", partial(_statsmodels, "anes96", "vote", lambda y: y.astype(int)), True),
    DataSet("diabetes", partial(_sklearn, "diabetes"), False),
    DataSet("Engel's food", partial(_statsmodels, "engel", "foodexp", _as_it_is), False),
    DataSet("schools", partial(_statsmodels, "star98", "NABOVE", _as_it_is, ["NBELOW"]), False),
)


def estimators(is_classes: bool, seed: int, backend: str) -> dict[str, Any]:
    """Both estimators, with default settings."""
    from sklearn import neural_network

    import samenet

    kind = "MLPClassifier" if is_classes else "MLPRegressor"
    theirs: Any = getattr(neural_network, kind)(random_state=seed)
    return {THEIRS: theirs, OURS: getattr(samenet, kind)(random_state=seed, backend=backend)}


def one_seed(data_set: DataSet, X: Any, y: Any, seed: int, backend: str) -> Json:
    """The score and the time of both, on one split."""
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    classes = y if data_set.is_classes else None
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=classes)
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    if not data_set.is_classes:
        mean, deviation = y.mean(), y.std()
        y, y_test = (y - mean) / deviation, (y_test - mean) / deviation
    found: Json = {}
    both = list(estimators(data_set.is_classes, seed, backend).items())
    random.Random(seed).shuffle(both)
    for name, estimator in both:
        begin = time.process_time()
        estimator.fit(X, y)
        seconds = time.process_time() - begin
        found[name] = {"score": float(estimator.score(X_test, y_test)), "seconds": seconds, "epochs": estimator.n_iter_}
    return found


def measured(data_set: DataSet, seeds: Sequence[int], backend: str) -> Json:
    """All seeds of a data set."""
    from threadpoolctl import threadpool_limits

    X, y = data_set.load()
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # 200 epochs, the default, are too few for some
        for estimator in estimators(data_set.is_classes, 0, backend).values():
            estimator.set_params(max_iter=2).fit(X, y)
        rows = [one_seed(data_set, X, y, seed, backend) for seed in seeds]
    classes = len(np.unique(y)) if data_set.is_classes else None
    return {"name": data_set.name, "samples": len(X), "inputs": X.shape[1], "classes": classes, "seeds": rows}


def outcome(found: Json) -> Json:
    """The result over all seeds: mean scores, their difference with its 95 % interval, median times, ratios."""
    scores = {name: [seed[name]["score"] for seed in found["seeds"]] for name in (THEIRS, OURS)}
    seconds = {name: [seed[name]["seconds"] for seed in found["seeds"]] for name in (THEIRS, OURS)}
    differences = [ours - theirs for ours, theirs in zip(scores[OURS], scores[THEIRS], strict=True)]
    ratios = [theirs / max(ours, 1e-9) for ours, theirs in zip(seconds[OURS], seconds[THEIRS], strict=True)]
    n, half = len(differences), 0.0
    if n > 1:
        from scipy.stats import t

        half = float(t.ppf(0.975, n - 1)) * stdev(differences) / n**0.5
    difference = fmean(differences)
    return {
        "scores": {name: fmean(values) for name, values in scores.items()},
        "spread": stdev(scores[THEIRS]) if n > 1 else 0.0,
        "difference": difference,
        "interval": half,
        "is_equal": abs(difference) <= half or difference == 0,
        "same": sum(d == 0 for d in differences),
        "seconds": {name: median(values) for name, values in seconds.items()},
        "ratio": median(ratios),
        "least_ratio": min(ratios),
    }


def main(given: Sequence[str]) -> int:
    """Measure, write estimators.json and estimators.md; returns 1 if a score differs or samenet takes longer."""
    from benchmarks.report import estimators as text

    parser = measure.parser("estimators", __doc__, "two seeds, of the data sets that scikit-learn ships")
    parser.add_argument("--seeds", type=int, default=10, help="splits of each data set")
    parser.add_argument("--backend", default="numba", help="of samenet's estimators")
    options = parser.parse_args(given)
    environment.set_threads(1)
    run = measure.Run(parser, options.into, "estimators.json", "estimators.md")
    seeds = range(2 if options.quick else options.seeds)
    chosen = [one for one in DATA_SETS if not options.quick or one.load.func is _sklearn]  # type: ignore[attr-defined]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    found = []
    for data_set in chosen:
        say(data_set.name)
        found.append(measured(data_set, seeds, options.backend))
    folder = run.write(options.quick, len(seeds), backend=options.backend, load=load, data_sets=found)
    for path in text.write(folder):
        print(path)
    outcomes = [outcome(one) for one in found]
    return 0 if all(one["is_equal"] and one["ratio"] > 1 for one in outcomes) else 1
