"""The code that the kernels generate, compiled by LLVM without Numba's dispatcher, so that it also runs without the
JIT.

The kernel modules are loaded again as they would be on a processor with given features: with registers of 16, 32 or 64
bytes. In these copies, each piece of generated code is kept together with the equivalent plain function.
"""

import ctypes
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import llvmlite.binding
import numba
import numpy as np
import pytest
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.np import arrayobj

import samenet.fast.numba  # noqa: F401  all kernels: one that is first imported below would be made from what is put there
from samenet.fast import kernels
from samenet.fast.kernels.codegen import compiling, pipeline
from samenet.fast.kernels.codegen import values as values_of_kernels
from samenet.testing.mutation import replaced

KERNELS = Path(kernels.__file__).parent
_CODEGEN = (
    "vector",
    "arithmetic",
    "generated",
    "loops",
    "microkernels",
    "dots",
    "packed",
    "transpose",
    "stepping",
    "registers",
    "lane_products",
    "atomic",
    "memory",
)
MODULES = (
    *(f"codegen.{name}" for name in _CODEGEN),
    *("elementary", "sparse_input", "parallel", "activations", "dropout"),
)
# Features of processors, by the bytes of their registers; the first are those that any has.
FEATURES = {16: "", 32: "+avx,+avx2,+fma", 64: "+avx,+avx2,+fma,+avx512f,+avx512vl,+avx512bw,+avx512dq,+avx512cd"}
_host = llvmlite.binding.get_host_cpu_features()
WIDTHS = [width for width, names in FEATURES.items() if all(_host.get(name[1:]) for name in names.split(",") if name)]

LONG = ir.IntType(64)


@dataclass(frozen=True)
class Generated:
    """A plain function, and its generated code: Numba calls `typed(typing_context, *types)` of an intrinsic."""

    plain: Callable[..., Any]
    typed: Callable[..., Any]

    def __call__(self, *values: Any) -> Any:
        return self.plain(*values)


def path_of(name: str) -> Path:
    """The file of a module of the kernels, by its name below them."""
    return KERNELS / f"{name.replace('.', '/')}.py"


def again(name: str) -> ModuleType:
    """A separate copy of a module of the kernels."""
    original = importlib.import_module(f"samenet.fast.kernels.{name}")
    module = ModuleType(original.__name__)
    module.__file__ = original.__file__
    path = path_of(name)
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    return module


def load(width: int, changed: Callable[[str], str] = lambda text: text) -> SimpleNamespace:
    """The modules for registers of this width, each from its text after `changed`."""
    loaded: dict[str, ModuleType] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "CPU_FEATURES", FEATURES[width])
        patch.setattr(compiling, "intrinsic_of", Generated)
        patch.setattr(compiling, "kernel", lambda *flags, **named: lambda function: function)
        patch.setattr(compiling, "external", lambda *signature, **returns: lambda function: function)
        for name in MODULES:
            path = path_of(name)
            text = path.read_text(encoding="utf-8")
            loaded[name] = module = ModuleType(f"samenet.fast.kernels.{name}")
            patch.setitem(sys.modules, module.__name__, module)
            package, _, last = module.__name__.rpartition(".")
            patch.setattr(importlib.import_module(package), last, module, raising=False)
            # The text is compiled under the file's own name, so that coverage counts its lines.
            exec(
                compile(changed(text), str(path) if changed(text) == text else f"changed {name}", "exec"), vars(module)
            )
    assert width == loaded["codegen.vector"].REGISTER
    return SimpleNamespace(width=width, **{name.rpartition(".")[2]: module for name, module in loaded.items()})


def change(old: str, new: str) -> Callable[[str], str]:
    """A function for `load` that replaces a fragment, which occurs once in all of the modules."""
    texts = {name: path_of(name).read_text(encoding="utf-8") for name in MODULES}
    changed = replaced(old, new, texts)
    return {texts[name]: changed[name] for name in MODULES}.__getitem__


def _parameters(kind: Any) -> list[Any]:
    """The native parameters for an argument: an array is passed by address, shape and strides, a register by address.

    A tuple is not passed, because only its type matters.
    """
    if isinstance(kind, types.Array):
        return [LONG] * (1 + 2 * kind.ndim)
    if isinstance(kind, types.Integer):
        return [LONG]
    if isinstance(kind, types.UniTuple):
        return []
    if isinstance(kind, types.Float):
        return [cpu_target.target_context.get_data_type(kind)]
    return [LONG]


def _values(kind: Any, values: list[Any]) -> list[Any]:
    """The native argument values, for the caller."""
    if isinstance(kind, types.Array):
        (array,) = values
        assert array.dtype == np.dtype(str(kind.dtype))
        assert array.ndim == kind.ndim
        return [array.ctypes.data, *array.shape, *array.strides]
    if isinstance(kind, types.UniTuple):
        return []
    return [values[0].ctypes.data if isinstance(values[0], np.ndarray) else values[0]]


def native(generated: Generated, width: int, *kinds: Any) -> Callable[..., Any]:
    """The code for arguments of these types as a function of arrays, numbers and registers, which are arrays too.

    A register that it returns is written to one more array, the last argument.
    """
    cpu_target.target_context.refresh()
    with pipeline._linking():
        return _native(generated, width, *kinds)


def _native(generated: Generated, width: int, *kinds: Any) -> Callable[..., Any]:
    context, typing_context = cpu_target.target_context.subtarget(), cpu_target.typing_context
    context.data_model_manager = values_of_kernels.MODELS
    signature, write = generated.typed(typing_context, *kinds)
    returned = signature.return_type
    in_register = not isinstance(returned, types.Integer | types.Boolean) and returned is not types.void
    flat = [parameter for kind in kinds for parameter in _parameters(kind)] + [LONG] * in_register
    target = llvmlite.binding.Target.from_default_triple()
    machine = target.create_target_machine(features=FEATURES[width], opt=2)
    module = ir.Module()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    nothing = returned is types.void or in_register
    function = ir.Function(module, ir.FunctionType(ir.VoidType() if nothing else LONG, flat), "generated")
    builder = ir.IRBuilder(function.append_basic_block())
    given, values = list(function.args), []
    for kind in kinds:
        own, given = given[: len(_parameters(kind))], given[len(_parameters(kind)) :]
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder)
            number = context.get_data_type(kind.dtype)
            arrayobj.populate_array(
                array,
                data=builder.inttoptr(own[0], number.as_pointer()),
                shape=cgutils.pack_array(builder, own[1 : kind.ndim + 1]),
                strides=cgutils.pack_array(builder, own[kind.ndim + 1 :]),
                itemsize=context.get_constant(types.intp, kind.dtype.bitwidth // 8),
                meminfo=None,
            )
            values.append(array._getvalue())
        elif isinstance(kind, types.UniTuple):  # of which only the type counts
            values.append(None)
        elif isinstance(kind, types.Integer | types.Float):
            values.append(own[0])
        else:
            values.append(_register(builder, own[0], context.get_value_type(kind)))
    result = write(context, builder, signature, values)
    if in_register:
        place = builder.inttoptr(given[0], result.type.as_pointer())
        builder.store(result, place).align = 1
    builder.ret_void() if nothing else builder.ret(builder.zext(result, LONG) if returned is types.boolean else result)

    parsed = llvmlite.binding.parse_assembly(str(module))
    parsed.verify()
    engine = llvmlite.binding.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    numbers = {LONG: ctypes.c_int64, ir.DoubleType(): ctypes.c_double, ir.FloatType(): ctypes.c_float}
    kind_of_call = ctypes.CFUNCTYPE(None if nothing else ctypes.c_int64, *(numbers[parameter] for parameter in flat))
    call = kind_of_call(engine.get_function_address("generated"))

    def run(*arguments: Any) -> Any:
        assert engine is not None  # it owns the code, and lives as long as this function
        expected = list(zip(kinds, arguments, strict=False))
        extra = [array.ctypes.data for array in arguments[len(kinds) :]]
        return call(*(value for kind, argument in expected for value in _values(kind, [argument])), *extra)

    return run


def _register(builder: Any, address: Any, kind: Any) -> Any:
    loaded = builder.load(builder.inttoptr(address, kind.as_pointer()))
    loaded.align = 1
    return loaded
