"""Compiled kernels on disk: loaded if intact and built from the current sources; else compiled, and logged once."""

import compileall
import errno
import importlib
import importlib.util
import json
import logging
import os
import py_compile
import shutil
import subprocess
import sys
import tomllib
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from compiled_once import kernels

from samenet.fast.kernels.codegen import caching

ROOT = Path(__file__).parents[1]
A = np.arange(4.0)
# What is marked `compiled` here is the same without the JIT, since it turns it on.


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The messages already logged in this process: none."""
    nothing: set[str] = set()
    monkeypatch.setattr(caching, "_said", nothing)
    return nothing


def ask(module: ModuleType) -> tuple[bool, list[str]]:
    """Whether all kernels of the module are found on disk, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert module.twice(A) == 12
        assert module.twice(A.astype(np.float32)) == 12
    externals = [form for kernel in (module.total, module.times) for form in kernel.external.compiled.values()]
    # Numba lets nobody inspect what it has loaded.
    hits = [int(form.library._disable_inspection) for form in externals] + list(module.twice.stats.cache_hits.values())
    return len(externals) == 4 and hits == [1] * 6, [str(warning.message) for warning in caught]


# --- damage ---------------------------------------------------------------------------------------------------------


def _bit(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "halved": lambda data: data[: len(data) // 2],
    "one byte": lambda data: data[:1],
    "no more than a digest": lambda data: data[:32],
    "a byte short": lambda data: data[:-1],
    "a byte long": lambda data: data + b"\0",
    "garbage": lambda data: np.random.default_rng(0).bytes(len(data)),
    "a bit in the digest": lambda data: _bit(data, 5),
    "a bit in the middle": lambda data: _bit(data, len(data) // 2),
    "a bit at the end": lambda data: _bit(data, len(data) - 1),
    "text": lambda data: b"version https://git-lfs.github.com/spec/v1\n",
}


@pytest.mark.compiled
def test_damaged_files_are_compiled_again_and_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert ask(kernels(monkeypatch, folder)) == (False, [])
    assert ask(kernels(monkeypatch, folder)) == (True, [])
    files = sorted(folder.rglob("*.nbc"))
    assert len(files) == 6, "what is called by kernels alone has no file"
    for name, damage in DAMAGE.items():
        whole = {file: file.read_bytes() for file in files}
        caching._said.clear()
        damaged = files if name == "halved" else [next(file for file in files if "twice" in file.name)]
        for file in damaged:
            file.write_bytes(damage(whole[file]))
        found, warned = ask(kernels(monkeypatch, folder))
        assert not found, name
        assert len(warned) == 1, name
        assert "damaged" in warned[0]
        assert "NUMBA_CACHE_DIR" in warned[0]
        assert ask(kernels(monkeypatch, folder)) == (True, []), name
    assert sorted(folder.rglob("*")) == sorted({*files, files[0].parent})


@pytest.mark.compiled
def test_files_of_others_are_not_taken_for_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Intact files, but swapped; a folder in place of a file: nothing is damaged, and nothing is found."""
    folder = tmp_path / "cache"
    ask(kernels(monkeypatch, folder))
    files = sorted(folder.rglob("*.nbc"))
    contents = [file.read_bytes() for file in files]
    for file, content in zip(files, contents[1:] + contents[:1], strict=True):
        file.write_bytes(content)
    assert ask(kernels(monkeypatch, folder)) == (False, [])
    assert ask(kernels(monkeypatch, folder)) == (True, [])
    one = next(file for file in files if "twice" in file.name)
    one.unlink()
    one.mkdir()
    found, warned = ask(kernels(monkeypatch, folder))
    assert not found
    assert len(warned) == 1
    assert "cannot be kept" in warned[0]


def test_a_kernel_is_told_by_its_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A kernel that releases the GIL must not load the variant that holds it, of the same function and types."""
    for _ in range(2):
        module = kernels(monkeypatch, tmp_path / "cache")
        both = [module.compiling.kernel(holds_gil=held)(module.twice.py_func) for held in (False, True)]
        for kernel in both:
            assert kernel(A) == 12
    assert [sum(kernel.stats.cache_hits.values()) for kernel in both] == [1, 1]
    assert len(list((tmp_path / "cache").rglob("*twice*.nbc"))) == 2


@pytest.mark.compiled
def test_what_cannot_be_called_is_not_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Calling a missing kernel from an intact file would end the process."""
    folder = tmp_path / "cache"
    ask(kernels(monkeypatch, folder))
    module = kernels(monkeypatch, folder)
    provided = module.compiling._provide
    for kernel in (module.twice, module.inner):
        kernel._cache._provide = lambda name: "times" not in name and provided(name)
    found, warned = ask(module)
    assert not found
    assert not warned
    assert not module.compiling._provide("samenet.nothing.float64")


# --- no folder, no space --------------------------------------------------------------------------------------------


def refuse(number: int) -> Callable[..., Any]:
    def write(path: Path, content: bytes) -> Any:
        with open(path, "wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(number, os.strerror(number), str(path))

    return write


@pytest.mark.compiled
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_what_cannot_be_written_is_compiled(number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse(number))
        for warnings_then in (1, 0):  # once in a process
            found, warned = ask(kernels(patch, folder))
            assert not found
            assert len(warned) == warnings_then
            assert all("NUMBA_CACHE_DIR" in text and os.strerror(number) in text for text in warned)
    assert not [path for path in folder.rglob("*") if path.is_file()], "nothing half written is left"
    assert ask(kernels(monkeypatch, folder)) == (False, [])
    caching._said.clear()
    monkeypatch.setattr(Path, "write_bytes", refuse(number))  # kernels cached before are used, and nothing is logged
    assert ask(kernels(monkeypatch, folder)) == (True, [])


def test_a_file_where_the_folder_should_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    found, warned = ask(kernels(monkeypatch, tmp_path / "cache"))
    assert not found
    assert len(warned) == 1
    assert "NUMBA_CACHE_DIR" in warned[0]


@pytest.mark.compiled
def test_a_folder_that_is_taken_away_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = kernels(monkeypatch, tmp_path / "cache")
    assert module.twice(A) == 12
    shutil.rmtree(tmp_path / "cache")
    assert module.twice(A.astype(np.float32)) == 12
    assert list((tmp_path / "cache").rglob("*twice*.nbc"))


def test_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same folders as Numba's; the one beside the source is read even if it is not writable."""
    module = kernels(monkeypatch, tmp_path / "cache")
    function = module.twice.py_func
    (chosen,) = caching.folders(function)
    assert chosen.parent == tmp_path / "cache"
    assert module.twice.stats.cache_path == str(chosen)
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    beside, user = caching.folders(function)
    assert beside == tmp_path / "__pycache__"
    assert module.twice.stats.cache_path == str(beside)
    monkeypatch.setenv("XDG_CACHE_HOME", "~/.cache")
    assert list(caching.folders(function)) == [beside]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    beside.write_text("not a folder")
    assert module.twice(A) == 12
    assert list(user.glob("*twice*.nbc"))


def test_a_first_call_that_compiles_says_so_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "samenet"):
        ask(kernels(monkeypatch, tmp_path / "cache"))
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("samenet", logging.INFO)
        assert "second" in record.getMessage()
        caplog.clear()
        caching._said.clear()
        ask(kernels(monkeypatch, tmp_path / "cache"))
        assert not caplog.records, "nothing was compiled"


# --- the stamp ------------------------------------------------------------------------------------------------------


FILES = {
    "__init__.py": "",
    "one.py": "def f(x):\n    return 1.5 * x\n",
    "two.py": 'NAMES = {"a", "b"}\n',
    "inner/__init__.py": "",
    "inner/three.py": "",
    "inner/most/__init__.py": "",
    "inner/most/four.py": "def f(x):\n    return x\n",
}


def _package(folder: Path, files: dict[str, str], way: str) -> Path:
    """A package `stamped` in a folder or a zip file, as sources or bytecode; returns the entry for sys.path."""
    package = folder / "sources" / "stamped"
    shutil.rmtree(package.parent, ignore_errors=True)
    package.mkdir(parents=True)
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    if "compiled" in way:
        compileall.compile_dir(
            package, quiet=2, legacy=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        for name in files:
            (package / name).unlink()
    if "zip" not in way:
        return package.parent
    with zipfile.ZipFile(folder / "packed.zip", "w") as file:
        for path in sorted(path for path in package.rglob("*.py*") if "__pycache__" not in path.parts):
            file.write(path, f"stamped/{path.relative_to(package)}")
    return folder / "packed.zip"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], ModuleType]]:
    """Import the package as a new process would."""

    def imported(path: Path) -> ModuleType:
        forget()
        monkeypatch.syspath_prepend(path)
        return importlib.import_module("stamped")

    def forget() -> None:
        importlib.invalidate_caches()
        sys.path_importer_cache.clear()
        for name in [name for name in sys.modules if name.partition(".")[0] == "stamped"]:
            del sys.modules[name]

    yield imported
    forget()


@pytest.mark.parametrize("way", ["folder", "zip", "folder, compiled", "zip, compiled"])
def test_the_stamp_changes_with_every_file(way: str, fresh: Callable[[Path], ModuleType], tmp_path: Path) -> None:
    versions = [FILES, {**FILES, "three.py": ""}, {**FILES, "inner/five.py": ""}]
    versions += [{**FILES, name: text + "x = 1\n"} for name, text in FILES.items()]
    versions += [{**FILES, "one.py": FILES["one.py"].replace("1.5", "2.5")}]  # as long as before
    stamps = []
    for files in [*versions, FILES]:
        stamps.append(caching.stamp_of(fresh(_package(tmp_path, files, way))))
    assert None not in stamps
    assert len(set(stamps)) == len(versions)
    assert stamps[0] == stamps[-1]


def test_importers_without_files_and_without_anything(
    fresh: Callable[[Path], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = fresh(_package(tmp_path, FILES, "folder"))
    stamp, find = caching.stamp_of(package), importlib.util.find_spec

    def found(text: str, **loader: Any) -> None:
        def specify(name: str) -> Any:
            return (
                SimpleNamespace(name=name, origin=None, loader=SimpleNamespace(**loader))
                if "one" in name
                else find(name)
            )

        code = compile(text, "anywhere", "exec")
        loader = {"get_code": lambda name: code, **loader}
        monkeypatch.setattr(importlib.util, "find_spec", specify)

    stamps = {stamp}
    for text in ("f = lambda x: 1.5 * x", "f = lambda x: 2.5 * x", "f = lambda x: x in {'a', 'b'}"):
        found(text)
        stamps.add(caching.stamp_of(package))
    assert len(stamps) == 4
    assert None not in stamps
    found("", get_code=None, get_data=None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert caching.stamp_of(package) is None
    package.__path__ = []
    assert caching.stamp_of(package) is None


def test_without_a_stamp_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    module = kernels(monkeypatch, folder, stamp=None)
    found, warned = ask(module)
    assert not found
    assert len(warned) == 1
    assert "NUMBA_CACHE_DIR" not in warned[0] or "sources" in warned[0]
    assert module.twice.stats.cache_path is None
    assert not folder.exists()


# --- the package itself, installed in other ways --------------------------------------------------------------------


def _packed(target: Path, change: Callable[[str], str] = lambda text: text) -> None:
    """samenet as a zip file that can be imported from."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    with zipfile.ZipFile(target, "w") as file:
        for package in settings["packages"]:
            known = max((name for name in settings["package-dir"] if f"{package}.".startswith(f"{name}.")), key=len)
            inside = package.removeprefix(known).strip(".").replace(".", "/")
            for path in sorted((ROOT / settings["package-dir"][known] / inside).glob("*.py")):
                file.writestr(f"{package.replace('.', '/')}/{path.name}", change(path.read_text("utf-8")))


_ONE = """
import json, warnings
import numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import samenet
    from samenet.fast.numba import Network
    from samenet.fast.kernels import inference
    output = Network([2, 1], weights=[[[0.0, 0.0]]]).predict([[1.0, 1.0]])[0]
assert "app" in samenet.__file__
hits = sum(inference.predict_rows.stats.cache_hits.values())
print(json.dumps([output[0], hits, [str(warning.message) for warning in caught]]))
"""


def _run(path: Path, **environment: str) -> Any:
    around = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", _ONE],
        env={**around, "PYTHONPATH": str(path), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.compiled
def test_a_zip_file_that_is_replaced_in_place(tmp_path: Path) -> None:
    app, cache = tmp_path / "app.zip", str(tmp_path / "cache")
    _packed(app)
    assert _run(app, NUMBA_CACHE_DIR=cache) == [0.5, 0, []]
    assert _run(app, NUMBA_CACHE_DIR=cache) == [0.5, 1, []]
    right, other = "return scale / (p * power + (power + scale))", "return scale / (p * power + (power + 3.0 * scale))"
    _packed(app, lambda text: text.replace(right, other))
    assert _run(app, NUMBA_CACHE_DIR=cache) == [0.25, 0, []]


@pytest.mark.compiled
def test_no_place_at_all(tmp_path: Path) -> None:
    """No user can write into a zip file, or below a file."""
    app, nothing = tmp_path / "app.pyz", tmp_path / "nothing"
    _packed(app)
    nothing.write_text("")
    output, hits, (warned,) = _run(app, HOME=str(nothing))
    assert (output, hits) == (0.5, 0)
    assert "NUMBA_CACHE_DIR" in warned


def test_code_differs_by_each_constant_it_has() -> None:
    text = (
        "def f(a):\n    b = a + 1.5\n    b += 2.5\n    def g(c):\n        return c * 3.5 - 4.5\n    return g(b) + 5.5\n"
    )
    texts = [text, *(text.replace(f"{n}.5", f"{n}.25") for n in range(1, 6))]
    assert len({tuple(caching._parts(compile(t, "anywhere", "exec"))) for t in texts}) == 6


def test_a_warning_names_the_line_of_the_user(said: set[str]) -> None:
    """Also where a property comes between, such as that of `predict`, which is made when it is first asked for."""

    class Asked:
        @cached_property
        def value(self) -> None:
            exec('_warn("nothing to be done")', {"__name__": "samenet.inner", "_warn": caching._warn})

    def of_property() -> None:
        exec("asked.value", {"__name__": "samenet.outer", "asked": Asked()})

    for warn in (lambda: caching._warn("nothing to be done"), of_property):
        said.clear()
        with pytest.warns(RuntimeWarning, match=r"samenet: nothing to be done\. NUMBA_CACHE_DIR names") as caught:
            warn()
        assert [Path(warning.filename).name for warning in caught] == [Path(__file__).name]
