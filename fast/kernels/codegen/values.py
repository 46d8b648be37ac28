"""Arrays, slices and ranges as LLVM values.

Numba keeps each of them in memory while it generates code: an access to a number of an array is 30 instructions, and a
loop over a range 70, most of which LLVM then has to remove. `pipeline` replaces this while it compiles a kernel.
"""

import sys
from functools import partial
from typing import Any

from llvmlite import ir
from llvmlite.ir.instructions import InsertValue
from numba.core import cgutils, types
from numba.cpython import slicing
from numba.np import arrayobj

_struct_proxy, _make_array, _extract = cgutils.create_struct_proxy, arrayobj.make_array, ir.IRBuilder.extract_value
_from_end = slicing.fix_index


class _Fields:
    """Numba's interface to the fields of an array, slice or range, without memory until its address is needed."""

    def __init__(self, kind: Any, context: Any, builder: Any, value: Any = None, ref: Any = None) -> None:
        self._fe_type, self._context, self._builder = kind, context, builder
        self._datamodel = context.data_model_manager[kind]
        self._value = self._datamodel.get_value_type()(ir.Undefined) if value is None else value
        self._memory = None if ref is None else _struct_proxy(kind)(context, builder, ref=ref)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._memory is not None:
            return getattr(self._memory, name)
        return self._builder.extract_value(self._value, self._datamodel.get_field_position(name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        elif self._memory is not None:
            setattr(self._memory, name, value)
        else:
            self._value = self._builder.insert_value(self._value, value, self._datamodel.get_field_position(name))

    def _getvalue(self) -> Any:
        return self._value if self._memory is None else self._memory._getvalue()

    def _getpointer(self) -> Any:
        if self._memory is None:
            self._memory = _struct_proxy(self._fe_type)(self._context, self._builder, value=self._value)
        return self._memory._getpointer()


def _proxy(kind: Any, how: str = "value") -> Any:
    """`cgutils.create_struct_proxy`. Other types may get a field in one of two branches, so they stay in memory."""
    is_value = how == "value" and isinstance(kind, types.SliceType | types.RangeType)
    return partial(_Fields, kind) if is_value else _struct_proxy(kind, how)


def _array(kind: Any) -> Any:
    """`arrayobj.make_array`, which would look for conversions to arrays in all registries."""
    return partial(_Fields, kind) if isinstance(kind, types.Array) else _make_array(kind)


def _field(self: Any, struct: Any, place: Any, name: str = "") -> Any:
    """`IRBuilder.extract_value`; what was just inserted is returned itself."""
    if isinstance(place, int):
        while isinstance(struct, InsertValue) and struct.indices[0] != place:
            struct = struct.aggregate
        if isinstance(struct, InsertValue) and len(struct.indices) == 1:
            return struct.value
    return _extract(self, struct, place, name)


def _is_natural(value: Any) -> bool:
    """Whether this is a constant of at least 0."""
    return isinstance(value, ir.Constant) and isinstance(value.constant, int) and value.constant >= 0


def _index(builder: Any, index: Any, size: Any) -> Any:
    """`slicing.fix_index`. In kernels, only constants may count from the end, so LLVM can vectorize `a[i + j]`."""
    is_known = isinstance(index, ir.Constant) and isinstance(index.constant, int)
    return builder.add(index, size) if is_known and index.constant < 0 else index


def _check_slice(context: Any, builder: Any, kind: Any, view: Any) -> None:
    if kind.has_step:
        raise NotImplementedError("a slice with a step")


def _fix_slice(builder: Any, view: Any, size: Any) -> None:
    """Limit the bounds of a slice with step 1 to an array's size, without branches."""
    zero = size.type(0)

    def within(bound: Any) -> Any:
        if _is_natural(bound) and bound.constant == 0:
            return bound
        if not _is_natural(bound):
            bound = _from_end(builder, bound, size)
            bound = builder.select(builder.icmp_signed("<", bound, zero), zero, bound)
        return builder.select(builder.icmp_signed(">", bound, size), size, bound)

    view.start, view.stop = within(view.start), within(view.stop)


def _slice_length(builder: Any, view: Any) -> Any:
    """The length of a slice after `_fix_slice`."""
    length = builder.sub(view.stop, view.start)
    if _is_natural(view.start) and view.start.constant == 0:
        return length
    return builder.select(builder.icmp_signed("<", length, length.type(0)), length.type(0), length)


def built(context: Any, builder: Any, kind: Any, name: Any, given: Any, kinds: Any) -> Any:
    """The result of `range` or of a `slice` without a step; None for other functions."""
    if name not in (range, slice) or getattr(kind, "has_step", False):
        return None
    integer = context.get_value_type(getattr(kind, "dtype", types.int64))
    first, last, step = integer(0), integer(sys.maxsize), integer(1)
    values = [None if each is types.none else value for value, each in zip(given, kinds, strict=True)]
    if len(values) == 1:
        last = last if values[0] is None else values[0]
    else:
        first, last = (old if new is None else new for old, new in zip((first, last), values, strict=False))
        step = values[2] if len(values) == 3 and values[2] is not None else step
    result = context.get_value_type(kind)(ir.Undefined)
    for i, value in enumerate((first, last, step)):
        result = builder.insert_value(result, value, i)
    return result


def begin_range(context: Any, builder: Any, kind: Any, given: Any) -> Any:
    """The iterator of a range whose step is constant and not 0; None for others."""
    start, stop, step = (builder.extract_value(given, i) for i in range(3))
    if not isinstance(step, ir.Constant) or not step.constant:
        return None
    number, size = builder.sub(stop, start) if step.constant > 0 else builder.sub(start, stop), abs(step.constant)
    if size > 1:
        number = builder.sdiv(builder.add(number, number.type(size - 1)), number.type(size))
    iterator = context.get_value_type(kind)(ir.Undefined)
    for i, value in enumerate((start, stop, step, number)):
        if i in (0, 3):
            slot = cgutils.alloca_once(builder, value.type)
            builder.store(value, slot)
            value = slot
        iterator = builder.insert_value(iterator, value, i)
    return iterator


def next_of_range(builder: Any, iterator: Any, pair: Any) -> Any:
    """The next number of a range, and whether there is one, as a struct of type `pair`."""
    place, _, step, left = (builder.extract_value(iterator, i) for i in range(4))
    value, number = builder.load(place), builder.load(left)
    there_is = builder.icmp_signed(">", number, number.type(0))
    builder.store(builder.add(value, step), place)
    builder.store(builder.sub(number, number.type(1), flags=["nsw"]), left)
    return builder.insert_value(builder.insert_value(pair(ir.Undefined), value, 0), there_is, 1)


VALUES = (
    (cgutils, "create_struct_proxy", _proxy),
    (arrayobj, "make_array", _array),
    (ir.IRBuilder, "extract_value", _field),
    (slicing, "fix_index", _index),
    (slicing, "guard_invalid_slice", _check_slice),
    (slicing, "fix_slice", _fix_slice),
    (slicing, "get_slice_length", _slice_length),
    (slicing, "fix_stride", lambda builder, view, stride: stride),
)
