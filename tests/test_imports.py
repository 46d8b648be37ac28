"""Which modules are loaded when, and what each folder may import."""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from children import printed

pytestmark = pytest.mark.compiled  # the same without the JIT


def loaded_by(statement: str) -> set[str]:
    """The modules that a statement loads in a fresh Python."""
    return set(
        printed(f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)").split()
    )


HEAVY = {
    "numpy",
    "numba",
    "llvmlite",
    "scipy",
    "sklearn",
    "matplotlib",
    "pandas",
    "rich",
    "onnx",
    "safetensors",
    "typer",
    "pyarrow",
    "dask",
    "distributed",
    "torch",
    "jax",
    "array_api_compat",
}


def test_import_samenet_is_light() -> None:
    loaded = loaded_by("import samenet")
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("samenet")} == {"samenet", "samenet.backends"}
    assert len(loaded) < 30, "a module takes about a millisecond"


@pytest.mark.parametrize(
    ("statement", "needed", "not_needed"),
    [
        ("import samenet; samenet.backends()", set(), HEAVY),
        ("import samenet.reference", set(), HEAVY),
        ("from samenet.reference import gradient, run_updates", set(), HEAVY),
        ("from samenet.reference import Network", {"numpy"}, HEAVY - {"numpy"}),
        ("from samenet.fast.numpy import Network", {"numpy"}, HEAVY - {"numpy"}),
        ("from samenet.fast.numba import Network", {"numpy", "numba"}, {"sklearn", "matplotlib", "pandas"}),
        ("import samenet; samenet.backend('numpy')", {"numpy"}, HEAVY - {"numpy"}),
        ("import samenet; samenet.Network", {"numpy"}, HEAVY - {"numpy"}),
        ("import samenet; samenet.data.one_hot([1])", {"numpy"}, HEAVY - {"numpy"}),
        ("import samenet; samenet.check_gradient, samenet.error_surface", {"numpy"}, HEAVY - {"numpy"}),
        ("import samenet; samenet.load, samenet.export", {"numpy"}, HEAVY - {"numpy"}),
        ("import samenet; samenet.MLPClassifier, samenet.MLPRegressor", {"numpy", "sklearn"}, {"numba", "matplotlib"}),
        ("import samenet; samenet.downhill, samenet.DirectionChanges", {"numpy"}, HEAVY - {"numpy"}),
        ("import samenet; samenet.plot.history", {"numpy", "matplotlib"}, {"numba", "matplotlib.pyplot", "sklearn"}),
    ],
)
def test_what_is_loaded(statement: str, needed: set[str], not_needed: set[str]) -> None:
    loaded = loaded_by(statement)
    assert needed <= loaded
    assert not loaded & not_needed


WITHOUT_NUMPY = """
import sys
for name in ("numpy", "numba", "scipy"):
    sys.modules[name] = None  # now importing it fails
import math
from types import SimpleNamespace
from samenet.reference import feed_forward, gradient, predict, run_updates

# The network of tutorial 000, section 3.
net = SimpleNamespace(
    weights=[[[0.2, 0.2, 0.2], [0.4, 0.4, 0.4], [0.6, 0.6, 0.6]], [[0.5, 0.5, 0.5]]],
    biases=[[0.8, 0.8, 0.8], [0.2]],
)
assert predict(net, [1.5, 2.0, 3.0]) == [0.8354556612475645]
assert [len(h) for h in feed_forward(net, [1.5, 2.0, 3.0])] == [3, 3, 1]
assert predict(net, [(1.5, 2.0, 3.0), (0, 0, 0)])[0] == [0.8354556612475645]

# One node by hand: z = 0.5 * 1 - 0.25, and then dJ/dw = (h - y) h (1 - h) x.
one = SimpleNamespace(weights=[[[0.5]]], biases=[[-0.25]])
h = 1 / (1 + math.exp(-0.25))
cost, slope = gradient(one, [[1.0]], [[0.0]])
assert abs(cost - h * h / 2) < 1e-15
assert abs(slope.weights[0][0][0] - h * h * (1 - h)) < 1e-15
assert slope.biases == [slope.weights[0][0]]

descent = SimpleNamespace(name="descent", state_arrays=0)
adam = SimpleNamespace(name="adam", state_arrays=2, beta1=0.9, beta2=0.999, epsilon=1e-8)
costs = run_updates(one, [[1.0], [2.0]], [[0.0], [1.0]], adam, alpha=1.0, batch_size=1, order=[[1, 0], [0, 1]])
assert len(costs) == 4 and one.weights[0][0][0] != 0.5
X, Y = [[1.5, 2.0, 3.0], [0.0, 1.0, 0.0]], [[0.0], [1.0]]
costs = run_updates(net, X, Y, descent, alpha=0.5, batch_size=2, epochs=50)
assert len(costs) == 50 and costs[-1] < costs[0]
bare = SimpleNamespace(weights=net.weights, biases=[])
run_updates(bare, [[1.5, 2.0, 3.0]], [[0.0]], descent, alpha=0.5, batch_size=1)

try:
    from samenet.reference import Network
except ImportError:
    print("ok")  # as it should be: the user's class is the one thing that needs NumPy
"""


def test_the_loops_run_where_numpy_cannot_be_imported() -> None:
    assert printed(WITHOUT_NUMPY).strip() == "ok"


# ------------------------------------------------------------------------------------- the folders and their rules


def folder(package: str) -> list[Path]:
    """The modules of a package, without those of its subpackages."""
    where = importlib.import_module(package).__file__
    assert where is not None
    files = sorted(Path(where).parent.glob("*.py"))
    assert files
    return files


WINGS = (
    "backends",
    "cli",
    "cli.tabular",
    "compare",
    "data",
    "distributed",
    "estimators",
    "export",
    "export.demo",
    "model",
    "output",
    "storage",
    "storage.conversion",
    "study",
    "study.plot",
    "testing",
    "training",
    "validation",
)
INTERFACE = ("samenet", *(f"samenet.{wing}" for wing in WINGS))
FAST = ("samenet.reference", "samenet.fast", "samenet.fast.kernels", "samenet.fast.kernels.codegen")
PACKAGES = {package: {path.stem for path in folder(package)} for package in (*INTERFACE, *FAST)}
PACKAGES["samenet"] |= {*WINGS, "reference", "fast"}
PACKAGES["samenet.fast"] |= {"kernels"}
PACKAGES["samenet.fast.kernels"] |= {"codegen"}


def names(node: ast.AST) -> Iterator[str]:
    """The modules that one statement imports, by their full names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are by the full name"
        module = node.module or ""
        # `from samenet.validation import checks` imports samenet.validation.checks.
        submodules = PACKAGES.get(module, set())
        yield from (f"{module}.{alias.name}" if alias.name in submodules else module for alias in node.names)


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imported(node: ast.AST, lazily: bool) -> Iterator[str]:
    """All modules imported below a node; without `lazily`, only those that importing the file imports."""
    for child in ast.iter_child_nodes(node):
        yield from names(child)
        if for_types_only(child):
            continue
        if lazily or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imported(child, lazily)


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("path", folder("samenet.reference"), ids=lambda path: path.name)
def test_the_reference_imports_the_standard_library_alone(path: Path) -> None:
    found = set(imported(ast.parse(path.read_text("utf-8")), lazily=True))
    foreign = {m for m in found if m.split(".")[0] not in sys.stdlib_module_names and not is_in(m, "samenet.reference")}
    # The user's class: the one module that needs the interface, and so NumPy.
    assert foreign == ({"samenet.network"} if path.name == "network.py" else set())


@pytest.mark.parametrize(
    "path", [path for package in INTERFACE for path in folder(package)], ids=lambda path: path.name
)
def test_the_interface_does_not_import_a_backend_by_itself(path: Path) -> None:
    found = set(imported(ast.parse(path.read_text("utf-8")), lazily=False))
    assert not {m for m in found if is_in(m, "samenet.reference") or is_in(m, "samenet.fast") or is_in(m, "numba")}


# The network on whole arrays, which any backend may use.
WHOLE_ARRAYS = tuple(
    f"samenet.fast.{name}"
    for name in ("arrays", "functions", "masks", "normalization", "pages", "sample_weight", "sampler", "steps")
)


@pytest.mark.parametrize("path", folder("samenet.fast"), ids=lambda path: path.name)
def test_a_fast_backend_imports_the_interface_alone(path: Path) -> None:
    found = set(imported(ast.parse(path.read_text("utf-8")), lazily=True))
    others = {m for m in found if m.split(".")[0] == "samenet"}
    parts = {
        "numba.py": (
            *("samenet.fast.kernels", "samenet.fast.workspace", "samenet.fast.description"),
            *("samenet.fast.few_rows", "samenet.fast.many_networks", "samenet.fast.ready"),
            *("samenet.fast.pages", "samenet.fast.sample_weight"),
        ),
        "few_rows.py": tuple(
            f"samenet.fast.{name}" for name in ("kernels", "description", "sample_weight", "workspace")
        ),
        "description.py": ("samenet.fast.kernels",),
        "kernel_cache.py": ("samenet.fast.kernels",),
        "many_networks.py": tuple(
            f"samenet.fast.{name}" for name in ("kernels", "description", "sample_weight", "workspace")
        ),
        "ready.py": tuple(f"samenet.fast.{name}" for name in ("few_rows", "kernels", "description", "workspace")),
        "workspace.py": ("samenet.fast.kernels", "samenet.fast.pages"),
        **dict.fromkeys(("numpy.py", "torch.py", "jax.py"), (*WHOLE_ARRAYS, "samenet.fast.array_backend")),
    }
    own = {m for m in others for part in parts.get(path.name, WHOLE_ARRAYS) if is_in(m, part)}
    assert not {m for m in others - own if is_in(m, "samenet.reference") or is_in(m, "samenet.fast")}
    foreign = {m.split(".")[0] for m in found - others} - set(sys.stdlib_module_names)
    libraries = {"torch.py": {"torch", "array_api_compat"}, "jax.py": {"jax"}}  # extras
    assert foreign <= {"numpy", "numba", "scipy"} | libraries.get(path.name, set())


KERNELS = [*folder("samenet.fast.kernels"), *folder("samenet.fast.kernels.codegen")]


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.name)
def test_kernels_import_one_another_and_know_no_network(path: Path) -> None:
    found = set(imported(ast.parse(path.read_text("utf-8")), lazily=True))
    others = {m for m in found if m.split(".")[0] == "samenet"}
    elsewhere = {m for m in others if not is_in(m, "samenet.fast.kernels")}
    assert elsewhere <= {"samenet.model.functions", "samenet.validation", "samenet.validation.warning"}
    foreign = {m.split(".")[0] for m in found - others} - set(sys.stdlib_module_names)
    assert foreign <= {"numpy", "numba", "llvmlite"}


# The layers: each of these imports only what comes before it, and its own kind. A module belongs to the longest name
# here that it begins with.
LAYERS = [
    {
        "samenet.model.functions",
        "samenet.model.parameters",
        "samenet.validation",
        "samenet.output",
        "samenet.backends.dropout",
    },
    {"samenet.backends.adaptive", "samenet.backends.rule_state", "samenet.backends.weighing"},
    {"samenet.model"},
    {
        *("samenet.storage", "samenet.training.history", "samenet.backends.objective"),
        *("samenet.backends.normalization", "samenet.backends.prediction", "samenet.backends.costs"),
        "samenet.backends.prepared",
    },
    {"samenet.optimizers", "samenet.schedules", "samenet.stopping", "samenet.backends.generic"},
    {"samenet.training"},
    {"samenet.network"},
    {"samenet.storage.loading", "samenet.storage.conversion"},
]
NAMES_ONLY = "samenet.backends"  # it imports backends on demand, and all use it


def sources() -> dict[str, str]:
    """The text of every module of interface/, by its name."""
    named = lambda package, path: package if path.stem == "__init__" else f"{package}.{path.stem}"  # noqa: E731
    return {named(package, path): path.read_text("utf-8") for package in INTERFACE for path in folder(package)}


def graph(texts: dict[str, str]) -> dict[str, set[str]]:
    """The other modules that each module imports, also in functions and for types; `samenet` itself is ignored."""
    found = {}
    for name, text in texts.items():
        statements = (names(node) for node in ast.walk(ast.parse(text)))
        found[name] = {m for some in statements for m in some if m in texts and m not in ("samenet", name)}
    return found


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, or an empty list."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        found = next(filter(None, (walk(other, [*path, name]) for other in sorted(edges[name]))), [])
        done.add(name)
        return found

    return next(filter(None, (walk(name, []) for name in sorted(edges))), [])


def level(module: str) -> int | None:
    """The position of a module in the order; None for a module outside it, such as `samenet.data`."""
    found = [(len(name), place) for place, layer in enumerate(LAYERS) for name in layer if is_in(module, name)]
    return max(found)[1] if found else None


def upward(edges: dict[str, set[str]]) -> list[tuple[str, str]]:
    """The imports that go against the order, or from it to a module outside it."""
    found = []
    for module, others in edges.items():
        place = level(module)
        for other in others - {NAMES_ONLY}:
            there = level(other)
            if place is not None and (there is None or there > place):
                found.append((module, other))
            if is_in(module, "samenet.testing") and is_in(other, "samenet.network"):
                found.append((module, other))
    return found


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    texts = sources()
    del texts["samenet"], texts["samenet.__main__"]  # which lead to all of them
    edges = graph(texts)
    assert sum(map(len, edges.values())) > 100
    assert not circle(edges)


def test_arrows_follow_the_order_of_the_design() -> None:
    edges = graph(sources())
    assert all(any(is_in(module, name) for module in edges) for layer in LAYERS for name in layer)
    assert not upward(edges)


def test_circles_and_wrong_arrows_are_found() -> None:
    texts = {
        "samenet.model": "import os\nfrom samenet.model import parameters\n",
        "samenet.model.parameters": "def f():\n    from samenet.stopping import Rule\n",
        "samenet.stopping": "if TYPE_CHECKING:\n    from samenet.model import Model\n",
        "samenet.testing.probe": "from samenet.network import Network\n",
        "samenet.network": "import samenet.model\n",
    }
    edges = graph(texts)
    assert circle(edges) == ["samenet.model", "samenet.model.parameters", "samenet.stopping", "samenet.model"]
    assert upward(edges) == [
        ("samenet.model.parameters", "samenet.stopping"),
        ("samenet.testing.probe", "samenet.network"),
    ]
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_every_backend_is_imported_by_name_alone() -> None:
    for module, text in sources().items():
        found = {name for node in ast.walk(ast.parse(text)) for name in names(node)}
        assert not {m for m in found if is_in(m, "samenet.reference") or is_in(m, "samenet.fast")}, module


def test_modules_are_short_and_the_root_is_small() -> None:
    for package in (*INTERFACE, *FAST):
        for path in folder(package):
            assert len(path.read_text("utf-8").splitlines()) < 300, path
    root = folder("samenet")[0].parent
    wings = {path.parent.name for path in root.glob("*/__init__.py")}  # a folder with old bytecode alone is none
    entries = {path.name for path in root.glob("*.py")} | wings
    entries -= {"__init__.py", "__main__.py"}
    assert len(entries) <= 18, sorted(entries)


def test_these_rules_can_be_broken() -> None:
    """Imports are found at the top level, in a branch, in a function, and in either form."""
    source = """
import os, numpy.linalg
from samenet.validation import checks
from samenet.fast.numpy import Network
if TYPE_CHECKING:
    from samenet.fast import numba
try:
    import json
except ImportError:
    pass
class A:
    import csv
def f():
    import math
"""
    always = {"os", "numpy.linalg", "samenet.validation.checks", "samenet.fast.numpy", "json", "csv"}
    assert set(imported(ast.parse(source), lazily=False)) == always
    assert set(imported(ast.parse(source), lazily=True)) == always | {"math"}
