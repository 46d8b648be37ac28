"""Numba's compiler in about half the time, without the parts that kernels do not need.

Functions that a kernel calls are compiled only to be linked into it and optimised there: they get no machine code and
no Python function of their own. The types that operators return are determined once instead of several times in every
kernel.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import CodeType
from typing import Any, ClassVar

from llvmlite import binding
from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager
from numba.core.dispatcher import Dispatcher, _FunctionCompiler  # type: ignore[attr-defined]
from numba.core.postproc import PostProcessor, VariableLifetime
from numba.core.runtime.nrt import rtsys
from numba.core.transforms import canonicalize_cfg
from numba.core.typed_passes import InlineOverloads, NativeLowering, NopythonRewrites
from numba.core.typing.templates import make_concrete_template
from numba.core.untyped_passes import InlineClosureLikes, WithLifting

from samenet.fast.kernels.codegen.calls import CALLS
from samenet.fast.kernels.codegen.inference import INFERENCE
from samenet.fast.kernels.codegen.loading import load_array_functions
from samenet.fast.kernels.codegen.lowering import KernelLower, write_returns
from samenet.fast.kernels.codegen.values import MODELS, VALUES

_FOR_OVERLOADS_AND_OBJECTS = InlineOverloads, WithLifting  # not needed: kernels have neither
_FOR_CLOSURES_AND_ARRAYS = InlineClosureLikes, NopythonRewrites  # not needed: kernels use loops instead


class _Passes(PassManager):
    """Runs the passes without timers, events and checks for each of them."""

    def _runPass(self, index: int, each: Any, state: Any) -> None:
        each.analysis = self._analysis
        for run in (each.run_initialization, each.run_pass, each.run_finalizer):
            run(state)


class _Library(JITCodeLibrary):
    """Code optimised once, with everything linked into it; Numba would do so in three steps, and for each part."""

    level: ClassVar[int] = 2  # of optimisation

    def add_ir_module(self, module: Any) -> None:
        write_returns(module)
        super().add_ir_module(module)

    def add_llvm_module(self, module: Any) -> None:
        self._final_module.link_in(module)

    def _optimize_final_module(self) -> None:
        codegen, is_light = self._codegen, self.level == 1
        if not hasattr(codegen, "_pass_builder"):  # older versions of Numba
            codegen._module_pass_manager(opt=self.level, loop_vectorize=not is_light).run(self._final_module)
            return
        options = binding.create_pipeline_tuning_options(self.level)
        options.loop_vectorization = not is_light
        options.loop_unrolling = self.level == 3  # takes long; generated loops are unrolled already
        builder = binding.create_pass_builder(codegen._tm, options)
        builder.getModulePassManager().run(self._final_module, builder)


class _Part(_Library):
    """Code to be linked into that of its callers and optimised there."""

    def add_linking_library(self, library: Any) -> None:
        if library is not rtsys.library:  # its callers link that as well
            super().add_linking_library(library)

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class KernelCompiler(Compiler):
    """A pipeline, as Numba calls it."""

    library: Any = _Library

    def __init__(self, typing_context: Any, *given: Any) -> None:
        load_array_functions()
        super().__init__(typing_context, *given)
        self.state.targetctx.data_model_manager = MODELS  # of a context for this function

    def define_pipelines(self) -> list[Any]:
        """Numba's passes without those that have no effect on most kernels."""
        passes, code = _Passes("kernel"), self.state.func_id.code
        passes.passes = DefaultPassBuilder.define_nopython_pipeline(self.state).passes
        passes.passes = [each for each in passes.passes if each[0] not in _FOR_OVERLOADS_AND_OBJECTS]
        if not any(isinstance(constant, CodeType) for constant in code.co_consts):
            passes.passes = [each for each in passes.passes if each[0] not in _FOR_CLOSURES_AND_ARRAYS]
        passes.finalize()
        return [passes]

    def compile_extra(self, function: Any) -> Any:
        """Compile a function and the functions that it calls."""
        self.state.library = self.library(self.state.targetctx.codegen(), function.__qualname__)
        self.state.library.enable_object_caching()
        with _linking():
            return super().compile_extra(function)


@cache
def compiler_for(light: bool, full: bool) -> type[KernelCompiler]:
    """The compiler of a kernel; light: with less optimisation; full: unrolling the kernel's own loops over numbers."""
    library = type("_Library", (_Library,), {"level": 1 if light else 3 if full else 2})
    return type("KernelCompiler", (KernelCompiler,), {"library": library})


class _PartCompiler(KernelCompiler):
    library = _Part


class FunctionToCall(_FunctionCompiler):  # type: ignore[misc]
    """Compiles a function that is called only by kernels, not by Python."""

    def _customize_flags(self, flags: Any) -> Any:
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        flags.enable_pyobject = False
        return flags


_dispatcher: Any = Dispatcher
_get_overload = _dispatcher.get_overload


def _call_template(self: Any, args: Any, kws: Any) -> Any:
    """The dispatcher's `get_call_template`: a called function's signature; compiles the function for linking."""
    compiler = FunctionToCall(self.py_func, self.targetdescr, self.targetoptions, {}, _PartCompiler)
    signature, args = compiler.fold_argument_types(tuple(map(types.unliteral, args)), kws)  # not per constant
    forms = vars(self).setdefault("linked_forms", {})
    if args not in forms:
        with self._compiling_counter:
            form = compiler.compile(args, None)
        key = object()
        self.targetctx.insert_user_function(key, form.fndesc, [form.library])
        forms[args] = form.signature, key
    name = self.py_func.__name__
    return make_concrete_template(name, name, [forms[args][0]]), signature, args, {}


def _overload(self: Any, args: Any) -> Any:
    """The dispatcher's `get_overload`: the key of a call's code."""
    form = vars(self).get("linked_forms", {}).get(tuple(args))
    return _get_overload(self, args) if form is None else form[1]


def _processed(self: Any, emit_dels: bool = False, extend_lifetimes: bool = False) -> None:
    """`PostProcessor.run`, called after each pass, without ends of lifetimes: only reference counting needs them."""
    function = self.func_ir
    function.blocks = canonicalize_cfg(function.blocks)
    function.variable_lifetime = VariableLifetime(function.blocks)
    function.generator_info = None


@contextmanager
def _linking() -> Iterator[None]:
    """Patch Numba while a kernel is compiled, under the compiler's lock, so that functions it calls are linked into it.

    Garbage collection waits until afterwards: it takes a tenth of the time and finds little.
    """
    collects = gc.isenabled()
    gc.disable()
    replaced = (
        (_dispatcher, "get_call_template", _call_template),
        (_dispatcher, "get_overload", _overload),
        (PostProcessor, "run", _processed),
        (NativeLowering, "lowering_class", KernelLower),
        *CALLS,
        *INFERENCE,
        *VALUES,
    )
    before = [getattr(owner, name) for owner, name, _ in replaced]
    for owner, name, function in replaced:
        setattr(owner, name, function)
    try:
        yield
    finally:
        for (owner, name, _), function in zip(replaced, before, strict=True):
            setattr(owner, name, function)
        if collects:
            gc.enable()
