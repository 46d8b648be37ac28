"""The on-disk cache of compiled kernels, one file each.

The key of a file is what its code depends on: the kernel, the types of its arguments, its options, the processor and
the versions of the compilers. A file is used if it is complete and was made from the current sources. In all other
cases, such as a read-only folder, a full disk or a damaged file, the kernel is compiled, with one warning.
"""

import hashlib
import importlib.util
import inspect
import logging
import os
import pickle
import pkgutil
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import llvmlite
import numba
from llvmlite.binding import add_symbol, address_of_symbol, parse_assembly
from numba import config
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.runtime import nrt
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

from samenet.fast.kernels.codegen.loading import load_array_functions
from samenet.fast.kernels.codegen.uninterrupted import tell
from samenet.validation import warning

_DIGEST = hashlib.sha256().digest_size
_LOG = logging.getLogger("samenet")
_NOT_FOR_DISK = TypeError, pickle.PicklingError  # raised if a kernel is in another's closure or defaults
_OWN = "samenet."  # the symbols of kernels begin with it
_HOLLOW = 'define void @"{0.name}"() {{ unreachable }}'  # a function without its code
_said: set[str] = set()  # in this process
for _name in ("Allocate", "Free"):  # as Numba does before it compiles
    add_symbol(f"NRT_{_name}", vars(nrt)["_nrt"].c_helpers[_name])

Function = Callable[..., Any]


def stamp_of(*packages: ModuleType) -> bytes | None:
    """A digest of the sources from which packages and modules were loaded, or of their code if there are none.

    Their importers provide it, from a folder, a zip file or elsewhere. None if one of them does not: then nothing may
    be cached, because cached kernels could be from other sources.
    """
    digest = hashlib.sha256()
    for package in packages:
        path = getattr(package, "__path__", None)
        try:
            for name in [package.__name__, *([] if path is None else _modules(package.__name__, path))]:
                digest.update(repr((name, _content(importlib.util.find_spec(name)))).encode())
        except Exception:  # importers may raise anything
            return None
    return digest.digest()


def _modules(package: str, path: Any) -> Iterator[str]:
    """The modules of a package and of its subpackages. Raises LookupError if none are found."""
    found = sorted(pkgutil.iter_modules(path), key=lambda module: module.name)
    if not found:
        raise LookupError(package)
    for module in found:
        name = f"{package}.{module.name}"
        yield name
        if module.ispkg:
            spec: Any = importlib.util.find_spec(name)
            yield from _modules(name, spec.submodule_search_locations)


def _content(spec: Any) -> Any:
    """The file from which a module was loaded; its code if the importer has no files."""
    try:
        return spec.loader.get_data(spec.origin)
    except (AttributeError, OSError):
        return list(_parts(spec.loader.get_code(spec.name)))


def _parts(code: CodeType) -> Iterator[str]:
    """The contents of a code object without its location, in an order that is the same in every process."""
    yield repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
        else:
            yield repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


class Cache(NullCache):
    """The cache that Numba uses for a kernel.

    options   the compiler options, which are part of the key
    stamp     the digest of the sources; None to cache nothing
    provide   makes a symbol that compiled code refers to available; returns whether it could
    """

    def __init__(
        self, function: Function, options: dict[str, Any], stamp: bytes | None, provide: Callable[[str], bool]
    ) -> None:
        self._function, self._options, self._stamp, self._provide = function, options, stamp, provide

    @property
    def cache_path(self) -> str | None:
        """The folder that is searched first."""
        return None if self._stamp is None else str(next(folders(self._function)))

    def load_overload(self, signature: Any, target: Any) -> Any:
        """A compiled kernel, or None. The symbols that it refers to are made available first."""
        try:
            key = self._key(signature, target.codegen())
        except _NOT_FOR_DISK:
            return None
        for folder in () if self._stamp is None else folders(self._function):
            content = self._read(folder / self._name(key), key)
            if content is not None:
                names, parts = pickle.loads(content)
                if all(self._provide(name) for name in names if name.startswith(_OWN)):
                    if any(address_of_symbol(name) is None for name in names):
                        load_array_functions()
                        target.refresh()  # loads all that Numba can compile, which takes longer than all kernels
                    form = CompileResult._rebuild(target, *parts)
                    form.library._shared_module = None  # Numba refuses to link it
                    return form
        _say_that_it_takes_long()
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Store a compiled kernel in the first folder that can be written."""
        if self._stamp is None:
            _warn("the sources of kernels cannot be determined, so they are compiled again in every process")
        if self._stamp is None or result.lifted or result.library.has_dynamic_globals:
            return
        module, library = result.library._final_module, result.library
        symbols = (*module.global_variables, *module.functions)
        names = [v.name for v in symbols if v.is_declaration and not v.name.startswith("llvm.")]
        try:
            key = self._key(signature, result.codegen)
            # Numba would keep the code for linking as well, of which only the names in the machine code are used.
            library._shared_module = parse_assembly("\n".join(map(_HOLLOW.format, library.get_defined_functions())))
            parts = result._replace(type_annotation="")._reduce()  # Numba would read the source
            content = self._stamp + key + dumps((names, parts))
        except _NOT_FOR_DISK:
            return
        finally:
            library._shared_module = None
        problem: OSError | None = None
        for folder in folders(self._function):
            try:
                _write(folder / self._name(key), hashlib.sha256(content).digest() + content)
                return
            except OSError as error:
                problem = problem or error
        _warn(f"compiled kernels cannot be kept on disk, and are compiled again in every process ({problem})")

    def _key(self, signature: Any, codegen: Any) -> bytes:
        function = self._function
        closed_over = dumps([cell.cell_contents for cell in function.__closure__]) if function.__closure__ else None
        options = sorted((name, sorted(o) if isinstance(o, set) else o) for name, o in self._options.items())
        parts = (
            *(function.__module__, function.__qualname__, *_parts(function.__code__), closed_over),
            *(getattr(signature, "args", signature), options, codegen.magic_tuple()),
            *(numba.__version__, llvmlite.__version__, sys.version),
        )
        return hashlib.sha256(repr(parts).encode()).digest()

    def _name(self, key: bytes) -> str:
        module = self._function.__module__.rpartition(".")[2]
        return f"samenet.{module}.{self._function.__name__}-{key.hex()[:20]}.nbc"

    def _read(self, path: Path, key: bytes) -> bytes | None:
        """The contents of a file if it exists, is complete, and has this key and the current stamp."""
        try:
            content = path.read_bytes()
        except OSError:
            return None
        head, body = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(body).digest() != head:
            _warn(f"{path} is damaged, and the kernel is compiled again")
            return None
        wanted = (self._stamp or b"") + key
        return body[len(wanted) :] if body.startswith(wanted) else None


def folders(function: Function) -> Iterator[Path]:
    """The possible cache folders, as in Numba: NUMBA_CACHE_DIR, or beside the source and in the user's cache."""
    source = Path(inspect.getfile(function)).absolute().parent
    name = f"{source.name}_{hashlib.sha256(str(source).encode()).hexdigest()[:20]}"
    chosen = vars(config)["CACHE_DIR"]
    if chosen:
        yield Path(chosen, name)
    else:
        yield source / "__pycache__"
        user = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
        if user.is_absolute():  # without a home directory, it is "~/.cache"
            yield user / name


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically, because other processes may read or write it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{uuid.uuid4().hex[:16]}.tmp")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _warn(problem: str) -> None:
    def warn() -> None:
        if "warning" in _said:
            return
        _said.add("warning")
        warning.warn(f"samenet: {problem}. NUMBA_CACHE_DIR names a folder to keep compiled kernels in.", RuntimeWarning)

    tell(warn)


def _say_that_it_takes_long() -> None:
    def inform() -> None:
        if "compiling" not in _said:
            _said.add("compiling")
            _LOG.info("compiling kernels, once: about a second for one sample, several for batches and training")

    tell(inform)
