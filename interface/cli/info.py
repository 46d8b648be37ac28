"""`samenet info`."""

import importlib
import json as as_json
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer

# The package that each extra installs, by the name of the extra.
_EXTRAS = {
    "cli": "typer",
    "data": "scikit-learn",
    "parquet": "pyarrow",
    "plot": "matplotlib",
    "export": "onnx",
    "torch": "torch",
    "jax": "jax",
}


def info(
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON and nothing else.")] = False,
) -> int:
    """Print versions, BLAS, threads, processor and cached kernels."""
    from samenet.backends import backends, missing
    from samenet.compare import environment

    around = environment.describe()
    del around["utc"]
    left_out = missing(backends())
    told = around | {"backends": {name: left_out.get(name, "ok") for name in backends()}}
    told["extras"] = {extra: {"package": package, "version": _version(package)} for extra, package in _EXTRAS.items()}
    told["cache"] = None if "numba" in left_out else _cache()
    if json:
        print(as_json.dumps(told, indent=1))
        return 0
    threads = sorted({str(value) for value in around["threads"].values()})
    rows = [
        ("samenet", around["samenet"]),
        *((name, str(around[name])) for name in ("python", "numpy", "blas", "numba", "scipy")),
        *((name, str(around[name])) for name in ("system", "processor", "cores")),
        ("threads", f"{' or '.join(threads)} for BLAS, as commands set them"),
        *((f"backend {name}", state) for name, state in told["backends"].items()),
        *(
            (f"extra {extra}", f"{one['package']} {one['version'] or 'is missing'}")
            for extra, one in told["extras"].items()
        ),
        ("kernels", _said(told["cache"])),
    ]
    for name, value in rows:
        print(f"{name:18}{value}")
    return 0


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cache() -> dict[str, Any]:
    """The cache of compiled kernels."""
    kept: Any = importlib.import_module("samenet.fast.kernel_cache")
    folder = kept.folder()
    kernels, size = (0, 0) if folder is None else kept.count(folder)
    return {
        "compiled": kept.is_compiled(),
        "folder": None if folder is None else str(folder),
        "kernels": kernels,
        "bytes": size,
    }


def _said(cache: dict[str, Any] | None) -> str:
    if cache is None:
        return "none without Numba"
    if not cache["compiled"]:
        return "not compiled: NUMBA_DISABLE_JIT is set"
    if cache["folder"] is None:
        return "no writable folder; NUMBA_CACHE_DIR can name one"
    return f"{cache['kernels']} kept, {cache['bytes'] / 2**20:.1f} MiB, in {cache['folder']}"
