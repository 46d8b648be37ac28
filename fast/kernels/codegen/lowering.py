"""Lowering of Numba's typed statements to LLVM IR, without what kernels do not need.

Kernels have no reference counts and no slices with a step. `pipeline` replaces Numba's own functions by these while it
compiles a kernel.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.ir import Assign
from numba.core.lowering import Lower

from samenet.fast.kernels.codegen.values import begin_range, built, next_of_range

_AT_RETURN = "samenet_at_return"  # an attribute of functions that are being generated


class KernelLower(Lower):
    """Numba's lowering with fewer instructions, and without reference counts.

    A variable assigned once, before all of its uses, becomes an SSA value. Numba allocates stack slots for variables
    used in other blocks, including all arguments; storing or loading a tuple of arrays takes a hundred instructions.
    """

    def _find_singly_assigned_variable(self) -> None:
        assigned, used = defaultdict(list), defaultdict(set)
        for label, block in self.blocks.items():
            for statement in block.body:
                for variable in statement.list_vars():
                    used[variable.name].add(label)
                if isinstance(statement, Assign):
                    assigned[statement.target.name].append(label)
        before = compute_cfg_from_blocks(self.blocks).dominators()
        self._singly_assigned_vars = {
            name
            for name, (home, *more) in assigned.items()
            if not more and all(label >= home and home in before[label] for label in used[name])
        }
        self._blk_local_varmap: dict[str, Any] = {}

    def lower_expr(self, kind: Any, expr: Any) -> Any:
        """Lower an expression; ranges and slices as values."""
        lowered = None
        if expr.op == "call" and isinstance(kind, types.RangeType | types.SliceType):
            wanted = self.fndesc.calltypes[expr].args
            given = [self._cast_var(each, to) for each, to in zip(expr.args, wanted, strict=True)]
            name = self.typeof(expr.func.name).typing_key
            lowered = built(self.context, self.builder, kind, name, given, wanted)
        elif expr.op in ("getiter", "iternext", "pair_first", "pair_second"):
            given, of = self.loadvar(expr.value.name), self.typeof(expr.value.name)
            if expr.op == "getiter" and isinstance(of, types.RangeType):
                lowered = begin_range(self.context, self.builder, kind, given)
            elif expr.op == "iternext" and isinstance(of, types.RangeIteratorType):
                lowered = next_of_range(self.builder, given, self.context.get_value_type(kind))
            elif expr.op.startswith("pair"):
                lowered = self.builder.extract_value(given, int(expr.op == "pair_second"))
        return super().lower_expr(kind, expr) if lowered is None else lowered

    def alloca_lltype(self, name: str, kind: Any, datamodel: Any = None) -> Any:
        """A stack slot for a variable, without its size for debuggers."""
        return cgutils.alloca_once(self.builder, kind, name=name)

    def storevar(self, value: Any, name: str, argidx: Any = None) -> None:
        """Use the value itself if it is the variable's only one; without releasing a previous value."""
        if name in self._singly_assigned_vars:
            self._blk_local_varmap[name] = value
        else:
            self.builder.store(value, self.getvar(name))


def at_return(function: Any, write: Callable[[Any], None]) -> None:
    """Let `write(builder)` generate code before every return of this function, including those after exceptions."""
    vars(function).setdefault(_AT_RETURN, []).append(write)


def write_returns(module: Any) -> None:
    """Generate the code registered with `at_return`, also before Numba's own returns after calls and errors."""
    for function in module.functions:
        for write in vars(function).get(_AT_RETURN, ()):
            for block in function.blocks:
                if isinstance(block.terminator, ir.Ret):
                    builder = ir.IRBuilder(block)
                    builder.position_before(block.terminator)
                    write(builder)
