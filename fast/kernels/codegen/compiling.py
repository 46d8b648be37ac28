"""How kernels are compiled, call each other and are cached on disk.

Numba compiles everything that a kernel calls into it, and all of that again into each of its callers; with a few levels
of calls, this takes most of the time. An `external` kernel is compiled once per dtype, on its first call, so kernels
that a call does not need are not compiled.
"""

import ctypes
import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, njit, typeof, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from samenet.fast.kernels.codegen.caching import Cache, stamp_of
from samenet.fast.kernels.codegen.calls import call
from samenet.fast.kernels.codegen.pipeline import FunctionToCall, compiler_for
from samenet.fast.kernels.codegen.uninterrupted import prepare, uninterrupted
from samenet.model import functions

Kernel = Callable[..., Any]
Signature = Callable[[Any], tuple[Any, ...]]
_LONG = ir.IntType(64)
_COMPILE = ".compile"  # suffix of the symbol of the function that compiles a kernel


def _options(flags: tuple[str, ...]) -> dict[str, Any]:
    """Numba's options. No reference counting, which takes longer than a small layer: see `memory`."""
    return {"nogil": True, "error_model": "numpy", "fastmath": set(flags), "_nrt": False}


def _is_off() -> bool:
    """Whether kernels run as plain Python."""
    return bool(vars(config)["DISABLE_JIT"])


# Computed at import: files may change later. `functions` defines the indices of activations and costs in kernels.
_STAMP = None if _is_off() else stamp_of(sys.modules["samenet.fast.kernels"], functions)
if not _is_off():
    prepare()


def _dtype_of(kinds: Any) -> Any:
    """The dtype of arguments of these types: that of the first array of floats, which may be in a tuple."""
    for kind in kinds:
        if isinstance(kind, types.BaseTuple):
            if (dtype := _dtype_of(kind)) is not None:
                return dtype
        elif isinstance(kind, types.Array) and isinstance(kind.dtype, types.Float):
            return kind.dtype
    return None


def _provide(symbol: str) -> bool:
    """Make the symbol of an external kernel available to compiled code; returns whether it exists."""
    name, _, dtype = symbol.removesuffix(_COMPILE).rpartition(".")
    if name not in _external:
        return False
    _external[name].publish(getattr(types, dtype))
    return True


def kernel(
    *flags: str, holds_gil: bool = False, inlined: bool = False, light: bool = False, full: bool = False
) -> Callable[[Kernel], Kernel]:
    """Compile on first use, cache on disk, release the GIL unless `holds_gil`; a division by zero does not raise.

    flags: LLVM's fast-math flags, of those that keep NaN and infinity: "reassoc", "contract". light: for kernels
    whose loops over numbers are generated, or in other kernels; LLVM then takes half of the time. full: unroll its
    loops, which takes longer. A kernel can allocate arrays only with `memory`, and cannot return them.
    """

    def compiled(function: Kernel) -> Kernel:
        if _is_off():
            return np.errstate(all="ignore")(function)  # compiled code does not warn
        decorate: Any = njit
        options = {**_options(flags), "nogil": not holds_gil, "no_cfunc_wrapper": True}
        if inlined:
            options["forceinline"] = True
        dispatcher = decorate(**options, pipeline_class=compiler_for(light, full))(function)
        dispatcher._cache = Cache(function, options, _STAMP, _provide)
        _without_interrupts(dispatcher)
        return dispatcher  # type: ignore[no-any-return]

    return compiled


def _without_interrupts(dispatcher: Any) -> None:
    """Make a dispatcher compile where Ctrl-C does not interrupt; does not affect calls of compiled kernels."""
    compile_now, compile_for = dispatcher.compile, dispatcher._compile_for_args
    dispatcher.compile = lambda signature: uninterrupted(lambda: compile_now(signature))
    dispatcher._compile_for_args = lambda *given, **named: uninterrupted(lambda: compile_for(*given, **named))


class _External:
    """A kernel that is compiled, or loaded, per dtype on its first call, with a slot for its address.

    A caller reads the slot. If it is empty, the caller asks Python to fill it; if Python raises, the caller and all of
    its callers return, and the exception is raised where the kernel was called from Python.
    """

    def __init__(
        self, function: Kernel, signature: Signature, returns: Any, options: dict[str, Any], compiler: Any
    ) -> None:
        self.function, self.signature, self.returns, self.options = function, signature, returns, options
        self.compiler = compiler
        self.cache: Any = Cache(function, options, _STAMP, _provide)
        self.slots: dict[Any, tuple[ctypes.c_int64, Callable[[], None]]] = {}
        self.compiled: dict[Any, Any] = {}

    @property
    def base(self) -> str:
        return f"samenet.{self.function.__module__}.{self.function.__qualname__}"

    def publish(self, dtype: Any) -> str:
        """The symbol of its slot, registered here, as is the symbol with `_COMPILE` of the function that fills it."""
        name = f"{self.base}.{dtype}"
        if dtype not in self.slots:
            slot, fill = self.slots[dtype] = ctypes.c_int64(), partial(self.compile, dtype)
            llvmlite.binding.add_symbol(name, ctypes.addressof(slot))
            llvmlite.binding.add_symbol(name + _COMPILE, id(fill))
        return name

    def compile(self, dtype: Any) -> None:
        """Compile it for arrays of this dtype, or load it from the cache, unless this has been done."""
        uninterrupted(lambda: self._compile(dtype))

    def _compile(self, dtype: Any) -> None:
        if dtype in self.compiled:
            return
        target, given = cpu_target.target_context, signature(self.returns, *self.signature(dtype))
        form = self.cache.load_overload(given, target)
        if form is None:
            compiler = FunctionToCall(self.function, cpu_target, self.options, {}, self.compiler)
            form = compiler.compile(given.args, given.return_type)
            self.cache.save_overload(given, form)
        self.publish(dtype)
        self.slots[dtype][0].value = form.library.get_pointer_to_function(form.fndesc.llvm_func_name)
        self.compiled[dtype] = form  # last: if anything above fails, the next call starts again

    def wanted(self, given: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """The dtype of a call, and the types for which the kernel is compiled. Raises TypingError on a mismatch."""
        dtype = _dtype_of(given)
        if dtype is None:
            raise TypingError(f"{self.base} is called without an array of floats, which tells its dtype: {given}")
        wanted = self.signature(dtype)
        if len(wanted) != len(given) or not all(map(_fits, given, wanted)):
            raise TypingError(f"{self.base} is compiled for {wanted}, and called with {given}")
        return dtype, wanted

    def call(self, typing_context: Any, *given: Any) -> Any:
        """The implementation of the intrinsic: the call's types, and the function that generates its code."""
        dtype, wanted = self.wanted(given)
        name = self.publish(dtype)

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            arguments = [context.cast(builder, *each) for each in zip(values, given, wanted, strict=True)]
            abi, slot = context.call_conv, _variable(builder.module, name, _LONG)
            address = cgutils.alloca_once_value(builder, builder.load_atomic(slot, "acquire", 8))
            with cgutils.if_unlikely(builder, cgutils.is_null(builder, builder.load(address))):
                fill = _variable(builder.module, name + _COMPILE, ir.IntType(8))
                with cgutils.if_unlikely(builder, builder.call(_asking_python(context, builder.module), [fill])):
                    abi.return_exc(builder)
                builder.store(builder.load_atomic(slot, "acquire", 8), address)
            function = builder.inttoptr(builder.load(address), abi.get_function_type(self.returns, wanted).as_pointer())
            return call(context, builder, function, self.returns, wanted, arguments)

        return self.returns(*given), codegen


def _variable(module: Any, name: str, kind: Any) -> Any:
    """An external symbol of the process."""
    return module.globals.get(name) or ir.GlobalVariable(module, kind, name)


def written_once(module: Any, name: str, result: Any, arguments: list[Any], write: Callable[..., None]) -> Any:
    """A function generated once in a module by `write(builder, *arguments)`, which is faster than inlining it."""
    if name not in module.globals:
        function = ir.Function(module, ir.FunctionType(result, arguments), name)
        function.linkage = "linkonce_odr"
        function.attributes.add("noinline")
        write(ir.IRBuilder(function.append_basic_block()), *function.args)
    return module.globals[name]


def _asking_python(context: Any, module: Any) -> Any:
    """A function that makes Python call the object passed to it; returns whether that raised."""

    def write(builder: Any, called: Any) -> None:
        python = context.get_python_api(builder)
        lock = python.gil_ensure()
        answer = python.call_function_objargs(called, ())
        python.decref(answer)
        python.gil_release(lock)
        builder.ret(cgutils.is_null(builder, answer))

    return written_once(module, "samenet_ask_python", ir.IntType(1), [ir.IntType(8).as_pointer()], write)


def _fits(given: Any, wanted: Any) -> bool:
    """Whether an array may be passed unchanged. For numbers and tuples, Numba converts or raises."""
    if not isinstance(wanted, types.Array):
        return not isinstance(given, types.Array)
    same = isinstance(given, types.Array) and (given.dtype, given.ndim) == (wanted.dtype, wanted.ndim)
    return same and wanted.layout in ("A", given.layout)


_external: dict[str, _External] = {}  # by their symbols without dtype


def intrinsic_of(function: Kernel, typed: Callable[..., Any]) -> Any:
    """What kernels call instead of a function: the code of `typed(typing_context, *types)`.

    If the JIT is disabled, it is the function itself.
    """
    if _is_off():
        return function

    def typing(typing_context: Any, *given: Any) -> Any:
        return typed(typing_context, *given)

    context = inspect.Parameter("typing_context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    typing.__signature__ = inspect.Signature([context, *inspect.signature(function).parameters.values()])  # type: ignore[attr-defined]
    typing.__name__ = function.__name__
    return intrinsic(typing)


def external(
    signature: Signature, *flags: str, returns: Any = types.void, light: bool = False, full: bool = False
) -> Callable[[Kernel], Kernel]:
    """Compile separately for each dtype; only other kernels can call it.

    signature: a function from a dtype to the types of the arguments, whose first array of floats has that dtype. Raises
    ValueError if its module has another external kernel of this name.
    """

    def published(function: Kernel) -> Kernel:
        if _is_off():
            return function
        named = _External(function, signature, returns, _options(flags), compiler_for(light, full))
        if named.base in _external:
            raise ValueError(f"there is an external kernel {named.base} already")
        _external[named.base] = named
        call: Kernel = intrinsic_of(function, named.call)
        call.external = named  # type: ignore[attr-defined]
        return call

    return published


def compile_external(dtype: str, part: int = 0, parts: int = 1) -> None:
    """Compile or load all external kernels, or one of so many parts of them, for a dtype; calls do it on demand."""
    for named in list(_external.values())[part::parts]:
        named.compile(getattr(types, dtype))


def code_for(function: Any, *given: Any) -> Any:
    """A kernel's code for arguments of the types of these, which does not check that it is called with such."""
    return function if _is_off() else function.compile(tuple(map(typeof, given)))


def _refuse(*_: Any, **__: Any) -> None:
    raise TypeError("arrays of another type")


def for_exactly(function: Kernel, kinds: tuple[Any, ...], holds_gil: bool) -> Kernel:
    """A kernel for these types of arrays and numbers: for others, it raises TypeError or an error of Numba's."""
    compiled: Any = kernel(holds_gil=holds_gil)(function)
    if _is_off():

        def checked(*arrays: Any) -> Any:
            given = [pair for pair in zip(arrays, kinds, strict=True) if isinstance(pair[1], types.Array)]
            if any(typeof(a) != kind or not a.flags.aligned for a, kind in given):
                raise TypeError(f"expected {kinds}")
            return compiled(*arrays)

        return checked
    compiled.compile(kinds)
    compiled.disable_compile()
    # Searching for conversions and formatting a TypeError takes Numba 50 times as long as the kernel.
    compiled._search_new_conversions = lambda *_, **__: False
    compiled._explain_matching_error = _refuse
    return compiled  # type: ignore[no-any-return]
