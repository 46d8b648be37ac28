"""How a kernel is compiled, how it calls others, and how its compiled form is kept on disk.

Numba compiles what a kernel calls into it, and all of that again into whoever calls the kernel; at the top of a few
layers that is most of the time. An `external` kernel is compiled once for a dtype, under a name of its own, and called
by it.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, njit, typeof, types
from numba.core import cgutils
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.extending import intrinsic

Kernel = Callable[..., Any]
Signature = Callable[[Any], tuple[Any, ...]]


def _options(flags: tuple[str, ...], makes_arrays: bool) -> dict[str, Any]:
    """Numba's options."""
    return {"nogil": True, "error_model": "numpy", "fastmath": set(flags), "_nrt": makes_arrays}


def _is_off() -> bool:
    """Whether kernels run as plain Python."""
    return bool(vars(config)["DISABLE_JIT"])


def _stamp() -> str:
    """A digest of all files in this folder."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_STAMP = _stamp()


class _Cache(FunctionCache):
    """Numba's cache, which forgets a kernel when any kernel has changed, not only those in the same file.

    Asked for a kernel, it first sees that the external ones that it calls are there.
    """

    def __init__(self, function: Kernel) -> None:
        super().__init__(function)
        self._cache_file._source_stamp = _STAMP

    def load_overload(self, signature: Any, target: Any) -> Any:
        dtype = _dtype_of(getattr(signature, "args", signature))
        for function in _called(self._py_func, set()):  # Numba's lock is held: no other thread is here
            function.compile(dtype)
        return super().load_overload(signature, target)


def _dtype_of(kinds: Any) -> Any:
    """The dtype that arguments of these types are of: that of the first array of floats, also in a tuple."""
    for kind in kinds:
        if isinstance(kind, types.BaseTuple):
            if (dtype := _dtype_of(kind)) is not None:
                return dtype
        elif isinstance(kind, types.Array) and isinstance(kind.dtype, types.Float):
            return kind.dtype
    return None


def _called(function: Kernel, seen: set[Kernel]) -> Iterator["_External"]:
    """The external kernels that a kernel calls by name, itself or in kernels that are compiled into it."""
    seen.add(function)
    for name in function.__code__.co_names:
        value: Any = function.__globals__.get(name)
        if isinstance(value, Dispatcher) and value.py_func not in seen:
            yield from _called(value.py_func, seen)
        elif isinstance(getattr(value, "external", None), _External):
            yield value.external


def kernel(*flags: str, makes_arrays: bool = False, holds_gil: bool = False) -> Callable[[Kernel], Kernel]:
    """Compile on first use, cache on disk, release the GIL unless it is held; no exception for a division by zero.

    flags: LLVM's, of those that keep NaN and infinity: "reassoc", "contract".
    makes_arrays: only such kernels count who uses an array, which takes longer than a small layer. What does not count
    must not return an array to what does, which would count it as its own.
    """

    def compiled(function: Kernel) -> Kernel:
        if _is_off():
            return np.errstate(all="ignore")(function)  # compiled code does not warn
        decorate: Any = njit
        options = {**_options(flags, makes_arrays), "nogil": not holds_gil, "no_cfunc_wrapper": True}
        dispatcher = decorate(cache=True, **options)(function)
        dispatcher._cache = _Cache(function)
        return dispatcher  # type: ignore[no-any-return]

    return compiled


class _External:
    """A function that is compiled for a dtype before anyone calls it, and found by its name."""

    def __init__(self, function: Kernel, signature: Signature, returns: Any, options: dict[str, Any]) -> None:
        self.function, self.signature, self.returns, self.options = function, signature, returns, options
        self.compiled: dict[Any, CFunc] = {}

    def name(self, dtype: Any) -> str:
        return f"samenet.{self.function.__module__}.{self.function.__name__}.{dtype}"

    def compile(self, dtype: Any) -> None:
        """For arrays of this dtype, or load it from the cache, unless it has been; from now on its name means it."""
        if dtype in self.compiled:
            return
        self.compiled[dtype] = function = CFunc(self.function, (self.signature(dtype), self.returns), {}, self.options)
        function._cache = _Cache(self.function)  # type: ignore[attr-defined]
        function.compile()
        llvmlite.binding.add_symbol(self.name(dtype), function.address)

    def call(self, typing_context: Any, *given: Any) -> Any:
        """What Numba asks of an intrinsic: the types of the call, and how its code is written."""
        dtype = _dtype_of(given)
        wanted = self.signature(dtype)

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


def external(
    signature: Signature, *flags: str, returns: Any = types.void, makes_arrays: bool = False
) -> Callable[[Kernel], Kernel]:
    """Compile by itself for each dtype, to be called from other kernels alone.

    signature: from a dtype, the types of the arguments; the first array of floats is of that dtype. Such a kernel must
    not raise.
    """

    def published(function: Kernel) -> Kernel:
        if _is_off():
            return function
        named = _External(function, signature, returns, _options(flags, makes_arrays))
        call: Kernel = intrinsic_of(function, named.call)
        call.external = named  # type: ignore[attr-defined]
        return call

    return published


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
    return compiled  # type: ignore[no-any-return]
