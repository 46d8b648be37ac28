"""Type inference without repeated searches: what an operator returns is determined once.

`pipeline` replaces Numba's own functions by these while it compiles a kernel.
"""

from typing import Any

from numba.core import interpreter, types
from numba.core.base import BaseContext
from numba.core.types.functions import BaseFunction
from numba.core.typing.context import BaseContext as TypingContext
from numba.core.typing.templates import builtin_registry

_get_call_type = BaseFunction.get_call_type
_signatures: dict[Any, Any] = {}  # by operator and types


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


def _refresh(self: Any) -> None:
    """`BaseContext.refresh`, which Numba calls if it finds no code for a call, as for each view of an array.

    Only the first registry is searched, because only intrinsics can be new, and it contains them.
    """
    self.install_registry(next(iter(self._registries)))


INFERENCE = (
    (BaseFunction, "get_call_type", _call_type),
    (TypingContext, "refresh", lambda self: self.install_registry(builtin_registry)),
    (BaseContext, "refresh", _refresh),
    (interpreter, "peep_hole_delete_with_exit", lambda function: function),  # kernels have no `with`
)
