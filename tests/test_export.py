"""Exported networks compute what the network does: C by gcc and clang, JavaScript by node, ONNX by onnxruntime."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import exact
import numpy as np
import pytest
from numpy.typing import NDArray

import samenet
from samenet import __main__
from samenet.export import bound, c_header, javascript, to_c, to_js, to_onnx
from samenet.export.bound import Errors, largest_error
from samenet.model import Model
from samenet.model.functions import ACTIVATIONS
from samenet.testing import bounds
from samenet.testing.rounding import Rounding

pytestmark = pytest.mark.without_jit  # no kernel is run

Network = samenet.backend("numpy").Network
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wdouble-promotion"]
FLAGS = ["-std=c99", "-pedantic", "-O2", *WARNINGS]
NODE = shutil.which("node")
ROWS = 5
DTYPES = ("float64", "float32")

needs_node = pytest.mark.skipif(NODE is None, reason="needs node")
needs_compiler = pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")


@dataclass(frozen=True)
class Case:
    """A network, the dtype that it is exported in, and the magnitude of its inputs."""

    name: str
    network: Any
    dtype: str
    within: float = 1.0

    @property
    def X(self) -> NDArray[np.float64]:
        """Samples, the first two at the ends of the range; each number is in both dtypes."""
        X = np.random.default_rng(len(self.name)).uniform(-1, 1, (ROWS, self.network.sizes[0]))
        X[0], X[1, ::2], X[1, 1::2] = 1, -1, 1
        return (X * self.within).astype(np.float32).astype(np.float64)

    @property
    def expected(self) -> Any:
        """The exact outputs for the stored parameters."""
        return exact.run(self.network, self.X, np.zeros((ROWS, self.network.sizes[-1])), "mean")[0]


def net(sizes: list[int], *names: str, scale: float = 1.5, **settings: Any) -> Any:
    """A network with weights and biases of both signs."""
    found = Network(sizes, seed=0, activation=names[0] if len(names) == 1 else names, **settings)
    random = np.random.default_rng(sum(sizes))
    for W in found.weights:
        W[:] = random.normal(0, scale / math.sqrt(W.shape[1]), W.shape)
    for b in found.biases:
        b[:] = random.uniform(-0.8, 0.8, b.shape)
    return found


def cases() -> list[Case]:
    """Every pair of activations, with and without biases, in each of four pairs of dtypes."""
    found, kinds = [], [(a, b) for a in DTYPES for b in DTYPES]
    for i, hidden in enumerate(ACTIVATIONS):
        for j, output in enumerate(ACTIVATIONS):
            for k, (dtype, exported) in enumerate(kinds):
                network = net([4, 7, 5, 3], hidden, ACTIVATIONS[i - 1], output, bias=(i + j + k) % 2 == 0, dtype=dtype)
                found.append(Case(f"{hidden}_{output}_{dtype}_{exported}", network, exported))
    found += [
        Case("one_layer", net([3, 1], "sigmoid"), "float64"),
        Case("one_layer_without_function", net([3, 2], "identity", bias=False), "float64"),
        Case("deep", net([2, 3, 4, 5, 4, 3, 2], "tanh"), "float64"),
        Case("digits", net([64, 30, 10], "sigmoid"), "float32"),
        Case("saturated", net([5, 4, 3], "sigmoid", scale=300), "float64", 100.0),
        Case("large", net([5, 4, 3], "relu", "softmax", scale=30), "float64", 1000.0),
        Case("tiny_numbers", net([5, 4, 3], "identity", scale=1e-30), "float32", 1e-10),
    ]
    return found


CASES = {case.name: case for case in cases()}


def check(case: Case, found: NDArray[Any], errors: Errors) -> None:
    """Assert that outputs are within the stated bound, and that the network's own outputs are, too."""
    own = case.network.predict(case.X)
    assert found.shape == own.shape
    assert errors.within == case.within
    assert errors.exported < 1e-2 * max(1.0, np.abs(own).max()), "a bound that proves something"
    assert exact.distance(found, case.expected).max() <= errors.exported
    assert exact.distance(own, case.expected).max() <= errors.own
    assert np.abs(found - own).max() <= errors.exported + errors.own


# --- C ----------------------------------------------------------------------------------------------------------------

_RUN = """
static int run_NAME(int rows)
{
    REAL x[NAME_INPUTS], h[NAME_OUTPUTS];
    double v;
    for (int row = 0; row < rows; row++) {
        for (int i = 0; i < NAME_INPUTS; i++) {
            if (fread(&v, sizeof v, 1, stdin) != 1) return 1;
            x[i] = (REAL)v;
        }
        NAME_predict(x, h);
        for (int i = 0; i < NAME_OUTPUTS; i++) {
            v = (double)h[i];
            fwrite(&v, sizeof v, 1, stdout);
        }
    }
    return 0;
}
"""


def compiled(compiler: str, folder: Path, headers: dict[str, str], *flags: str) -> Path:
    """A program that runs each header's network on as many rows as its first argument says."""
    source = "#include <stdio.h>\n#include <stdlib.h>\n"
    for name, real in headers.items():
        run = _RUN.replace("NAME_INPUTS", f"{name.upper()}_INPUTS").replace("NAME_OUTPUTS", f"{name.upper()}_OUTPUTS")
        source += f'#include "{name}.h"\n#include "{name}.h"\n' + run.replace("NAME", name).replace("REAL", real)
    calls = " || ".join(f"run_{name}(rows)" for name in headers)
    source += f"int main(int argc, char **argv)\n{{\n    int rows = atoi(argv[argc - 1]);\n    return {calls};\n}}\n"
    (folder / "main.c").write_text(source)
    command = [compiler, *(flags or FLAGS), "main.c", "-o", f"program-{compiler}", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    assert not done.stderr
    return folder / f"program-{compiler}"


def run_c(program: Path, samples: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    given = b"".join(X.tobytes() for X in samples)
    done = subprocess.run([program, str(len(samples[0]))], input=given, capture_output=True, check=True)
    return np.frombuffer(done.stdout)


def real(dtype: str) -> str:
    return "float" if dtype == "float32" else "double"


@needs_compiler
@pytest.mark.parametrize("compiler", COMPILERS)
def test_c_computes_the_network(compiler: str, tmp_path: Path) -> None:
    errors = {
        name: to_c(case.network, tmp_path / f"{name}.h", dtype=case.dtype, within=case.within)
        for name, case in CASES.items()
    }
    program = compiled(compiler, tmp_path, {name: real(case.dtype) for name, case in CASES.items()})
    found, start = run_c(program, [case.X for case in CASES.values()]), 0
    for name, case in CASES.items():
        end = start + ROWS * case.network.sizes[-1]
        check(case, found[start:end].reshape(ROWS, -1), errors[name])
        start = end
    assert start == found.size


@needs_compiler
@pytest.mark.parametrize("flags", ["-std=c99 -O0", "-std=gnu11 -O3 -march=native -ffp-contract=fast"])
def test_c_computes_the_network_however_it_is_optimized(flags: str, tmp_path: Path) -> None:
    case = CASES["digits"]
    errors = to_c(case.network, tmp_path / "digits.h", dtype=case.dtype)
    program = compiled(COMPILERS[0], tmp_path, {"digits": "float"}, *flags.split(), "-Wall", "-Wextra", "-Werror")
    check(case, run_c(program, [case.X]).reshape(ROWS, -1), errors)


C_MUTANTS = {
    "no bias": ("sum + b[i]", "sum"),
    "transposed": ("W[i * n_in + j]", "W[j * n_out + i]"),
    "a weight left out": ("j = 0; j < n_in", "j = 1; j < n_in"),
    "a node left out": ("i = 0; i < n_out", "i = 1; i < n_out"),
    "the other sign": ("z[i] < 0 ? t : 1", "z[i] < 0 ? 1 : t"),
    "a growing power": ("expF(-fabsF(z[i]))", "expF(fabsF(z[i]))"),
    "tanh of half": ("tanhF(z[i])", "tanhF(z[i] / 2)"),
    "relu the wrong way": ("z[i] <= 0", "z[i] >= 0"),
    "a sum of less": ("sum += z[i] =", "sum = z[i] ="),
    "a layer without its function": ("    NAME_relu", ""),
    "softmax of unscaled": ("z[i] /= sum", "z[i] *= 1"),
}


@needs_compiler
@pytest.mark.parametrize("mutant", C_MUTANTS)
def test_c_that_is_wrong_is_noticed(mutant: str, tmp_path: Path) -> None:
    case = Case("mutant", net([4, 5, 6, 4, 3], "relu", "tanh", "sigmoid", "softmax"), "float64")
    errors = to_c(case.network, tmp_path / "mutant.h")
    text = (tmp_path / "mutant.h").read_text()
    before, after = (part.replace("F(", "(").replace("NAME", "mutant") for part in C_MUTANTS[mutant])
    if mutant == "a layer without its function":
        before, after = "mutant_relu(5, h1);", ""
    assert text.count(before) == 1, before
    (tmp_path / "mutant.h").write_text(text.replace(before, after))
    program = compiled(COMPILERS[0], tmp_path, {"mutant": "double"}, "-std=c99", "-w")
    with pytest.raises(AssertionError):
        check(case, run_c(program, [case.X]).reshape(ROWS, -1), errors)


@needs_compiler
def test_nan_stays_nan_in_c(tmp_path: Path) -> None:
    found = {name: net([2, 3, 2], name) for name in ACTIVATIONS}
    for name, network in found.items():
        to_c(network, tmp_path / f"{name}.h")
    X = np.array([[math.nan, 1.0], [1.0, math.nan]])
    program = compiled(COMPILERS[0], tmp_path, dict.fromkeys(found, "double"))
    assert np.isnan(run_c(program, [X] * len(found))).all()


@pytest.mark.parametrize("name", ["REAL", "aREALb", "NAME", "expF", "F", "h0", "x", "affine", "double"])
def test_a_c_header_may_have_any_name(name: str, tmp_path: Path) -> None:
    network, path = net([2, 4, 3, 2, 2], "sigmoid", "tanh", "relu", "softmax"), tmp_path / f"{name}.h"
    for dtype in DTYPES:
        to_c(network, tmp_path / "qqq.h", dtype=dtype)
        to_c(network, path, dtype=dtype)
        usual = (tmp_path / "qqq.h").read_text()
        assert path.read_text() == usual.replace("qqq", name).replace("QQQ", name.upper())


def test_what_the_c_header_says(tmp_path: Path) -> None:
    network = net([4, 7, 6, 5, 3], "tanh")
    errors = to_c(network, tmp_path / "9 my-net.h", dtype="f4", within=2.5)
    text = (tmp_path / "9 my-net.h").read_text()
    comment = " ".join(text[: text.index("*/")].split())
    assert str(errors) in comment
    assert "It computes in float32; the network was in float64." in comment
    assert f"{network.parameters.size} numbers are constants, and 13 more are on the stack" in comment
    assert "void network_9_my_net_predict(const float x[4], float h[3])" in text
    assert "float h0[6];" in text
    assert "float h1[7];" in text
    assert "alloc(" not in text
    to_c(network, tmp_path / "a.h", name="abc")
    text = (tmp_path / "a.h").read_text()
    assert "abc_predict(const double x[4]" in text
    assert max(map(len, text.splitlines())) <= 120
    to_c(network, tmp_path / "--.h")
    assert "network_predict" in (tmp_path / "--.h").read_text()


CORTEX = shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")
_ON_CORTEX = """
#include <stdint.h>
#include "net.h"
extern uint32_t top_of_stack;
void start(void);
__attribute__((section(".vectors"), used)) static void *const vectors[2] = {&top_of_stack, (void *)start};
static int call(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
static const float samples[] = {SAMPLES};
void start(void)
{
    float h[NET_OUTPUTS];
    char text[10];
    for (int row = 0; row < ROWS; row++) {
        net_predict(samples + row * NET_INPUTS, h);
        for (int i = 0; i < NET_OUTPUTS; i++) {
            union { float f; uint32_t bits; } value = {h[i]};
            for (int d = 0; d < 8; d++) text[d] = "0123456789abcdef"[value.bits >> (28 - 4 * d) & 15];
            text[8] = '\\n';
            text[9] = 0;
            call(4, text); /* write a text */
        }
    }
    call(0x18, (const void *)0x20026); /* exit */
    for (;;) { }
}
"""
_CORTEX_MEMORY = """
ENTRY(start)
SECTIONS
{
    . = 0;
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }
    .ARM.exidx : { *(.ARM.exidx*) }
    . = 0x20000000;
    .data : { *(.data*) *(.bss*) *(COMMON) }
    top_of_stack = 0x20008000;
}
"""


@pytest.mark.skipif(not CORTEX, reason="needs arm-none-eabi-gcc and qemu-system-arm")
def test_c_on_a_microcontroller(tmp_path: Path) -> None:
    """On an emulated Cortex-M3, without an operating system."""
    case = Case("net", net([4, 7, 3], "tanh", "softmax"), "float32")
    errors = to_c(case.network, tmp_path / "net.h", dtype="f4")
    samples = ", ".join(float(x).hex() + "f" for x in case.X.ravel())
    (tmp_path / "main.c").write_text(_ON_CORTEX.replace("SAMPLES", samples).replace("ROWS", str(ROWS)))
    (tmp_path / "memory.ld").write_text(_CORTEX_MEMORY)
    flags = "-std=c99 -O2 -mcpu=cortex-m3 -mthumb -Wall -Wextra -Wconversion -Werror -nostartfiles --specs=nosys.specs"
    command = ["arm-none-eabi-gcc", *flags.split(), "-T", "memory.ld", "main.c", "-o", "net.elf", "-lm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    machine = "qemu-system-arm -M lm3s6965evb -nographic -semihosting-config enable=on,target=native -kernel net.elf"
    done = subprocess.run(machine.split(), cwd=tmp_path, capture_output=True, text=True, timeout=600)
    lines = [line for line in (done.stdout + done.stderr).split() if len(line) == 8]
    found = np.array([int(line, 16) for line in lines], np.uint32).view(np.float32)
    check(case, found.reshape(ROWS, -1).astype(np.float64), errors)


# --- JavaScript -------------------------------------------------------------------------------------------------------

_NODE = """
import { readFileSync } from "node:fs";
const found = [];
for (const [file, rows] of JSON.parse(readFileSync(0))) {
  const { inputs, outputs, predict } = await import(file);
  const numbers = rows.map((row) => row.map((v) => v === null ? NaN : v));
  const typed = numbers.map((row) => [...predict(Float64Array.from(row))]);
  found.push([inputs, outputs, numbers.map((row) => predict(row)), typed]);
}
console.log(JSON.stringify(found));
"""


def run_js(given: list[tuple[Path, Any]]) -> list[Any]:
    """For each module its numbers of inputs and outputs, and its outputs for arrays and for typed arrays."""
    assert NODE
    text = json.dumps([(path.as_uri(), rows) for path, rows in given])
    done = subprocess.run([NODE, "--input-type=module", "-e", _NODE], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    found: list[Any] = json.loads(done.stdout)
    return found


JS_CASES = {name: case for name, case in CASES.items() if not name.endswith("_float32") and case.dtype == "float64"}


@needs_node
def test_javascript_computes_the_network(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.mjs" for name in JS_CASES}
    errors = {name: to_js(case.network, paths[name], within=case.within) for name, case in JS_CASES.items()}
    found = run_js([(paths[name], case.X.tolist()) for name, case in JS_CASES.items()])
    for (name, case), (inputs, outputs, rows, typed) in zip(JS_CASES.items(), found, strict=True):
        assert [inputs, outputs] == [case.network.sizes[0], case.network.sizes[-1]]
        assert rows == typed
        check(case, np.array(rows), errors[name])


JS_MUTANTS = {
    "no bias": (", 0) + b[i]", ", 0)"),
    "from one": ("sum + w * below[j], 0)", "sum + w * below[j], 1)"),
    "the other sign": ("v < 0 ? t : 1", "v < 0 ? 1 : t"),
    "relu the wrong way": ("v <= 0 ? 0", "v >= 0 ? 0"),
    "no sum": ("p / sum", "p"),
    "a layer of another function": ("activate: tanh", "activate: relu"),
    "the first input for all": ("below[j]", "below[0]"),
}


@needs_node
@pytest.mark.parametrize("mutant", JS_MUTANTS)
def test_javascript_that_is_wrong_is_noticed(mutant: str, tmp_path: Path) -> None:
    case = Case("mutant", net([4, 5, 6, 4, 3], "relu", "tanh", "sigmoid", "softmax"), "float64")
    errors = to_js(case.network, tmp_path / "net.mjs")
    text, (before, after) = (tmp_path / "net.mjs").read_text(), JS_MUTANTS[mutant]
    assert text.count(before) == 1, before
    (tmp_path / "net.mjs").write_text(text.replace(before, after))
    ((_, _, rows, _),) = run_js([(tmp_path / "net.mjs", case.X.tolist())])
    with pytest.raises(AssertionError):
        check(case, np.array(rows), errors)


@needs_node
def test_nan_stays_nan_in_javascript_and_a_wrong_length_is_refused(tmp_path: Path) -> None:
    for name in ACTIVATIONS:
        to_js(net([2, 3, 2], name), tmp_path / f"{name}.mjs")
    found = run_js([(tmp_path / f"{name}.mjs", [[None, 1.0], [1.0, None]]) for name in ACTIVATIONS])
    assert all(rows == [[None, None], [None, None]] for _, _, rows, _ in found), "JSON has no NaN"
    with pytest.raises(AssertionError, match="RangeError: x: expected 2 numbers, got 3"):
        run_js([(tmp_path / "relu.mjs", [[1, 2, 3]])])


def test_what_the_module_says(tmp_path: Path) -> None:
    errors = to_js(net([3, 2], "tanh", dtype="f4"), tmp_path / "net.mjs")
    text = (tmp_path / "net.mjs").read_text()
    comment = " ".join(line.removeprefix("// ") for line in text.splitlines() if line.startswith("// "))
    assert str(errors) in comment
    assert errors.exported < 1e-14 < 1e-7 < errors.own
    assert "It computes in float64; the network was in float32." in comment


# --- ONNX -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_onnx_computes_the_network(dtype: str, tmp_path: Path) -> None:
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    for name, case in CASES.items():
        if not case.network.dtype == case.dtype == dtype:
            continue
        errors = to_onnx(case.network, tmp_path / "net.onnx", within=case.within)
        model = onnx.load(tmp_path / "net.onnx")
        assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 13)]
        assert str(errors) in model.doc_string, name
        session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
        X = case.X.astype(dtype)
        (found,) = session.run(["h"], {"x": X})
        assert found.dtype == dtype
        check(case, found.astype(np.float64), errors)
        assert session.run(None, {"x": X[:0]})[0].shape == (0, case.network.sizes[-1])


def test_onnx_that_is_missing_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from samenet.export import onnx_model

    network = net([3, 2], "tanh")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'ONNX models need onnx; install it with: pip install "samenet\[export\]"'):
        to_onnx(network, tmp_path / "net.onnx")
    monkeypatch.setattr(onnx_model, "_LARGEST", network.parameters.nbytes)
    with pytest.raises(ValueError, match="network: expected less than 64 bytes of parameters, got 64"):
        to_onnx(network, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


# --- the bound --------------------------------------------------------------------------------------------------------


def second_derivation(model: Model, dtype: str, within: float) -> float:
    """The bound of `samenet.export.bound` again, node by node, from its equations."""
    r, lost = Rounding.of(dtype), dtype == "float32" and model.dtype == np.float64

    def gamma(n: int) -> float:
        return n * r.u / (1 - n * r.u)

    H, e = [within] * model.sizes[0], [0.0] * model.sizes[0]
    for layer, name in enumerate(model.activations):
        Z, dz = [], []
        for i, row in enumerate(np.abs(model.weights[layer].astype(float)).tolist()):
            b = abs(float(model.biases[layer][i])) if model.bias else 0.0
            n = len(row)
            inherited = sum(w * x for w, x in zip(row, e, strict=True))
            size = sum(w * (x + y) for w, x, y in zip(row, H, e, strict=True)) + b
            rounding = gamma(n + 2 if lost else n + 1) * size + n * r.least
            if lost:
                rounding += r.least * (sum(H) + sum(e) + 1)
            dz.append(inherited + rounding)
            Z.append(sum(w * x for w, x in zip(row, H, strict=True)) + b)
        if name in ("relu", "identity"):
            H, e = Z, dz
            continue
        H = [1.0] * len(Z)
        if name == "sigmoid":
            e = [min(d / 4, 1) + 8 * r.u * (1 + 2 * min(d / 4, 1)) + r.flush for d in dz]
        elif name == "tanh":
            e = [min(d, 2) + 16 * r.u * (1 + 2 * min(d, 2)) + 2 * r.least for d in dz]
        else:
            n = len(dz)
            widths = [d + max(dz) for d in dz]
            relative = [1 - math.exp(-w) if w > 1e-3 else -math.expm1(-w) for w in widths]
            more = [gamma(n + 18) + r.u * (1 + 4 * w + math.log(n)) for w in widths]
            e = [min(a + b, 1) + (n + 2) * r.flush for a, b in zip(relative, more, strict=True)]
    return max(e)


def wide(case: Case) -> Model:
    found: Model = case.network.model
    return found


EXTREMES = {
    "near the end": (net([2, 3, 2], "softmax", scale=1e10, dtype="f4").model, "float32", 1e3),
    "subnormal": (net([2, 3, 2], "identity", scale=1e-160, bias=False).model, "float64", 1e-160),
    "subnormal, tanh": (net([2, 3], "tanh", scale=1e-160, bias=False).model, "float64", 1e-160),
    "lost": (net([2, 3], "identity", scale=1e-35, bias=False).model, "float32", 1e-8),
    "lost, large": (net([2, 3], "identity", scale=1e-44, bias=False).model, "float32", 1e5),
    "saturated": (net([9, 8, 7], "sigmoid", scale=1e6, dtype="f4").model, "float32", 100.0),
    "saturated, tanh": (net([9, 8, 7], "tanh", scale=1e6, dtype="f4").model, "float32", 100.0),
}
BOUNDS = {name: (case.network.model, case.dtype, case.within) for name, case in CASES.items()} | EXTREMES


def deviation(function: Callable[..., float]) -> float:
    """The largest relative distance to the second derivation."""
    found = 0.0
    for model, dtype, within in BOUNDS.values():
        expected = 1.01 * second_derivation(model, dtype, within)
        found = max(found, abs(function(model, np.dtype(dtype), within) / expected - 1))
    return found


def test_the_bound_is_derived_twice() -> None:
    assert deviation(largest_error) < 1e-9


MUTANTS = [
    ("W @ e + gamma", "gamma"),
    ("n + 1 + lost", "n + 1"),
    ("n + 1 + lost", "n + lost"),
    ("* size + n * r.least", "* size"),
    ("W @ (H + e) + b\n", "W @ (H + e)\n"),
    ("W @ (H + e) + b\n", "W @ H + b\n"),
    ("r.least * (1 + (H + e).sum())", "r.least"),
    ("r.least * (1 + (H + e).sum())", "r.least * (H + e).sum()"),
    ("np.finfo(dtype).bits < ", "np.finfo(dtype).bits > "),
    ("W @ H + b, dz, r)", "W @ H, dz, r)"),
    ("_ROUNDED * float", "float"),
    ("e.max()", "e.min()"),
    ("dz / 4, 1", "dz / 5, 1"),
    ("dz / 4, 1", "dz / 4, 2"),
    ("moved + 8 * r.u * (1 + 2 * moved)", "moved + 7 * r.u * (1 + 2 * moved)"),
    ("moved + 8 * r.u * (1 + 2 * moved)", "moved + 8 * r.u"),
    ("np.minimum(dz, 2)", "np.minimum(dz, 1)"),
    ("moved + 16 * r.u * (1 + 2 * moved)", "moved + 15 * r.u * (1 + 2 * moved)"),
    ("moved + 16 * r.u * (1 + 2 * moved)", "moved + 16 * r.u"),
    ("return Z, dz", "return np.ones_like(Z), dz"),
    ("dz + dz.max()", "2 * dz"),
    ("gamma(n + 18, r.u)", "gamma(n + 17, r.u)"),
    ("4 * w + 1 +", "3 * w + 1 +"),
    ("4 * w + 1 +", "4 * w +"),
    (" + np.log(n))", ")"),
    ("-np.expm1(-w) + relative, 1)", "relative, 1)"),
    ("-np.expm1(-w) + relative, 1)", "-np.expm1(-w) + relative, 2)"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m[0]} -> {m[1]}")
def test_a_bound_with_a_mistake_is_noticed(mutant: tuple[str, str]) -> None:
    text = Path(bound.__file__).read_text("utf-8")
    assert text.count(mutant[0]) == 1
    namespace: dict[str, Any] = {"__name__": "mutant"}
    exec(compile(text.replace(*mutant), "mutant", "exec"), namespace)
    assert not deviation(namespace["largest_error"]) < 1e-9


def test_the_bound_covers_that_of_every_sample() -> None:
    for model, dtype, within in BOUNDS.values():
        if model.dtype != dtype:
            continue
        random = np.random.default_rng(0)
        X = random.uniform(-within, within, (200, model.sizes[0]))
        X[:100] = within * random.choice([-1, 1], (100, model.sizes[0]))
        own = bounds.forward(model, X.astype(dtype)).layers[-1].error.max()
        assert own <= largest_error(model, np.dtype(dtype), within)
    model = net([30, 1], "identity").model  # where it is no larger than it has to be
    worst = np.sign(model.weights[0])
    assert largest_error(model, np.dtype("f8"), 1.0) <= 1.02 * bounds.forward(model, worst).layers[-1].error.max()


def test_where_numbers_may_overflow_there_is_no_bound(tmp_path: Path) -> None:
    network = net([3, 4, 2], "relu", scale=1e30, dtype="f4")
    errors = to_js(network, tmp_path / "net.mjs", within=1e10)
    assert errors.own == math.inf > errors.exported
    assert str(errors) == "For inputs from -1e+10 to 1e+10 numbers may overflow: there is no error bound."
    assert "no error bound" in (tmp_path / "net.mjs").read_text()
    assert largest_error(net([3, 4, 2], "relu", scale=1e200).model, np.dtype("f8"), 1e200) == math.inf


def test_an_activation_without_a_bound_is_refused() -> None:
    with pytest.raises(TypeError, match="activation: no bound is derived for 'gelu'"):
        bound._activated("gelu", np.ones(1), np.ones(1), Rounding.of("f8"))


@pytest.mark.parametrize("value", [1.0, 1.049, 1.05, 1.051, 9.9, 9.96, 1.4999e-15, 2.0**-50])
def test_the_stated_bound_is_rounded_up(value: float) -> None:
    text = str(Errors(value, value, 1.0))
    words = text.rstrip(".").replace(",", "").split()
    stated = [float(word) for before, word in pairwise(words) if before in ("within", "most")]
    assert len(stated) == 3
    assert all(value <= number <= 1.11 * value for number in (*stated[:2], stated[2] / 2)), text


# --- arguments and the command line -----------------------------------------------------------------------------------


@pytest.mark.parametrize("export", [to_c, to_js, to_onnx], ids=lambda f: f.__name__)
def test_what_is_refused(export: Any, tmp_path: Path) -> None:
    network, path = net([3, 2], "tanh"), tmp_path / "net.x"
    for bad in (None, "net", [1, 2]):
        with pytest.raises(TypeError, match="network: expected a Network, got"):
            export(bad, path)
    for bad, error in (
        (0, ValueError),
        (-1.0, ValueError),
        (math.inf, ValueError),
        ("1", TypeError),
        (None, TypeError),
    ):
        with pytest.raises(error, match="within: expected"):
            export(network, path, within=bad)
    with pytest.raises(ValueError, match="path: expected the path of a file"):
        export(network, "a\0b")
    network.weights[0][0, 1] = math.nan
    with pytest.raises(ValueError, match=r"weights\[0\]: expected finite numbers, got nan at weights\[0\]\[0, 1\]"):
        export(network, path)
    assert not list(tmp_path.iterdir())


def test_what_is_refused_in_c(tmp_path: Path) -> None:
    network, path = net([3, 2], "tanh"), tmp_path / "net.h"
    for name in ("", "1a", "a b", "_a", "a-b", "é", "a" * 41):
        with pytest.raises(ValueError, match="name: expected an identifier of C"):
            to_c(network, path, name=name)
    with pytest.raises(TypeError, match="name: expected text, got 3"):
        to_c(network, path, name=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"dtype: expected numpy.float64 or numpy.float32"):
        to_c(network, path, dtype="f2")
    network.biases[0][1] = 1e39
    with pytest.raises(
        ValueError, match=r"biases\[0\]: expected finite numbers, got inf at biases\[0\]\[1\] as float32"
    ):
        to_c(network, path, dtype="f4")
    assert not list(tmp_path.iterdir())


def test_parameters_that_no_exporter_knows_are_refused(tmp_path: Path) -> None:
    class More(Model):
        @property
        def parameters(self) -> NDArray[Any]:
            return np.ones(99)

    model = More((3, 2))
    model.theta.flat[:] = 1
    with pytest.raises(ValueError, match="network: expected weights and biases alone, got 91 other parameters"):
        to_js(model, tmp_path / "net.mjs")


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    net([3, 4, 2], "tanh").save("my-net.npz")
    return tmp_path


@pytest.mark.parametrize(("to", "name"), [("c", "my-net.h"), ("js", "my-net.mjs"), ("onnx", "my-net.onnx")])
def test_the_command(to: str, name: str, saved: Path, capsys: Any) -> None:
    if to == "onnx":
        pytest.importorskip("onnx")
    assert __main__.main(["export", "my-net.npz", "--to", to]) == 0
    printed, size = capsys.readouterr().out, (saved / name).stat().st_size
    assert printed.startswith(f"{name}: 3-4-2, {size} bytes\nFor inputs from -1 to 1 each output is within ")
    out = saved / "other.txt"
    assert __main__.main(["export", "my-net.npz", "--to", to, "--output", str(out), "--within", "4"]) == 0
    assert "from -4 to 4" in capsys.readouterr().out
    assert out.stat().st_size > 100


def test_the_command_s_options_of_c(saved: Path, capsys: Any) -> None:
    assert __main__.main(["export", "my-net.npz", "--to", "c", "--name", "abc", "--dtype", "float32"]) == 0
    assert "abc_predict(const float x[3], float h[2])" in (saved / "my-net.h").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["my-net.npz", "--to", "js", "--name", "a"], "--name is only for --to c"),
        (["my-net.npz", "--to", "js", "--dtype", "float32"], "--dtype is only for --to c"),
        (["my-net.npz", "--to", "c", "--name", "a b"], "name: expected an identifier of C"),
        (["my-net.npz"], "--to"),
        (["my-net.npz", "--to", "java"], "invalid choice: 'java'"),
        (["my-net.npz", "--to", "c", "--within", "0"], "expected a number above 0, got '0'"),
        (["my-net.npz", "--to", "c", "--within", "nan"], "expected a number above 0, got 'nan'"),
        (["my-net.npz", "--to", "c", "--within", "x"], "expected a number above 0, got 'x'"),
        (["my-net.npz", "--to", "c", "--output", "no/such"], "expected a file that can be written"),
    ],
)
def test_the_command_refuses(arguments: list[str], message: str, saved: Path, capsys: Any) -> None:
    (saved / "text.npz").write_text("text that is no network")
    assert __main__.main(["export", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert sorted(path.name for path in saved.iterdir()) == ["my-net.npz", "text.npz"]


def test_the_command_says_which_network_it_cannot_export(saved: Path, capsys: Any) -> None:
    network = net([3, 2], "tanh")
    network.biases[0][1] = 1e39
    network.save("far.npz")
    net([3, 4, 2], "tanh", batch_normalization=True).save("normalized.npz")
    for arguments, message in (
        (["far.npz", "--to", "c", "--dtype", "float32"], "far.npz, biases[0]: expected finite numbers, got inf"),
        (["normalized.npz", "--to", "js"], "normalized.npz: expected weights and biases alone, got 4 other parameters"),
    ):
        assert __main__.main(["export", *arguments]) == 3
        assert capsys.readouterr().err.startswith(f"samenet export: error: {message}")


def test_the_command_without_a_file(saved: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert __main__.main(["export", "none.npz", "--to", "c"]) == 3
    assert capsys.readouterr().err.startswith("samenet export: error: none.npz: No such file or directory")
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert __main__.main(["export", "my-net.npz", "--to", "onnx"]) == 3
    assert 'pip install "samenet[export]"' in capsys.readouterr().err


def test_exporters_are_short() -> None:
    for module in (c_header, javascript):
        assert len(Path(module.__file__).read_text("utf-8").splitlines()) < 150
