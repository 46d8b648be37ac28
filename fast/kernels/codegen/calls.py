"""Calls between kernels: arrays and tuples are passed as one LLVM value, and an error returns from all callers.

Numba passes every field of an array as an argument of its own, and generates code at every call for exceptions that
the caller may catch. `pipeline` replaces this while it compiles a kernel; LLVM compiles both to the same calls.
"""

from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.base import BaseContext
from numba.core.callconv import RETCODE_NONE, RETCODE_OK, CPUCallConv
from numba.core.registry import cpu_target

_call_function = CPUCallConv.call_function


class _Packer:
    """Numba's interface to the arguments of a call; some, such as an omitted one, are not passed."""

    def __init__(self, context: Any, kinds: Any) -> None:
        self._models = [context.data_model_manager.lookup(kind) for kind in kinds]
        self._is_passed = [model.get_argument_type() != () for model in self._models]
        self.argument_types = [model.get_value_type() for model in self._passed(self._models)]

    def _passed(self, values: Any) -> list[Any]:
        return [value for value, is_passed in zip(values, self._is_passed, strict=True) if is_passed]

    def as_arguments(self, builder: Any, values: Any) -> list[Any]:
        return [_of_type(builder, *each) for each in zip(self._passed(values), self.argument_types, strict=True)]

    def from_arguments(self, builder: Any, values: Any) -> list[Any]:
        rest = iter(values)
        known = zip(self._models, self._is_passed, strict=True)
        return [next(rest) if is_passed else model.from_argument(builder, ()) for model, is_passed in known]

    def assign_names(self, values: Any, names: Any) -> None:
        for value, name in zip(values, self._passed(names), strict=True):
            value.name = name


def _of_type(builder: Any, value: Any, kind: Any) -> Any:
    """The value in the type of its parameter: Numba also makes a struct of numbers that are an array there."""
    if value.type == kind:
        return value
    result = kind(ir.Undefined)
    for i, part in enumerate(kind.elements):
        result = builder.insert_value(result, _of_type(builder, builder.extract_value(value, i), part), i)
    return result


def _call(self: Any, builder: Any, function: Any, returns: Any, kinds: Any, values: Any, attrs: Any = None) -> Any:
    """`CPUCallConv.call_function`; of the result, kernels ask only whether it is an error."""
    error = builder.function.args[1]
    if error.type != function.type.pointee.args[1]:  # the caller is a function of Python's
        return _call_function(self, builder, function, returns, kinds, values, attrs)
    result = cgutils.alloca_once(builder, self.get_return_type(returns).pointee)
    given = self._get_arg_packer(kinds).as_arguments(builder, values)
    code = builder.call(function, [result, error, *given], attrs=attrs or ())
    is_error = builder.and_(*(builder.icmp_signed("!=", code, each) for each in (RETCODE_OK, RETCODE_NONE)))
    status = SimpleNamespace(code=code, is_error=is_error)
    return status, self.context.get_returned_value(builder, returns, builder.load(result))


def _return_error(self: Any, builder: Any, status: Any) -> None:
    """`CPUCallConv.return_status_propagate`: kernels catch no exceptions, so the callee wrote to the caller's."""
    builder.ret(status.code)


def call(context: Any, builder: Any, function: Any, returns: Any, kinds: Any, values: Any) -> Any:
    """The result of a compiled function, given by its address; if it raises, so does the caller."""
    status, result = context.call_conv.call_function(builder, function, returns, kinds, values)
    with cgutils.if_unlikely(builder, status.is_error):
        context.call_conv.return_status_propagate(builder, status)
    return result


_compiled: dict[Any, Any] = {}  # the functions that Numba's own call, which it would share with other users' functions

CALLS = (
    (BaseContext, "get_arg_packer", lambda self, kinds: _Packer(self, kinds)),
    (CPUCallConv, "call_function", _call),
    (CPUCallConv, "return_status_propagate", _return_error),
    (cpu_target.target_context, "cached_internal_func", _compiled),
)
