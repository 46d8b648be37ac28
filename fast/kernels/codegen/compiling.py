"""How a kernel is compiled, how it calls others, and how its compiled form is kept on disk.

Numba compiles what a kernel calls into it, and all of that again into whoever calls the kernel; at the top of a few
layers that is most of the time. An `external` kernel is compiled once for a dtype, under a name of its own, and called
by it.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, njit, typeof, types
from numba.core import cgutils
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.core.errors import TypingError
from numba.extending import intrinsic

from samenet.fast.kernels.codegen.caching import Cache, stamp_of
from samenet.fast.kernels.codegen.loading import load_array_functions
from samenet.fast.kernels.codegen.pipeline import KernelCompiler
from samenet.fast.kernels.codegen.uninterrupted import checkpoint, prepare, uninterrupted
from samenet.model import functions

Kernel = Callable[..., Any]
Signature = Callable[[Any], tuple[Any, ...]]


def _options(flags: tuple[str, ...]) -> dict[str, Any]:
    """Numba's options. Nobody counts who uses an array, which takes longer than a small layer: see `memory`."""
    return {"nogil": True, "error_model": "numpy", "fastmath": set(flags), "_nrt": False}


def _is_off() -> bool:
    """Whether kernels run as plain Python."""
    return bool(vars(config)["DISABLE_JIT"])


# Taken as modules are loaded: later, their files may be others. Kernels count activations and costs by their places.
_STAMP = None if _is_off() else stamp_of(sys.modules["samenet.fast.kernels"], functions)
if not _is_off():
    load_array_functions()
    prepare()


def _dtype_of(kinds: Any) -> Any:
    """The dtype that arguments of these types are of: that of the first array of floats, also in a tuple."""
    for kind in kinds:
        if isinstance(kind, types.BaseTuple):
            if (dtype := _dtype_of(kind)) is not None:
                return dtype
        elif isinstance(kind, types.Array) and isinstance(kind.dtype, types.Float):
            return kind.dtype
    return None


def _called(function: Kernel, visited: set[Kernel]) -> Iterator["_External"]:
    """The external kernels that a kernel calls by name, itself or in kernels that are compiled into it."""
    visited.add(function)
    for name in function.__code__.co_names:
        value: Any = function.__globals__.get(name)
        if isinstance(value, Dispatcher) and value.py_func not in visited:
            yield from _called(value.py_func, visited)
        elif isinstance(getattr(value, "external", None), _External):
            yield value.external


def _before(function: Kernel, dtype: Any) -> None:
    """Compile, or load, the external kernels that a kernel calls by a global name, with a checkpoint before each.

    This only keeps compilations short, so that an interrupt is answered soon. No call depends on it: Numba resolves
    every call, however the kernel is reached, to `_External.call`, which compiles what has not been; and what a kernel
    from the cache calls is read from its code.
    """
    if dtype is not None:
        for called in _called(function, set()):
            called.compile(dtype)
    checkpoint()


def _provide(symbol: str) -> bool:
    """Make sure that compiled code can call an external kernel by this name; returns whether it can."""
    name, _, dtype = symbol.rpartition(".")
    if name not in _external:
        return False
    _external[name].compile(getattr(types, dtype))
    return True


def kernel(*flags: str, holds_gil: bool = False, inlined: bool = False) -> Callable[[Kernel], Kernel]:
    """Compile on first use, cache on disk, release the GIL unless it is held; no exception for a division by zero.

    flags: LLVM's, of those that keep NaN and infinity: "reassoc", "contract".
    It can neither make an array, other than by `memory`, nor return one.
    """

    def compiled(function: Kernel) -> Kernel:
        if _is_off():
            return np.errstate(all="ignore")(function)  # compiled code does not warn
        decorate: Any = njit
        options = {**_options(flags), "nogil": not holds_gil, "no_cfunc_wrapper": True}
        if inlined:
            options["forceinline"] = True
        dispatcher = decorate(**options, pipeline_class=KernelCompiler)(function)
        dispatcher._cache = Cache(function, options, _STAMP, _provide)
        _without_interrupts(dispatcher)
        return dispatcher  # type: ignore[no-any-return]

    return compiled


def _without_interrupts(dispatcher: Any) -> None:
    """Let a dispatcher compile where no interrupt reaches; calls of what is compiled already do not come here."""
    compile_now, compile_for = dispatcher.compile, dispatcher._compile_for_args

    def prepared(signature: Any) -> Any:
        _before(dispatcher.py_func, _dtype_of(getattr(signature, "args", signature)))
        return compile_now(signature)

    dispatcher.compile = lambda signature: uninterrupted(lambda: prepared(signature))
    dispatcher._compile_for_args = lambda *given, **named: uninterrupted(lambda: compile_for(*given, **named))


class _External:
    """A function that is compiled for a dtype before anyone calls it, and found by its name."""

    def __init__(self, function: Kernel, signature: Signature, returns: Any, options: dict[str, Any]) -> None:
        self.function, self.signature, self.returns, self.options = function, signature, returns, options
        self.compiled: dict[Any, CFunc] = {}
        self.begun: set[Any] = set()

    @property
    def base(self) -> str:
        return f"samenet.{self.function.__module__}.{self.function.__qualname__}"

    def name(self, dtype: Any) -> str:
        return f"{self.base}.{dtype}"

    def compile(self, dtype: Any) -> None:
        """For arrays of this dtype, or load it from the cache, unless it has been; from now on its name means it."""
        if dtype in self.compiled:
            return
        if dtype in self.begun:
            raise TypeError(f"{self.base} calls itself, which an external kernel cannot")
        self.begun.add(dtype)
        try:
            _before(self.function, dtype)
            function = CFunc(self.function, (self.signature(dtype), self.returns), {}, self.options, KernelCompiler)
            function._cache = Cache(self.function, self.options, _STAMP, _provide)  # type: ignore[attr-defined]
            function.compile()
            llvmlite.binding.add_symbol(self.name(dtype), function.address)
            self.compiled[dtype] = function  # when all is done: what fails on the way is begun anew by the next call
        finally:
            self.begun.discard(dtype)

    def wanted(self, given: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """The dtype of a call, and the types that the kernel is compiled for. Raises TypingError if they do not fit."""
        dtype = _dtype_of(given)
        if dtype is None:
            raise TypingError(f"{self.base} is called without an array of floats, which tells its dtype: {given}")
        wanted = self.signature(dtype)
        if len(wanted) != len(given) or not all(map(_fits, given, wanted)):
            raise TypingError(f"{self.base} is compiled for {wanted}, and called with {given}")
        return dtype, wanted

    def call(self, typing_context: Any, *given: Any) -> Any:
        """What Numba asks of an intrinsic: the types of the call, and how its code is written."""
        dtype, wanted = self.wanted(given)
        self.compile(dtype)  # however it was called: LLVM ends the process where a name means nothing

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            # An array is handed over as it is: what is known of its order is no part of it.
            arguments = [
                value if isinstance(a, types.Array) else context.cast(builder, value, a, b)
                for value, a, b in zip(values, given, wanted, strict=True)
            ]
            result = ir.VoidType() if self.returns is types.void else context.get_value_type(self.returns)
            kind = ir.FunctionType(result, [argument.type for argument in arguments])
            function = cgutils.get_or_insert_function(builder.module, kind, self.name(dtype))
            answer = builder.call(function, arguments)
            return context.get_dummy_value() if self.returns is types.void else answer

        return self.returns(*given), codegen


def _fits(given: Any, wanted: Any) -> bool:
    """Whether an array may be handed over as it is. Numbers and tuples are converted, or Numba says that it cannot."""
    if not isinstance(wanted, types.Array):
        return not isinstance(given, types.Array)
    same = isinstance(given, types.Array) and (given.dtype, given.ndim) == (wanted.dtype, wanted.ndim)
    return same and wanted.layout in ("A", given.layout)


_external: dict[str, _External] = {}  # by their names without a dtype


def intrinsic_of(function: Kernel, typed: Callable[..., Any]) -> Any:
    """What kernels call in a function's place: the code of `typed(typing_context, *types)`.

    It is the function itself when the compiler is off.
    """
    if _is_off():
        return function

    def typing(typing_context: Any, *given: Any) -> Any:
        return typed(typing_context, *given)

    context = inspect.Parameter("typing_context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    typing.__signature__ = inspect.Signature([context, *inspect.signature(function).parameters.values()])  # type: ignore[attr-defined]
    typing.__name__ = function.__name__
    return intrinsic(typing)


def external(signature: Signature, *flags: str, returns: Any = types.void) -> Callable[[Kernel], Kernel]:
    """Compile by itself for each dtype, to be called from other kernels alone.

    signature: from a dtype, the types of the arguments; the first array of floats is of that dtype. Such a kernel must
    not raise, call itself, or share its module and name with another: raises ValueError, since they would share code.
    """

    def published(function: Kernel) -> Kernel:
        if _is_off():
            return function
        named = _External(function, signature, returns, _options(flags))
        if named.base in _external:
            raise ValueError(f"there is an external kernel {named.base} already")
        _external[named.base] = named
        call: Kernel = intrinsic_of(function, named.call)
        call.external = named  # type: ignore[attr-defined]
        return call

    return published


def _refuse(*_: Any, **__: Any) -> None:
    raise TypeError("arrays of another kind")


def for_exactly(function: Kernel, kinds: tuple[Any, ...], holds_gil: bool) -> Kernel:
    """A kernel for these types of arrays alone: for others, it raises TypeError or an error of Numba's."""
    compiled: Any = kernel(holds_gil=holds_gil)(function)
    if _is_off():

        def checked(*arrays: Any) -> Any:
            if any(typeof(a) != kind or not a.flags.aligned for a, kind in zip(arrays, kinds, strict=True)):
                raise TypeError(f"expected {kinds}")
            return function(*arrays)

        return checked
    compiled.compile(kinds)
    compiled.disable_compile()
    # Numba would look for conversions, and word its TypeError, for 50 times as long as the kernel takes.
    compiled._search_new_conversions = lambda *_, **__: False
    compiled._explain_matching_error = _refuse
    return compiled  # type: ignore[no-any-return]
