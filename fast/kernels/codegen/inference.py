"""Type inference without repeated searches: what an operator, attribute or function returns is determined once.

`pipeline` replaces Numba's own functions by these while it compiles a kernel.
"""

from types import BuiltinFunctionType
from typing import Any

from numba.core import interpreter, types
from numba.core.base import BaseContext
from numba.core.types.functions import BaseFunction
from numba.core.typing.context import BaseContext as TypingContext
from numba.core.typing.templates import builtin_registry

_get_call_type, _resolve_getattr = BaseFunction.get_call_type, TypingContext.resolve_getattr
_resolve_value_type = TypingContext.resolve_value_type
_signatures: dict[Any, Any] = {}  # by operator and types
_attributes: dict[Any, Any] = {}  # by type and name
_constants: dict[Any, Any] = {}  # the types of Python's own functions and classes


def _call_type(self: Any, context: Any, args: Any, kws: Any) -> Any:
    """`BaseFunction.get_call_type`, cached."""
    if kws or not isinstance(args, tuple) or not isinstance(self, types.Function):
        return _get_call_type(self, context, args, kws)
    plain = tuple(map(types.unliteral, args))
    if all(isinstance(kind, types.Number | types.Boolean) for kind in plain):
        args = plain  # for numbers, the result type is the same for constants
    key = self, args
    if key not in _signatures:
        signature = _get_call_type(self, context, args, kws)
        # Not cached: what was compiled for this call (instead of found in Numba) may differ between kernels.
        if signature is None or self.get_impl_key(signature) is not self.typing_key:
            return signature
        _signatures[key] = signature
    return _signatures[key]


def _attribute(self: Any, kind: Any, name: str) -> Any:
    """`resolve_getattr`, cached for what has the same attributes in all kernels."""
    if not isinstance(kind, types.Array | types.BaseTuple | types.Module):
        return _resolve_getattr(self, kind, name)
    key = kind, name
    if key not in _attributes:
        _attributes[key] = _resolve_getattr(self, kind, name)
    return _attributes[key]


def _constant(self: Any, value: Any) -> Any:
    """`resolve_value_type`, cached for Python's functions and classes, as which Numba types them last."""
    if not isinstance(value, BuiltinFunctionType | type):
        return _resolve_value_type(self, value)
    if value not in _constants:
        _constants[value] = _resolve_value_type(self, value)
    return _constants[value]


def _refresh(self: Any) -> None:
    """`BaseContext.refresh`, which Numba calls if it finds no code for a call, as for each view of an array.

    Only the first registry is searched, because only intrinsics can be new, and it contains them.
    """
    self.install_registry(next(iter(self._registries)))


INFERENCE = (
    (BaseFunction, "get_call_type", _call_type),
    (TypingContext, "resolve_getattr", _attribute),
    (TypingContext, "resolve_value_type", _constant),
    (TypingContext, "refresh", lambda self: self.install_registry(builtin_registry)),
    (BaseContext, "refresh", _refresh),
    (interpreter, "peep_hole_delete_with_exit", lambda function: function),  # kernels have no `with`
)
