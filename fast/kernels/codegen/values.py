"""Arrays, slices and ranges as LLVM values.

Numba keeps each of them in memory while it generates code: an access to a number of an array is 30 instructions, and a
loop over a range 70, most of which LLVM then has to remove. An array of Numba's has nine numbers if it is a matrix, all
of which calls pass; here it has four, or six if its rows or columns may be apart. `pipeline` replaces this while it
compiles a kernel.
"""

import sys
from collections import ChainMap
from functools import partial, reduce
from itertools import accumulate
from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.ir.instructions import InsertValue
from numba.core import cgutils, types
from numba.core.base import BaseContext
from numba.core.datamodel.models import StructModel
from numba.core.datamodel.registry import default_manager
from numba.core.pythonapi import PythonAPI
from numba.cpython import slicing
from numba.np import arrayobj

_struct_proxy, _make_array, _extract = cgutils.create_struct_proxy, arrayobj.make_array, ir.IRBuilder.extract_value
_from_end, _cast, _to_native = slicing.fix_index, BaseContext.cast, PythonAPI.to_native_value


class _Array(StructModel):
    """An array: its address, NumPy's object if Python passed it, its shape, and strides that do not follow from it."""

    def __init__(self, models: Any, kind: Any) -> None:
        lengths = types.UniTuple(types.intp, kind.ndim)
        fields = ("data", types.CPointer(kind.dtype)), ("parent", types.pyobject), ("shape", lengths)
        super().__init__(models, kind, (*fields, ("strides", lengths)) if kind.layout == "A" else fields)


MODELS = default_manager.copy()  # how kernels represent each type
vars(MODELS)["_handlers"] = ChainMap({types.Array: _Array}, vars(default_manager)["_handlers"])


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
        if name not in self._datamodel._fields:
            return self._derived(name)
        return self._builder.extract_value(self._value, self._datamodel.get_field_position(name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        elif self._memory is not None:
            setattr(self._memory, name, value)
        elif name in self._datamodel._fields:
            self._value = self._builder.insert_value(self._value, value, self._datamodel.get_field_position(name))

    def _derived(self, name: str) -> Any:
        """A field of an array that follows from its type and shape."""
        kind, builder = self._fe_type, self._builder
        size = self._context.get_constant(types.intp, np.dtype(str(kind.dtype)).itemsize)
        if name in ("meminfo", "itemsize"):
            return size if name == "itemsize" else ir.Constant(ir.IntType(8).as_pointer(), None)
        lengths = cgutils.unpack_tuple(builder, self.shape, kind.ndim)
        if name == "nitems":
            return reduce(builder.mul, lengths)
        way = 1 if kind.layout == "F" else -1
        strides = list(accumulate(lengths[::way][:-1], builder.mul, initial=size))
        return cgutils.pack_array(builder, strides[::way])

    def _getvalue(self) -> Any:
        return self._value if self._memory is None else self._memory._getvalue()

    def _getpointer(self) -> Any:
        if self._memory is None:
            self._memory = _struct_proxy(self._fe_type)(self._context, self._builder, value=self._value)
        return self._memory._getpointer()


def _populate(view: Any, data: Any, shape: Any, strides: Any, *_: Any, **others: Any) -> Any:
    """`arrayobj.populate_array`."""
    for name, value in (("data", data), ("shape", shape), ("strides", strides)):
        setattr(view, name, cgutils.pack_array(view._builder, value) if isinstance(value, list | tuple) else value)
    return view


def array_of(context: Any, builder: Any, kind: Any, data: Any, lengths: Any) -> Any:
    """A contiguous array at an address."""
    data = builder.bitcast(data, context.get_data_type(kind.dtype).as_pointer())
    return _populate(_Fields(kind, context, builder), data, lengths, None)._getvalue()


def _copy(old: Any, new: Any) -> Any:
    """An array in another representation."""
    for name in new._datamodel._fields:
        setattr(new, name, getattr(old, name))
    return new._getvalue()


def _unboxed(self: Any, kind: Any, given: Any) -> Any:
    """`PythonAPI.to_native_value`; an array is read as Numba represents it."""
    if not isinstance(kind, types.Array):
        return _to_native(self, kind, given)
    context, models = self.context, self.context.data_model_manager
    context.data_model_manager = default_manager
    native = _to_native(self, kind, given)
    old = _Fields(kind, context, self.builder, native.value)
    context.data_model_manager = models
    native.value = _copy(old, _Fields(kind, context, self.builder))
    return native


def _converted(self: Any, builder: Any, value: Any, given: Any, wanted: Any) -> Any:
    """`BaseContext.cast`; an array gets strides where others may be passed as well."""
    if not (isinstance(given, types.Array) and isinstance(wanted, types.Array)):
        return _cast(self, builder, value, given, wanted)
    if given.layout == wanted.layout:
        return value
    return _copy(_Fields(given, self, builder, value), _Fields(wanted, self, builder))


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
    (arrayobj, "populate_array", _populate),
    (BaseContext, "cast", _converted),
    (PythonAPI, "to_native_value", _unboxed),
    (cgutils, "create_struct_proxy", _proxy),
    (arrayobj, "make_array", _array),
    (ir.IRBuilder, "extract_value", _field),
    (slicing, "fix_index", _index),
    (slicing, "guard_invalid_slice", _check_slice),
    (slicing, "fix_slice", _fix_slice),
    (slicing, "get_slice_length", _slice_length),
    (slicing, "fix_stride", lambda builder, view, stride: stride),
)
