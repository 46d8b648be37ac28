"""The benchmarks measure what they claim: suites cover the catalogue, call the named backend, and time no wrong one."""

import importlib.util
import inspect
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from children import python

import samenet
from benchmarks import __main__ as command
from benchmarks import catalogue, fresh, growth, measure, run
from benchmarks.catalogue import CASES, CELLS, Cell
from benchmarks.report import tables
from benchmarks.report.model import Case
from samenet.compare import environment, measurement, timing
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, example, training

pytestmark = pytest.mark.compiled  # the same without the JIT
ROOT = Path(__file__).resolve().parent.parent

NAMES = samenet.backends()
SMALL = "3-3-1"
UPDATES = ("3-4-1", "60,000 updates")
# For each kind of operation: a small case, and the function of a backend, or of the reference's loops, that computes
# it. A function may have different names on different backends.
KINDS = [
    ((SMALL, "one sample"), "fast_predict", "forward_sample"),
    ((SMALL, "batch of 32"), "fast_predict", "forward_sample"),
    ((SMALL, "gradient of 32"), "gradient", "batch_gradient"),
    (UPDATES, "run_updates", "run_updates"),
]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """New cases in every test, and short measurements."""
    for name in environment.THREAD_VARIABLES:
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.setattr(timing, "_SAMPLE", 1e-5)
    monkeypatch.setattr(timing, "_ROUNDS", (3, 3))
    catalogue.case.cache_clear()
    yield
    catalogue.case.cache_clear()


def asv_suite(module: str) -> ModuleType:
    """A module of the asv suite, as asv imports it, but for the package's name."""
    package = "suite_for_asv"
    for name, file in ((package, "__init__"), (f"{package}.{module}", module)):
        spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / "asv" / f"{file}.py")
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    return loaded


def asv_classes(method: str) -> dict[str, Any]:
    """The classes of the asv suite that have a method, by operation."""
    classes = [c for name, c in vars(asv_suite("cells")).items() if inspect.isclass(c) and not name.startswith("_")]
    return {c.operation: c() for c in classes if hasattr(c, method)}


def pytest_suite() -> ModuleType:
    """The suite for pytest, as a module."""
    spec = importlib.util.spec_from_file_location("suite_for_pytest", ROOT / "benchmarks" / "pytest" / "test_cells.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def replace(
    monkeypatch: pytest.MonkeyPatch, contender: str, functions: tuple[str, str], wrap: Callable[[Any], Any]
) -> None:
    """Replace the function with which a contender is timed by `wrap(function)`."""
    loops = contender.startswith("loops")
    module, name = samenet.backend("reference" if loops else contender), functions[loops]
    monkeypatch.setattr(module, name, through(name, wrap)(getattr(module, name)))


def through(function: str, wrap: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap a function; for `fast_predict`, wrap the function that it returns."""
    if function != "fast_predict":
        return wrap
    return lambda right: lambda *given: wrap(right(*given))


def off_by(error: float) -> Callable[[Any], Any]:
    """Make a function of the contract, or of the reference's loops, wrong by a little in every call."""

    def wrap(right: Any) -> Any:
        def wrong(first: Any, *given: Any, **named: Any) -> Any:
            answer = right(first, *given, **named)
            if right.__name__ == "run_updates":
                first.theta.flat += error
                return answer
            if right.__name__ in ("gradient", "batch_gradient"):
                return answer[0] + error, answer[1]
            return [np.asarray(h) + error for h in answer] if isinstance(answer, list) else answer + error

        return wrong

    return wrap


# The list, and what covers it


def test_the_list_has_every_operation_and_backend_once():
    cells = CELLS
    assert len(set(cells)) == len(cells)
    assert {(c.network, c.operation) for c in cells} == {(c.network, c.operation) for c in CASES}
    assert len({(c.network, c.operation) for c in CASES}) == len(CASES)
    for case in CASES:
        assert set(case.contenders) >= set(samenet.backends()) - {"reference"}
    assert {c.contender for c in cells} == {LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, *samenet.backends()} - {"reference"}


@pytest.mark.parametrize(("pair", "_", "__"), KINDS)
def test_the_names_on_the_list_are_those_of_the_case(pair, _, __):
    assert tuple(c.name for c in catalogue.case(*pair).contenders) == catalogue.entry(*pair).contenders


@pytest.mark.parametrize("method", ["time_call", "track_error", "track_speed_up"])
def test_asv_covers_the_list(method):
    covered = []
    for operation, suite in asv_classes(method).items():
        assert suite.version
        assert not hasattr(suite, "setup"), "asv would time one call at a time"
        networks, contenders = suite.params
        pairs = {(n, c) for n in networks for c in contenders} - set(suite.skip_params)
        covered += [Cell(n, operation, c) for n, c in pairs]
    assert sorted(covered) == sorted(CELLS)


def test_pytest_covers_the_list():
    suite = pytest_suite()
    assert [param.values[0] for param in suite.CELLS] == list(CELLS)
    assert len({param.id for param in suite.CELLS}) == len(suite.CELLS)
    for param in suite.CELLS:
        (cell,) = param.values
        assert [mark.kwargs["group"] for mark in param.marks] == [f"{cell.network}, {cell.operation}"]


# What is timed


@pytest.mark.parametrize(("pair", "contract", "loops"), KINDS)
def test_a_cell_calls_the_backend_that_it_names_and_no_other(pair, contract, loops, monkeypatch):
    called: Counter[str] = Counter()

    def counting(name: str, right: Any) -> Any:
        def counted(*given: Any, **named: Any) -> Any:
            called[name] += named.get("epochs", 1) if getattr(right, "__name__", "") == "run_updates" else 1
            return right(*given, **named)

        return counted

    for name in samenet.backends():
        module = samenet.backend(name)
        assert module.Network.backend is module, "which then has the whole contract"
        for function in {contract} | ({loops} if name == "reference" else set()):
            wrap = through(function, partial(counting, name))
            monkeypatch.setattr(module, function, wrap(getattr(module, function)))
    for cell in (c for c in CELLS if (c.network, c.operation) == pair):
        contender = catalogue.contender(cell)
        call = catalogue.contender(cell).call
        called.clear()
        call()
        once = {"batch of 32": 32 if contender.backend == "reference" else 1}.get(cell.operation, 1)
        if contract == "run_updates":
            once = round(60_000 * contender.work)  # updates, in as many calls as it takes to answer Ctrl-C soon
        assert called == {contender.backend: once}
        assert contender.backend == ("reference" if cell.contender.startswith("loops") else cell.contender)


def test_inputs_are_made_before_the_call(monkeypatch):
    cells = [Cell(SMALL, operation, "numpy") for operation in ("one sample", "batch of 32", "gradient of 32")]
    calls = [catalogue.contender(cell).call for cell in cells]

    def late(*given: Any, **named: Any) -> None:
        raise AssertionError("a timed call makes its inputs")

    monkeypatch.setattr(np.random, "default_rng", late)
    monkeypatch.setattr("samenet.compare.cases.example", late)
    monkeypatch.setattr("samenet.network.Network.on", late)
    for call in calls:
        call()


@pytest.mark.parametrize("name", sorted({case.network for case in CASES} - {"3-4-1"}))
def test_inputs_saturate_no_layer(name):
    sizes = tuple(map(int, name.split("-")))
    network, X, _ = example(sizes, 32)
    for h in network.on("numpy").feed_forward(X)[1:]:
        assert np.median(h * (1 - h)) > 0.1
        assert h.std(axis=0).min() > 0.005, "every node differs from sample to sample"


# What is wrong


@pytest.mark.parametrize(
    ("pair", "contract", "loops", "contender"),
    [
        (*kind, contender)
        for kind in KINDS
        for contender in (LOOPS_OVER_LISTS, "numpy", "numba")
        if (kind[1], contender) != ("run_updates", LOOPS_OVER_LISTS)  # the others are compared with this one
    ],
)
def test_a_wrong_kernel_has_no_time(pair, contract, loops, contender, monkeypatch):
    replace(monkeypatch, contender, (contract, loops), off_by(1e-6))
    cell = Cell(*pair, contender)
    suites = {method: asv_classes(method)[cell.operation] for method in ("time_call", "track_error", "track_speed_up")}
    with pytest.raises(AssertionError, match="e-"):
        suites["time_call"].time_call(cell.network, contender)
    with pytest.raises(AssertionError, match="e-"):  # where asv looks before it times, so that inputs are ready then
        assert (cell.network, contender) not in suites["time_call"].skip_params
    # The list's own training takes seconds a call, so a smaller one is measured.
    small = training(*example((4, 3, 2), 7), NAMES, what="training", alpha=0.25)
    result = measurement.measure(small if contract == "run_updates" else catalogue.case(*pair), seconds=0.01)
    row = next(r for r in result.rows if r.name == contender)
    assert not row.comparison.ok
    assert row.seconds is None
    assert row.speed_up is None
    assert row.as_json()["timed"] is None
    for method in ("track_error", "track_speed_up"):
        with pytest.raises(AssertionError, match="e-"):
            getattr(suites[method], method)({pair: result.rows}, cell.network, contender)


def test_a_right_kernel_has_numbers_in_asv():
    pair = (SMALL, "one sample")
    suites = {method: asv_classes(method)[pair[1]] for method in ("time_call", "track_error", "track_speed_up")}
    measured = {pair: measurement.measure(catalogue.case(*pair), seconds=0.01).rows}
    for name in catalogue.entry(*pair).contenders:
        suites["time_call"].time_call(SMALL, name)
        assert 0 <= suites["track_error"].track_error(measured, SMALL, name) <= 1
        assert suites["track_speed_up"].track_speed_up(measured, SMALL, name) > 0
    assert suites["track_speed_up"].track_speed_up(measured, SMALL, LOOPS_OVER_LISTS) == 1
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        suites["track_error"].track_error({pair: repr(ZeroDivisionError())}, SMALL, "numpy")


_BREAKER = """
import samenet

def wrong(right):
    def call(model, *given, **named):
        answer = right(model, *given, **named)
        if right.__name__ == "fast_predict":
            return lambda x, out=None: answer(x, *(() if out is None else (out,))) + 1e-6
        if right.__name__ == "gradient":
            return answer[0] + 1e-6, answer[1]
        model.theta.flat += 1e-6
        return answer
    return call

module = samenet.backend("numpy")
for name in ("fast_predict", "gradient", "run_updates"):
    setattr(module, name, wrong(getattr(module, name)))
"""


def test_a_wrong_kernel_has_no_time_in_pytest(tmp_path, monkeypatch):
    (tmp_path / "breaker.py").write_text(_BREAKER)
    file = tmp_path / "timed.json"
    chosen = [c for c in CELLS if (c.network, c.operation) in {kind[0] for kind in KINDS}]
    ids = [param.id for param in pytest_suite().CELLS if param.values[0] in chosen]
    command = ["-m", "pytest", *(f"benchmarks/pytest/test_cells.py::test_cell[{i}]" for i in ids)]
    command += ["-q", "-p", "no:cacheprovider", "-p", "breaker", "-rfE", f"--benchmark-json={file}"]
    command += ["--benchmark-enable", "--benchmark-max-time=0.001", "--benchmark-min-rounds=1"]
    # Not as a worker of pytest-xdist, in which pytest-benchmark times nothing.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    done = python(*command, cwd=ROOT, PYTHONPATH=str(tmp_path))
    wrong = [i for i in ids if i.endswith(":numpy")]
    ended = [line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert [e.partition("[")[2].partition("]")[0] for e in ended] == wrong, done.stdout
    assert f"{len(wrong)} failed, {len(ids) - len(wrong)} passed" in done.stdout
    content = json.loads(file.read_text())
    timed = {
        Cell(*(b["extra_info"][k] for k in ("network", "operation", "contender"))): b for b in content["benchmarks"]
    }
    assert set(timed) == {c for c in chosen if c.contender != "numpy"}
    for cell, benchmark in timed.items():
        extra = benchmark["extra_info"]
        assert extra["backend"] == ("reference" if cell.contender.startswith("loops") else cell.contender)
        assert extra["observed_error"] <= extra["allowed_error"]
        assert set(extra["threads"]) == set(environment.THREAD_VARIABLES)
        assert extra["blas"]
        assert benchmark["group"] == f"{cell.network}, {cell.operation}"
        assert benchmark["stats"]["min"] > 0
        assert extra["median_seconds"] == benchmark["stats"]["median"] / extra["work"]
        assert "data" not in benchmark["stats"]
    assert content["machine_info"].keys() == environment.describe().keys(), "no host name"


# What is made of it


def of_process(scale: float, *, ok: bool = True, share: float = 0.5) -> dict[str, Any]:
    """A case in one process, in which the second contender is 2 `scale` times as fast as the first."""

    def row(name: str, seconds: float, gain: float, ok: bool) -> dict[str, Any]:
        ratio = {"estimate": gain, "low": gain, "high": gain}
        quartiles = [0.9 * seconds, 1.1 * seconds]
        timed = {"median_seconds": seconds, "min_seconds": 0.8 * seconds, "quartiles_seconds": quartiles}
        timed |= {"rounds": 5, "speed_up": ratio}
        error = {"observed_error": share * 1e-15, "allowed_error": 1e-15}
        return {"name": name, "ok": ok, "first_call_seconds": 1.0, "timed": timed if ok else None} | error

    ratios = [{"slow": "a", "fast": "b", "estimate": 2 * scale, "low": 0.0, "high": 9.0}] if ok else []
    rows = [row("a", 2.0, 1.0, True), row("b", 1 / scale, 2 * scale, ok)]
    noise = {"estimate": scale, "low": scale, "high": scale}
    return {"network": "n", "operation": "o", "rows": rows, "ratios": ratios, "noise": noise}


def test_an_interval_is_over_processes():
    scales = (0.5, 1.0, 2.0)
    (found,) = measure.combine([[of_process(s, share=s / 4)] for s in scales])
    # By hand: logarithms -ln 2, 0, ln 2 about that of 2, so s = ln 2; t with 2 degrees of freedom is 4.302653.
    half = 4.302653 * np.log(2) / np.sqrt(3)
    (ratio,) = found["ratios"]
    assert (ratio["slow"], ratio["fast"]) == ("a", "b")
    assert [ratio[k] for k in ("low", "estimate", "high")] == pytest.approx(
        [2 * np.exp(-half), 2, 2 * np.exp(half)], rel=1e-6
    )
    assert found["noise"]["estimate"] == pytest.approx(1)
    b = found["rows"][1]
    assert b["timed"]["medians_of_processes"] == [2.0, 1.0, 0.5]
    assert (b["timed"]["median_seconds"], b["timed"]["min_seconds"], b["timed"]["rounds"]) == (1.0, 0.4, 15)
    assert b["timed"]["speed_up"]["estimate"] == pytest.approx(2)
    assert b["observed_error"] == 0.5e-15, "the worst of all processes"


def test_wrong_in_one_process_is_wrong():
    for order in (1, -1):
        several = [[of_process(1.0)], [of_process(1.0, ok=False)]][::order]
        (found,) = measure.combine(several)
        assert [row["ok"] for row in found["rows"]] == [True, False]
        assert found["rows"][1]["timed"] is None
        assert found["ratios"] == []


def test_one_process_has_no_interval():
    (found,) = measure.combine([[of_process(1.0)]])
    (ratio,) = found["ratios"]
    assert ratio == {**of_process(1.0)["ratios"][0], "low": None, "high": None}
    assert found["noise"]["low"] is None
    case = Case.read(found)
    assert tables.times(case.ratio("a", "b")) == "2.00x"
    assert tables.times(case.ratio("b", "a")) == "0.500x"
    assert tables.near_one(case.noise) == "1.0000x"
    assert tables.noise([case]).rows == [("n, o", "1.0000x", "")]


def test_processes_measure_every_operation(monkeypatch):
    measured = []

    def instead(case: Any, seconds: float) -> measurement.Result:
        measured.append((case, seconds))
        return measurement.Result("", [])

    monkeypatch.setattr(measurement, "measure", instead)
    monkeypatch.setattr(catalogue, "case", cache(lambda *pair: pair))
    monkeypatch.setattr("samenet.compare.cases.forward", lambda *given: given)
    found = run.cases(1.0, quick=False)
    pairs = [(c.network, c.operation) for c in CASES]
    assert [(c["network"], c["operation"]) for c in found] == [case for case, _ in measured] == pairs
    quick = run.cases(1.0, quick=True)
    assert [(c["network"], c["operation"]) for c in quick] == [(c.network, c.operation) for c in CASES if c.quick]
    swept = run.heat_map(0.5, quick=False)
    assert {(p["width"], p["batch"]) for p in swept} == set(catalogue.GRID)
    monkeypatch.setattr(growth, "case", lambda point: SimpleNamespace(title=""))
    grown = run.lines(0.5, quick=False)
    assert [(p["held"], p[p["along"][0]]) for p in grown] == [(p.held, p.at) for p in catalogue.POINTS]
    assert all(p["limit_seconds"] > 0 for p in grown)
    assert {(p["held"], p["batch"]) for p in grown} >= {("forward, batch 128", 128), ("forward, 64-30-10", 1)}


def test_processes_are_of_their_own_and_their_last_line_counts(tmp_path, monkeypatch):
    (tmp_path / "benchmarks").mkdir()
    script = "import json, os, sys\nprint('a library prints')\nprint(json.dumps([os.getpid(), sys.argv[1:]]))\n"
    (tmp_path / "benchmarks" / "__main__.py").write_text(script)
    monkeypatch.setattr(measure, "ROOT", tmp_path)
    (first, given), (second, again) = measure.in_processes(2, "run", "--process", 0.25, "--quick")
    assert given == again == ["run", "--process", "0.25", "--quick"]
    assert len({first, second, os.getpid()}) == 3


def test_the_command_has_its_subcommands(capsys, monkeypatch):
    for name in command.COMMANDS:
        with pytest.raises(SystemExit, match="0"):
            command.main([name, "--help"])
        assert f"usage: {'matrix' if name == 'matrix' else f'python -m benchmarks {name}'}" in capsys.readouterr().out
    for given in ([], ["no-command"]):
        with pytest.raises(SystemExit, match="2"):
            command.main(given)
        assert "python -m benchmarks: error" in capsys.readouterr().err


def test_break_even():
    def row(name: str, seconds: float | None) -> dict[str, Any]:
        return {"name": name, "timed": None if seconds is None else {"median_seconds": seconds}}

    compared = [
        {"network": "a", "operation": "one sample", "rows": [row("numpy", 4e-3), row("numba", 9e-3)]},
        {"network": "b", "operation": "batch of 32", "rows": [row("numpy", 1e-3), row("numba", 1e-3)]},
        {"network": "c", "operation": "gradient of 32", "rows": [row("numpy", 1e-3), row("numba", None)]},
    ]
    for case, paired in zip(compared, (2.0, 1.0, None), strict=True):
        case["ratios"] = [{"slow": "numpy", "fast": "numba", "estimate": paired}] if paired else []
    first = {
        "numba": {"cold": {"import": 9.0, "predict one": 0.4, "predict": 0.6}, "warm": {"import": 9.0, "predict": 3e-3}}
    }
    assert run.break_even(compared, first) == [
        {"network": "a", "operation": "one sample", "calls": {"cold": 500, "warm": 2}},
        {"network": "b", "operation": "batch of 32", "calls": {"cold": None, "warm": None}},
    ]


def test_a_folder_is_named_for_a_processor_and_a_day():
    around = {"processor": "AMD Ryzen(TM) 7 5800X CPU @ 3.80GHz", "cores": 8, "utc": "2026-01-02T03:04:05+00:00"}
    assert measure.folder_name(around) == "amd-ryzen-7-5800x-3.80ghz-8cores-2026-01-02"
    assert os.uname().nodename not in measure.folder_name(environment.describe()).split("-")


def test_processes_give_positive_numbers():
    assert all(fresh.import_seconds(module) > 0 for module in ("samenet", "samenet.fast.numba"))
    with pytest.raises(subprocess.CalledProcessError):
        fresh.import_seconds("samenet.no_such_module")
    assert fresh.peak_memory("numpy") > 10
    calls = fresh.first_calls("numpy")
    assert set(calls) == {"cold", "warm"}
    assert all(seconds > 0 for state in calls.values() for seconds in state.values())
    assert calls["cold"].keys() == {"import", "predict", "predict one", "gradient", "train"}
