"""What kernels call that is written as vector instructions, and a vector register as a value in a kernel.

Each stands beside a plain Python function, which says what it does and runs where the compiler is off; tests compare
the two.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import models, register_model

from samenet.fast.kernels.codegen.compiling import intrinsic_of
from samenet.fast.kernels.codegen.vector import VectorBuilder


class Register(types.Type):
    """Some numbers of a dtype in a vector register."""

    def __init__(self, dtype, lanes):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Register({dtype}, {lanes})")


@register_model(Register)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        scalar = ir.DoubleType() if kind.dtype == types.float64 else ir.FloatType()
        super().__init__(manager, kind, ir.VectorType(scalar, kind.lanes))


def generated(plain: Callable[..., Any], write: Callable[..., Any], returns: Any = types.void) -> Any:
    """What kernels call: code that `write(vb, *values)` writes, or the plain function when the compiler is off.

    The first array or register tells the dtype; a register, or a tuple as long as one, how many lanes: else the widest.
    The writer gets arrays as Numba's structures of them, integers as int64, floats in all lanes. returns: void, a type
    of numbers, or `Register` itself for one of that dtype and as many lanes.
    """

    def typed(typing_context, *kinds):
        dtype = next(kind.dtype for kind in kinds if isinstance(kind, types.Array | Register))
        lanes = 0
        for kind in kinds:
            if isinstance(kind, types.UniTuple | Register):
                lanes = kind.lanes if isinstance(kind, Register) else len(kind)

        def codegen(context, builder, signature, values):
            vb, given = VectorBuilder(context, builder, dtype, lanes), []
            for kind, value in zip(kinds, values, strict=True):
                if isinstance(kind, types.Array):
                    value = context.make_array(kind)(context, builder, value)
                elif isinstance(kind, types.Float):
                    value = vb.broadcast(context.cast(builder, value, kind, dtype))
                elif isinstance(kind, types.Integer):
                    value = context.cast(builder, value, kind, types.int64)
                given.append(value)
            result = write(vb, *given)
            return context.get_dummy_value() if returns is types.void else result

        return (Register(dtype, lanes) if returns is Register else returns)(*kinds), codegen

    return intrinsic_of(plain, typed)
