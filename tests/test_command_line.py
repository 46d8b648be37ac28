"""`samenet train`, `predict`, `evaluate`, `check`, `advise`, `warmup`, `info`: results and errors."""

import csv
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samenet
from samenet import __main__
from samenet.cli import application
from samenet.cli.tabular import csv_files, files
from samenet.cli.tabular.errors import TableError
from samenet.compare import advice, environment, warming
from samenet.storage import saving
from samenet.testing import networks

pytestmark = pytest.mark.without_jit  # all on NumPy
COMMANDS = (
    *("compare", "train", "predict", "evaluate", "check", "advise", "warmup", "info", "examples"),
    *("exercises", "export", "docs", "demo"),
)
FAST = ("--backend", "numpy", "--epochs", "30")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a new folder, and restore the environment."""
    for name in environment.THREAD_VARIABLES:
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> int:
    return __main__.main([str(argument) for argument in arguments])


def flowers(rows: int = 40) -> list[dict[str, Any]]:
    """Two kinds that differ in a number and in a text, and a third column that is a sum."""
    random = np.random.default_rng(0)
    found = []
    for i in range(rows):
        kind, size, colour = i % 2, float(random.normal()), ("red", "blue, pale", "white")[i % 3]
        found.append({"size": round(size + 3 * kind, 3), "colour": colour, "kind": ("iris", "rose")[kind], "n": i % 5})
        found[-1]["total"] = round(10 * found[-1]["size"] + found[-1]["n"] + 1000, 3)
    return found


def write(name: str, rows: list[dict[str, Any]], header: bool = True, **form: Any) -> str:
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), **form)
        if header:
            writer.writeheader()
        writer.writerows(rows)
    return name


def predicted(capsys: Any, *arguments: object) -> list[dict[str, str]]:
    assert run("predict", *arguments) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def feed(monkeypatch: pytest.MonkeyPatch, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


# --- there and back ---------------------------------------------------------------------------------------------------


def test_classes_come_back_by_their_names(capsys: Any) -> None:
    data = write("flowers.csv", flowers())
    assert run("train", data, "--target", "kind", "--ignore", "total", *FAST) == 0
    out = capsys.readouterr()
    assert "target 'kind': classification, 2 classes" in out.out
    assert out.err == ""
    assert "\x1b" not in out.out
    right = [row["kind"] for row in flowers()]
    found = predicted(capsys, "flowers.net.npz", data, "--probabilities")
    assert np.mean([row["kind"] == kind for row, kind in zip(found, right, strict=True)]) > 0.8
    for row in found:
        shares = {name.removeprefix("class:"): float(row[name]) for name in ("class:iris", "class:rose")}
        assert sum(shares.values()) == pytest.approx(1)
        assert max(shares, key=lambda name: shares[name]) == row["kind"]
    assert run("evaluate", "flowers.net.npz", data, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    confusion = np.zeros((2, 2), int)
    for row, kind in zip(found, right, strict=True):
        confusion[["iris", "rose"].index(kind), ["iris", "rose"].index(row["kind"])] += 1
    assert told["confusion"] == confusion.tolist()
    assert told["accuracy"] == np.trace(confusion) / 40
    iris = told["classes"][0]
    assert iris["recall"] == confusion[0, 0] / confusion[0].sum()
    assert iris["precision"] == confusion[0, 0] / confusion[:, 0].sum()
    report = json.loads(Path("flowers.net.report.json").read_text())
    assert report["sizes"] == [5, 32, 1]
    assert report["figures"]["rows"] == report["rows"]["validation"] == 8


def test_numbers_come_back_unscaled(capsys: Any) -> None:
    data = write("flowers.csv", flowers(200))
    assert run("train", data, "--target", "total", "--ignore", "kind", *FAST) == 0
    assert "regression" in capsys.readouterr().out
    found = np.array([float(row["total"]) for row in predicted(capsys, "flowers.net.npz", data)])
    right = np.array([row["total"] for row in flowers(200)])
    assert abs(found - right).mean() < 3
    assert run("evaluate", "flowers.net.npz", data, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["r2"] == pytest.approx(
        1 - ((found - right) ** 2).sum() / ((right - right.mean()) ** 2).sum(), abs=1e-12
    )
    assert told["mean_absolute_error"] == pytest.approx(abs(found - right).mean(), rel=1e-9)
    assert told["root_mean_squared_error"] == pytest.approx(np.sqrt(((found - right) ** 2).mean()), rel=1e-9)
    assert run("evaluate", "flowers.net.npz", data) == 0
    assert capsys.readouterr().out.startswith("R2: 0.9")


@pytest.mark.parametrize(
    ("values", "written", "task"),
    [
        ((3, 7), ("3", "7"), "classification"),
        ((0, 1, 2), ("0", "1", "2"), "classification"),
        ((True, False), ("True", "False"), "classification"),
        (("1.0", "2.0"), ("1", "2"), "classification"),
        (("ja", "nein, nie"), ("ja", "nein, nie"), "classification"),
        ((0.5, 1.5), ("0.5", "1.5"), "told"),
        ((0.5, 1.5), (), "regression"),
    ],
)
def test_a_target_is_what_its_values_are(values: Any, written: Any, task: str, capsys: Any) -> None:
    rows = [{"a": i % len(values), "y": values[i % len(values)]} for i in range(30)]
    data = write("data.csv", rows)
    told = ["--task", "classification"] if task == "told" else []
    assert run("train", data, "--target", "y", "--json", "--alpha", "0.1", *told, *FAST) == 0
    assert json.loads(capsys.readouterr().out)["task"] == task.replace("told", "classification")
    found = {row["y"] for row in predicted(capsys, "data.net.npz", data)}
    assert found == set(written) if written else all(float(value) for value in found)
    assert run("evaluate", "data.net.npz", data, "--at-least", "0.9") == 0


def test_columns_are_found_by_their_names(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = flowers()
    data = write("flowers.csv", rows)
    assert run("train", data, "--target", "total", "--ignore", "kind", *FAST) == 0
    capsys.readouterr()
    expected = predicted(capsys, "flowers.net.npz", data)
    other = [{"x": "?", "n": row["n"], "colour": row["colour"], "size": row["size"]} for row in rows]
    assert predicted(capsys, "flowers.net.npz", write("other.csv", other)) == expected
    assert predicted(capsys, "flowers.net.npz", write("semicolons.csv", other, delimiter=";")) == expected
    assert predicted(capsys, "flowers.net.npz", write("tabs.tsv", other, delimiter="\t")) == expected
    Path("bom.csv").write_text("\n\n" + Path("other.csv").read_text(), "utf-8-sig")
    assert predicted(capsys, "flowers.net.npz", "bom.csv") == expected
    feed(monkeypatch, Path("other.csv").read_text())
    assert predicted(capsys, "flowers.net.npz", "-") == expected
    alone = [{"size": row["size"], "colour": row["colour"], "n": row["n"]} for row in rows]
    assert predicted(capsys, "flowers.net.npz", write("alone.csv", alone, header=False)) == expected
    kept = predicted(capsys, "flowers.net.npz", data, "--keep")
    assert [row["predicted:total"] for row in kept] == [row["total"] for row in expected]
    assert [row["colour"] for row in kept] == [row["colour"] for row in rows]


def test_columns_without_names_are_found_by_their_place(capsys: Any) -> None:
    rows = [{"y": row["kind"], "a": row["size"], "b": row["n"]} for row in flowers()]
    data = write("plain.csv", rows, header=False)
    assert run("train", data, "--target", "1", *FAST) == 0
    capsys.readouterr()
    expected = predicted(capsys, "plain.net.npz", data)
    assert list(expected[0]) == ["1"]
    alone = write("alone.csv", [{"a": row["a"], "b": row["b"]} for row in rows], header=False)
    assert predicted(capsys, "plain.net.npz", alone) == expected
    assert predicted(capsys, "plain.net.npz", write("named.csv", rows)) == expected
    assert run("evaluate", "plain.net.npz", data, "--at-least", "0.5") == 0


def test_parquet_and_npz_are_what_csv_is(capsys: Any) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    rows = flowers()
    frame = pandas.read_csv(write("flowers.csv", rows))
    frame.to_parquet("flowers.parquet")
    np.savez("flowers.npz", **{name: np.array([row[name] for row in rows]) for name in rows[0]})
    written = []
    for name in ("flowers.csv", "flowers.parquet", "flowers.npz"):
        assert run("train", name, "--target", "kind", "--force", *FAST) == 0
        capsys.readouterr()
        written.append([Path("flowers.net.npz").read_bytes(), predicted(capsys, "flowers.net.npz", name)])
    assert written[0] == written[1] == written[2]
    assert run("predict", "flowers.net.npz", "flowers.parquet", "--header") == 2
    assert "--header is only for CSV" in capsys.readouterr().err


def test_matrices_in_npz(capsys: Any) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(50, 3))
    np.savez("data.npz", X=X, y=X[:, 0] > 0)
    assert run("train", "data.npz", "--target", "y", *FAST) == 0
    capsys.readouterr()
    found = predicted(capsys, "data.net.npz", "data.npz", "--keep")
    assert list(found[0]) == ["X1", "X2", "X3", "y", "predicted:y"]
    assert np.mean([row["y"] == row["predicted:y"] for row in found]) > 0.9


def test_a_data_set_by_its_name(capsys: Any) -> None:
    assert run("train", "iris", "--output", "net.safetensors", *FAST) == 0
    assert "3 classes" in capsys.readouterr().out
    assert run("evaluate", "net.safetensors", "iris", "--at-least", "0.9") == 0
    assert run("evaluate", "net.safetensors", "iris", "--at-least", "0.999") == 1
    assert capsys.readouterr().err.startswith("samenet evaluate: failed: expected at least 0.999, got 0.9")
    assert samenet.load("net.safetensors", "numpy").sizes == (4, 32, 3)


def test_tables_are_read_in_parts(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write("flowers.csv", flowers())
    assert run("train", data, "--target", "total", "--ignore", "kind", *FAST) == 0
    capsys.readouterr()
    run("evaluate", "flowers.net.npz", data, "--json")
    whole = json.loads(capsys.readouterr().out)
    expected = predicted(capsys, "flowers.net.npz", data)
    monkeypatch.setattr(csv_files, "CELLS", 15)
    sizes: list[int] = []
    right = samenet.network.Network.predict
    monkeypatch.setattr(samenet.network.Network, "predict", lambda net, X: sizes.append(len(X)) or right(net, X))
    found = predicted(capsys, "flowers.net.npz", data)
    assert [float(row["total"]) for row in found] == pytest.approx([float(row["total"]) for row in expected], rel=1e-12)
    assert sizes == [3] * 13 + [1]
    run("evaluate", "flowers.net.npz", data, "--json")
    again = json.loads(capsys.readouterr().out)
    assert again.pop("task") == whole.pop("task")
    assert again == pytest.approx(whole, rel=1e-12)
    assert run("train", data, "--target", "total", "--ignore", "kind", "--output", "parts.npz", *FAST) == 0
    assert Path("parts.npz").read_bytes() == Path("flowers.net.npz").read_bytes()


def test_a_network_that_knows_no_columns(capsys: Any) -> None:
    net = samenet.backend("numpy").Network([2, 3], seed=0)
    net.save("net.npz")
    Path("x.csv").write_text("0.5,1\n-1,2\n")
    found = predicted(capsys, "net.npz", "x.csv")
    assert [[float(value) for value in row.values()] for row in found] == net.predict([[0.5, 1], [-1, 2]]).tolist()
    assert list(found[0]) == ["output1", "output2", "output3"]
    assert run("evaluate", "net.npz", "x.csv") == 3
    assert "has no columns' names" in capsys.readouterr().err


def test_rows_without_a_value(capsys: Any) -> None:
    data = write("holes.csv", flowers())
    text = Path(data).read_text().splitlines()
    text[3] = text[3].replace(text[3].split(",")[0], "NA", 1)
    text[7] = "," + text[7].partition(",")[2]
    Path(data).write_text("\n".join(text))
    assert run("train", data, "--target", "kind", *FAST) == 3
    expected = "holes.csv, line 4, column 'size': expected a number, got none; --drop-missing leaves out such rows"
    assert capsys.readouterr().err == f"samenet train: error: {expected}\n"
    assert run("train", data, "--target", "kind", "--drop-missing", *FAST) == 0
    assert "38 rows (2 left out" in capsys.readouterr().out
    assert run("predict", "holes.net.npz", data) == 3
    assert "line 4, column 'size'" in capsys.readouterr().err
    assert run("evaluate", "holes.net.npz", data, "--drop-missing", "--json") == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == 2


def test_words_of_missing_numbers_are_texts_among_texts(capsys: Any) -> None:
    """NA may be Namibia; only an empty cell is not a text."""
    rows = [{"country": ("NA", "DE", "None", "-")[i % 4], "n": i, "kind": "ab"[i % 2]} for i in range(40)]
    rows[3]["country"] = ""
    data = write("countries.csv", rows)
    assert run("train", data, "--target", "kind", "--ignore", "n", "--drop-missing", *FAST) == 0
    assert "39 rows (1 left out" in capsys.readouterr().out
    assert run("evaluate", "countries.net.npz", data, "--drop-missing", "--json") == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == 1
    assert run("train", data, "--target", "country", "--drop-missing", "--force", *FAST) == 0
    assert "39 rows (1 left out" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_file(capsys: Any) -> None:
    data = write("flowers.csv", flowers())
    for name, seed in (("a.npz", 1), ("b.npz", 1), ("c.npz", 2)):
        assert run("train", data, "--target", "kind", "--output", name, "--seed", seed, *FAST) == 0
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes() != Path("c.npz").read_bytes()


# --- the file ---------------------------------------------------------------------------------------------------------

TABLE: dict[str, Any] = {
    "version": 1,
    "header": True,
    "inputs": [{"name": "a", "mean": 1.5, "scale": 2}, {"name": "b", "values": ["x", "y"]}],
    "target": {"name": "c", "classes": [0, 1.5]},
}


def changed(**values: Any) -> dict[str, Any]:
    return TABLE | values


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_what_is_known_of_columns_is_kept(form: str) -> None:
    net = samenet.backend("numpy").Network([3, 1], seed=0)
    saving.save(net.model, f"net.{form}", TABLE)
    found, preparation = files.read(f"net.{form}")
    assert found.equals(net.model)
    assert preparation is not None
    assert preparation.as_json() == TABLE
    assert samenet.load(f"net.{form}", "numpy") == net
    net.save(f"net.{form}")
    assert files.read(f"net.{form}")[1] is None


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_more_names_than_a_file_holds(form: str) -> None:
    net = samenet.backend("numpy").Network([3, 1], seed=0)
    with pytest.raises(ValueError, match="table: expected names and classes of at most 524288 bytes, got 6"):
        saving.save(net.model, f"net.{form}", changed(more="x" * 600_000))
    saving.save(net.model, f"net.{form}", changed(more='"\\' * 65_000))
    assert files.read(f"net.{form}")[1] is not None


@pytest.mark.parametrize(
    "table",
    [
        [],
        "text",
        changed(version=2),
        changed(version=True),
        changed(version=None),
        changed(header=1),
        changed(header=False),  # and then columns are numbers
        changed(inputs={}),
        changed(inputs=[]),
        changed(inputs=[1, 2]),
        changed(inputs=[{"name": "a", "mean": 0, "scale": 1}] * 3),
        changed(inputs=[{"name": "a", "values": ["x", "x", "y"]}]),
        changed(inputs=[{"name": "a", "values": ["x", 1, "y"]}]),
        changed(inputs=[{"name": "a", "values": "xyz"}]),
        changed(inputs=[{"name": "a", "values": ["x", "y"]}]),
        changed(inputs=[{"name": ["a"], "values": ["x", "y", "z"]}]),
        *(
            changed(inputs=[{"name": "a", "mean": mean, "scale": scale}, TABLE["inputs"][1]])
            for mean, scale in (
                (0, 0),
                (0, -1),
                ("0", 1),
                (float("nan"), 1),
                (0, float("inf")),
                (10**400, 1),
                (True, 1),
            )
        ),
        changed(target={"name": "c"}),
        changed(target={"name": "c", "classes": [1]}),
        changed(target={"name": "c", "classes": ["x", 1]}),
        changed(target={"name": "c", "classes": [1, 2, 3]}),
        changed(target={"name": "a", "classes": [1, 2]}),
        changed(target=None),
    ],
    ids=lambda table: str(table)[:70],
)
def test_what_is_wrongly_said_of_columns_is_refused(table: Any, capsys: Any) -> None:
    net = samenet.backend("numpy").Network([3, 1], seed=0)
    saving.save(net.model, "net.npz", table)
    with pytest.raises(
        TableError, match=r"^expected a network saved by samenet, got 'net.npz': its description of the columns"
    ):
        files.read("net.npz")
    assert samenet.load("net.npz", "numpy") == net
    assert run("predict", "net.npz", "x.csv") == 3
    assert capsys.readouterr().err.count("\n") == 1


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(capsys: Any) -> None:
    """A table, two networks trained on it, and files of other kinds."""
    write("flowers.csv", flowers())
    run("train", "flowers.csv", "--target", "kind", "--ignore", "total", "--output", "net.npz", *FAST)
    run("train", "flowers.csv", "--target", "total", "--ignore", "kind", "--output", "sums.npz", *FAST)
    capsys.readouterr()
    Path("text.npz").write_text("no arrays")
    Path("text.parquet").write_text("no table")
    np.savez("objects.npz", y=np.array([None, 1], object), x=np.ones(2))
    np.savez("lengths.npz", X=np.ones((3, 2)), y=np.ones(4))
    np.savez("called.npz", X=np.ones((3, 2)), X1=np.ones(3))
    np.savez("nothing.npz")
    np.savez("deep.npz", X=np.ones((3, 2, 2)), y=np.ones(3))
    tables = {
        "empty.csv": "",
        "header.csv": "size,colour,n,kind\n",
        "ragged.csv": "size,colour,n\n1,red,2\n1,red\n",
        "titled.csv": "# a title\nsize,n\n1,2\n",
        "quote.csv": 'size,colour,n\n1,"red,2\n',
        "twice.csv": "size,size,n\n1,2,3\n",
        "unknown.csv": "size,colour,n\n1,green,2\n",
        "text.csv": "size,colour,n,kind\n1,red,2,iris\nbig,red,2,rose\n3,red,2,rose\n",
        "infinite.csv": "size,colour,n\ninf,red,2\n",
        "underscore.csv": "size,colour,n\n1_0,red,2\n",
        "same.csv": "a,y\n1,x\n2,x\n",
        "names.csv": "a,y\n" + "".join(f"name {i},{i}\n" for i in range(200)),
        "few.csv": "a,y\n1,2\n",
        "missing.csv": "size,n\n1,2\n",
        "class.csv": "size,colour,n,kind\n1,red,2,tulip\n",
        "comma.csv": "a;b;y\n0,5;1;x\n1,5;2;z\n2,5;1;x\n",
        "trailing.csv": "a,y,\n1,x,\n2,z,\n",
    }
    for name, text in tables.items():
        Path(name).write_text(text)
    Path("bytes.csv").write_bytes(b"size,colour,n\n1,\xff,2\n")


TRAIN = ("train", "flowers.csv", "--target", "kind")
WRONG: list[tuple[tuple[object, ...], int, str]] = [
    # usage
    ((), 2, "samenet: error: missing command; see --help"),
    (("trian",), 2, "samenet: error: no such command 'trian'. Did you mean 'train'"),
    (("--verbose",), 2, "samenet: error: no such option: --verbose"),
    (("train",), 2, "samenet train: error: missing argument 'DATA'"),
    (
        ("train", "flowers.csv"),
        2,
        "--target: expected one of the columns 'size', 'colour', 'kind', 'n', 'total', got none",
    ),
    (("train", "flowers.csv", "--target", "weight"), 2, "--target: expected one of the columns 'size'.*, got 'weight'"),
    ((*TRAIN, "more.csv"), 2, "unexpected extra argument"),
    ((*TRAIN, "--layers", "3-x"), 2, "--layers: expected sizes of hidden layers"),
    ((*TRAIN, "--layers", ""), 2, "--layers: expected"),
    ((*TRAIN, "--layers", "0", "--activation", "tanh"), 2, "--activation is for hidden layers"),
    ((*TRAIN, "--activation", "rleu"), 2, "--activation: invalid choice: 'rleu' .*did you mean 'relu'"),
    ((*TRAIN, "--backend", "cupy"), 2, "--backend: invalid choice: 'cupy'"),
    ((*TRAIN, "--backend", "numpy", "--threads", "2"), 2, "--threads is for numba, and --backend is numpy"),
    ((*TRAIN, "--task", "clustering"), 2, "--task: invalid choice"),
    *(((*TRAIN, "--epochs", text), 2, "--epochs: expected a whole number of at least 1") for text in ("0", "x", "1.5")),
    *(((*TRAIN, "--alpha", text), 2, "--alpha: expected a number above 0") for text in ("0", "nan", "inf", "-1", "x")),
    *(((*TRAIN, "--l2", text), 2, "--l2: expected a number of at least 0") for text in ("nan", "-1", "x")),
    *(
        ((*TRAIN, "--validation", text), 2, "--validation: expected a number from 0")
        for text in ("1", "nan", "-1", "x")
    ),
    ((*TRAIN, "--validation", "0", "--patience", "3"), 2, "--patience needs held-out rows"),
    ((*TRAIN, "--seed", "-1"), 2, "--seed: expected a whole number from 0"),
    ((*TRAIN, "--seed"), 2, "'--seed' requires an argument"),
    ((*TRAIN, "--dtype", "float16"), 2, "--dtype: invalid choice"),
    ((*TRAIN, "--delimiter", ",,"), 2, "--delimiter: expected one character"),
    ((*TRAIN, "--output", "net.pt"), 2, "--output: expected a name that ends in .npz or .safetensors"),
    ((*TRAIN, "--output", "no/such/net.npz"), 2, "--output: expected a file that can be written"),
    ((*TRAIN, "--output", "a\0b.npz"), 2, "--output: expected a file that can be written"),
    ((*TRAIN, "--output", "net.npz"), 2, "--output: 'net.npz' exists; --force replaces it"),
    (("train", "iris", "--target", "size"), 2, "--target: a data set has one target, 'target', got 'size'"),
    (("train", "iris", "--delimiter", ";"), 2, "--delimiter is only for CSV, and 'iris' is not CSV"),
    (("train", "objects.npz", "--target", "y", "--output", "objects.npz", "--force"), 2, "than those being read"),
    (("predict", "net.npz"), 2, "missing argument 'DATA'"),
    (("predict", "sums.npz", "flowers.csv", "--probabilities"), 2, "--probabilities: 'sums.npz' predicts no classes"),
    (("predict", "net.npz", "flowers.csv", "--output", "sums.npz"), 2, "--output: 'sums.npz' exists"),
    (("predict", "net.npz", "flowers.csv", "--output", "no/such.csv"), 2, "expected a file that can be written"),
    (("predict", "net.npz", "flowers.csv", "--output", "flowers.csv", "--force"), 2, "than those being read"),
    (("predict", "net.npz", "flowers.csv", "--force"), 2, "--force needs --output"),
    (("compare", "--force"), 2, "--force needs --json or --plot"),
    (("examples", "sigmoid", "--force"), 2, "--force needs --plot, --notebook or --gallery"),
    (("exercises", "--force"), 2, "--force is only for start"),
    (("evaluate", "net.npz", "flowers.csv", "--at-least", "x"), 2, "--at-least: expected a number"),
    (("evaluate", "net.npz", "flowers.csv", "--keep"), 2, "no such option: --keep"),
    (("check", "net.npz", "--backend", "np"), 2, "--backend: invalid choice: 'np' .*did you mean 'numpy'"),
    (("advise",), 2, "missing argument 'SIZES'"),
    (("advise", "3"), 2, "SIZES: expected layer sizes such as 784-30-10, got '3'"),
    (("advise", "3-2", "--batch", "0"), 2, "--batch: expected a whole number of at least 1"),
    (("warmup", "--dtype", "float16"), 2, "--dtype: invalid choice"),
    (("warmup", "--processes", "0"), 2, "--processes: expected a whole number of at least 1"),
    (("info", "net.npz"), 2, "unexpected extra argument"),
    (("export", "net.npz", "--to", "js", "--output", "no/such.mjs"), 2, "expected a file that can be written"),
    *(
        (
            ("export", "net.npz", "--to", to, "--output", name),
            2,
            "a file other than those being read, got '.*net.npz'",
        )
        for to, name in (("c", "net.npz"), ("js", "./net.npz"))
    ),
    (("predict", "net.npz", "flowers.csv", "--output", "net.npz", "--force"), 2, "than those being read"),
    (("examples", "none"), 2, "samenet examples: error: NAME: expected one of"),
    # what cannot be done
    (("train", "none.csv", "--target", "y"), 3, "samenet train: error: none.csv: No such file or directory"),
    (("train", "none", "--target", "y"), 3, "expected a file that ends in .csv.*breast-cancer.*, got 'none'"),
    (("train", "none.npz", "--target", "y"), 3, "none.npz: No such file"),
    (("train", "none.parquet", "--target", "y"), 3, "none.parquet: No such file"),
    (("train", ".", "--target", "y"), 3, "expected a file that ends in"),
    (("train", "text.npz", "--target", "y"), 3, "text.npz: expected arrays that numpy.savez wrote"),
    (("train", "text.parquet", "--target", "y"), 3, "text.parquet: expected a table in parquet"),
    (("train", "objects.npz", "--target", "y"), 3, "objects.npz, array 'y': expected shape .*, got Python objects"),
    (("train", "lengths.npz", "--target", "y"), 3, r"the same number of rows, got X \(3, 2\), y \(4,\)"),
    (("train", "deep.npz", "--target", "y"), 3, r"array 'X': expected shape \(m,\) or \(m, n\), got \(3, 2, 2\)"),
    (("train", "net.npz", "--target", "y"), 3, "net.npz: expected a table, got a network"),
    (("train", "nothing.npz", "--target", "y"), 3, "nothing.npz: expected a table, got no columns"),
    (
        ("train", "called.npz", "--target", "X2"),
        3,
        "called.npz: expected distinct column names, got 'X1' twice",
    ),
    (("train", "empty.csv", "--target", "y"), 3, "empty.csv: expected a table, got an empty file"),
    (("train", "header.csv", "--target", "kind"), 3, "header.csv: expected rows to learn from, got none"),
    (("train", "ragged.csv", "--target", "n"), 3, "ragged.csv, line 3: expected 3 cells as in the first row, got 2"),
    (("train", "titled.csv", "--target", "n"), 3, "titled.csv, line 2: expected 1 cell as in the first row, got 2"),
    (("train", "quote.csv", "--target", "n"), 3, "quote.csv, line 2: expected CSV, got an invalid row"),
    (
        ("train", "twice.csv", "--target", "n"),
        3,
        "twice.csv: expected distinct column names, got 'size' twice",
    ),
    (
        ("train", "text.csv", "--target", "kind"),
        3,
        "text.csv, line 3, column 'size': expected a finite number, got 'big'",
    ),
    (("train", "bytes.csv", "--target", "n"), 3, "bytes.csv: expected text in UTF-8, got the byte 0xff"),
    (
        ("train", "same.csv", "--target", "y"),
        3,
        "column 'y': expected a target with at least 2 distinct values, got 'x'",
    ),
    (("train", "names.csv", "--target", "y"), 3, "column 'a': expected numbers, or at most 100 distinct texts"),
    (("train", "few.csv", "--target", "y"), 3, "column 'y': expected a target with at least 2 distinct values"),
    (
        ("train", "flowers.csv", "--target", "kind", "--task", "regression"),
        3,
        "expected numbers for regression, got texts",
    ),
    (("train", "comma.csv", "--target", "y"), 3, "column 'a': expected numbers with a decimal point, got '0,5'"),
    (("train", "comma.csv", "--target", "a"), 3, "column 'a': expected numbers with a decimal point, got '0,5'"),
    *(
        (("train", "trailing.csv", "--target", "y", *more), 3, "column '3': expected values, got none .*--ignore")
        for more in ((), ("--drop-missing",))
    ),
    ((*TRAIN, "--ignore", "weight"), 3, "expected --ignore among the columns"),
    ((*TRAIN, "--ignore", "kind"), 3, "expected another column for --ignore than the target"),
    ((*TRAIN, "--layers", "99999999-99999999", "--backend", "numpy"), 3, "expected a size that fits in memory"),
    (("predict", "none.npz", "flowers.csv"), 3, "none.npz: No such file"),
    (("predict", "text.npz", "flowers.csv"), 3, "expected a network saved by samenet, got 'text.npz': it is neither"),
    (("predict", "net.npz", "missing.csv"), 3, "missing.csv: expected a column 'colour', as in training, got none"),
    (
        ("predict", "net.npz", "unknown.csv"),
        3,
        "line 2, column 'colour': expected one of 'blue, pale', 'red', 'white', got",
    ),
    (("predict", "net.npz", "infinite.csv"), 3, "line 2, column 'size': expected a finite number, got 'inf'"),
    (("predict", "net.npz", "underscore.csv"), 3, "line 2, column 'size': expected a finite number, got '1_0'"),
    (("predict", "net.npz", "ragged.csv", "--no-header"), 3, "ragged.csv"),
    (("evaluate", "net.npz", "unknown.csv"), 3, "unknown.csv: expected a column 'kind', as in training, got none"),
    (("evaluate", "net.npz", "class.csv"), 3, "line 2, column 'kind': expected one of 'iris', 'rose', got 'tulip'"),
    (("evaluate", "net.npz", "header.csv"), 3, "header.csv: expected rows to evaluate, got none"),
    (("evaluate", "net.npz", "flowers.csv", "--at-least", "1.1"), 1, "failed: expected at least 1.1"),
    (("check", "text.npz"), 3, "expected a network saved by samenet, got 'text.npz'"),
    (("check", "none.npz"), 3, "none.npz: No such file"),
    (("export", "text.npz", "--to", "c"), 3, "expected a network saved by samenet, got 'text.npz'"),
    (("advise", "99999999-99999999"), 3, "SIZES, --batch: expected networks and batches that fit in memory"),
]


@pytest.mark.usefixtures("trained")
def test_what_is_wrong_is_said_in_a_line(capsys: Any) -> None:
    """A table of wrong invocations: the status, one line on standard error, no file changed, no other output."""
    for arguments, status, message in WRONG:
        before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
        assert run(*arguments) == status, arguments
        told = capsys.readouterr()
        assert len(told.err.splitlines()) == 1, (arguments, told.err)
        assert len(told.err) < 500, arguments
        assert told.err.startswith("samenet"), arguments
        assert re.search(message, told.err), (arguments, told.err)
        assert "Traceback" not in told.out
        assert status == 1 or "rows" in told.out or told.out in ("", "kind\n"), (arguments, told.out)
        assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before, arguments


def test_columns_that_are_not_used_may_be_anything(capsys: Any) -> None:
    arrow = pytest.importorskip("pyarrow")
    rows = flowers()
    plain = {name: [row[name] for row in rows] for name in ("kind", "size")}
    nested = {
        "lists": [[1, 2]] * len(rows),
        "records": [{"a": 1}] * len(rows),
        "bytes": [b"\xff"] * len(rows),
        "large": arrow.array([b"\xff"] * len(rows), arrow.large_binary()),
        "fixed": arrow.array([b"\xff"] * len(rows), arrow.binary(1)),
    }
    arrow.parquet.write_table(arrow.table(nested | plain), "nested.parquet")
    others = {
        "objects": np.array([None] * len(rows)),
        "images": np.zeros((len(rows), 2, 2)),
        "others": np.zeros((3, 2, 2)),
        "note": np.array("a note"),
        "dates": np.zeros(len(rows), "datetime64[D]"),
        "complex": np.zeros(len(rows), complex),
    }
    np.savez("others.npz", **others, **{name: np.array(cells) for name, cells in plain.items()})
    for file, names in (("nested.parquet", [*nested]), ("others.npz", [*others])):
        ignored = [text for name in names for text in ("--ignore", name)]
        assert run("train", file, "--target", "kind", "--output", "net.npz", "--force", *ignored, *FAST) == 0
        assert run("evaluate", "net.npz", file, "--json") == 0
        assert run("predict", "net.npz", file, "--output", "predicted.csv", "--force") == 0
        assert len(Path("predicted.csv").read_text().splitlines()) == len(rows) + 1
        capsys.readouterr()
        for name in names:
            rest = [text for other in names if other != name for text in ("--ignore", other)]
            for arguments in (["--target", "kind", *rest], ["--target", name, *rest]):
                assert run("train", file, *arguments, "--output", "new.npz", *FAST) == 3
                told = capsys.readouterr().err
                assert re.match(f"samenet train: error: {file}, (column|array) '{name}': expected", told), told
        assert run("predict", "net.npz", file, "--keep") == 3
        assert re.match(f"samenet predict: error: {file}, ", capsys.readouterr().err)


def test_a_table_that_no_file_can_keep_is_refused_before_training(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samenet.network.Network, "train", None)
    names = [f"a long name of a column {i}" for i in range(9000)]
    Path("wide.csv").write_text("".join(",".join(row) + "\n" for row in ([*names, "y"], ["1"] * 9001, ["2"] * 9001)))
    Path("ids.csv").write_text("x,y\n" + "".join(f"{i},{'id' * 40}{i // 2}\n" for i in range(14000)))
    for file, columns in (("wide.csv", 9000), ("ids.csv", 1)):
        assert run("train", file, "--target", "y", "--task", "classification", "--validation", "0", *FAST) == 3
        told = capsys.readouterr().err
        assert re.match(f"samenet train: error: {file}: expected .* at most 507904 bytes in a file, got ", told), told
        assert told.endswith(f" for {columns} columns\n")
    assert not list(Path().glob("*.npz"))


@pytest.mark.usefixtures("trained")
def test_no_command_replaces_a_file_without_force(capsys: Any) -> None:
    for option, name, *command in (
        ("--output", "net.npz", *TRAIN, "--output", "net.npz"),
        ("--output, for the report", "other.report.json", *TRAIN, "--output", "other.npz"),
        ("--output", "a.csv", "predict", "net.npz", "flowers.csv", "--output", "a.csv"),
        *(("--output", "a.txt", "export", "net.npz", "--to", to, "--output", "a.txt") for to in ("c", "js", "onnx")),
        *(
            ("--output", f"net{suffix}", "export", "net.npz", "--to", to)
            for to, suffix in (("c", ".h"), ("js", ".mjs"))
        ),
        ("--json", "a.json", "compare", "--sizes", "3-2", "--json", "a.json"),
        ("--plot", "a.png", "compare", "--sizes", "3-2", "--plot", "a.png"),
        ("--plot", "a.svg", "examples", "sigmoid", "--plot", "a.svg"),
        ("FILE", "a.ipynb", "examples", "sigmoid", "a.ipynb", "--notebook"),
        ("FILE", "sigmoid.ipynb", "examples", "sigmoid", "--notebook"),
        ("--gallery", "README.md", "examples", "--gallery", "."),
        ("--output", "a.py", "exercises", "start", "sigmoid", "--output", "a.py"),
        ("--output", "sigmoid.py", "exercises", "start", "sigmoid"),
        ("--output", "a.html", "demo", "--no-open", "--output", "a.html"),
    ):
        Path(name).write_text("mine")
        assert run(*command) == 2, command
        assert re.search(f"error: {option}: '{name}' exists; --force replaces it\\n$", capsys.readouterr().err), command
        assert Path(name).read_text() == "mine"
    assert run("exercises", "start", "sigmoid", "--force") == 0
    assert Path("sigmoid.py").read_text() != "mine"
    assert run("examples", "sigmoid", "--notebook", "--force") == 0
    assert Path("sigmoid.ipynb").read_text() != "mine"


@pytest.mark.usefixtures("trained")
def test_a_file_is_complete_or_as_before(capsys: Any) -> None:
    Path("old.csv").write_text("old")
    for name in ("old.csv", "new.csv"):
        assert run("predict", "net.npz", "unknown.csv", "--output", name, "--force") == 3
    assert Path("old.csv").read_text() == "old"
    assert not Path("new.csv").exists()
    assert run("predict", "net.npz", "flowers.csv", "--output", "old.csv", "--force") == 0
    assert Path("old.csv").read_text().startswith("kind\n")
    assert not list(Path().glob(".samenet-*"))


@pytest.mark.parametrize("command", ["train", "predict"])
@pytest.mark.usefixtures("trained")
def test_ctrl_c(command: str, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(samenet.network.Network, command, pressed)
    given = {"train": (*TRAIN, "--output", "new.npz", *FAST), "predict": ("predict", "net.npz", "flowers.csv")}
    assert run(*given[command]) == 130
    assert capsys.readouterr().err == "stopped\n"
    assert not Path("new.npz").exists()


def test_a_training_that_diverges(capsys: Any) -> None:
    data = write("flowers.csv", flowers())
    given = ("--target", "total", "--alpha", "1e200", "--validation", "0", *FAST)
    assert run("train", data, *given) == 3
    assert "samenet train: error: training diverged" in capsys.readouterr().err.splitlines()[-1]
    assert not Path("flowers.net.npz").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_output_that_is_closed(trained: None) -> None:
    rows = flowers(40) * 2000
    write("long.csv", rows)
    with subprocess.Popen(
        [sys.executable, "-m", "samenet", "predict", "net.npz", "long.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"kind\n"
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_output_that_nobody_reads(trained: None) -> None:
    """A pipe whose reader has gone is not a failed check, which would be status 1; a stream may be closed."""
    command = [sys.executable, "-m", "samenet", "evaluate", "net.npz", "flowers.csv"]
    reading, writing = os.pipe()
    os.close(reading)
    for told in (command, [*command[:3], "--help"], [*command[:4], "--help"]):
        gone = subprocess.run(told, stdout=writing, stderr=subprocess.PIPE, check=False)
        assert (gone.returncode, gone.stderr) == (141, b""), told
    os.close(writing)
    closed = subprocess.run(["sh", "-c", '"$@" >&- <&-', "sh", *command], capture_output=True, check=False)
    assert (closed.returncode, closed.stderr) == (0, b"")
    closed = subprocess.run(
        ["sh", "-c", '"$@" 2>&-', "sh", *command[:-1], "none.csv"], capture_output=True, check=False
    )
    assert (closed.returncode, closed.stdout) == (3, b"")


def test_output_in_an_encoding_without_the_characters_of_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text for people has escapes; a table is in UTF-8, as it is read."""

    def output(*arguments: object) -> bytes:
        written = io.BytesIO()
        stream = io.TextIOWrapper(written, "ascii", newline="")
        monkeypatch.setattr(sys, "stdout", stream)
        assert run(*arguments) == 0
        stream.flush()
        return written.getvalue()

    text = "größe,日本\n" + "".join(f"{i},{'été' if i % 2 else '冬'}\n" for i in range(40))
    Path("ü.csv").write_text(text, "utf-8")
    told = output("train", "ü.csv", "--target", "日本", "--output", "net.npz", *FAST)
    assert b"target '\\u65e5\\u672c': classification" in told
    assert b"\n\\u51ac" in told
    assert b"\n\\u51ac" in output("evaluate", "net.npz", "ü.csv")
    assert json.loads(output("evaluate", "net.npz", "ü.csv", "--json"))["classes"][1]["class"] == "冬"
    predicted = output("predict", "net.npz", "ü.csv", "--keep")
    assert [line.rpartition(",")[0] for line in predicted.decode("utf-8").splitlines()] == text.splitlines()


def test_ctrl_c_while_it_is_loaded(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__.importlib, "import_module", pressed)
    assert run("info") == 130
    assert capsys.readouterr() == ("", "stopped\n")


def test_without_typer(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    assert run("compare") == 3
    needed = 'the command line needs typer; install it with: pip install "samenet[cli]"'
    assert capsys.readouterr().err == f"samenet: error: {needed}\n"


def test_without_pyarrow(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    Path("x.parquet").touch()
    assert run("train", "x.parquet", "--target", "y") == 3
    assert 'pip install "samenet[parquet]"' in capsys.readouterr().err


# --- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_readable(command: str, capsys: Any) -> None:
    assert run(*([command] if command else []), "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"Usage: samenet {command}".rstrip())
    assert not any(char < " " for line in lines for char in line)
    assert command or not any("..." in line for line in lines[1:]), "a line that is cut off"


def test_every_command_is_there() -> None:
    assert application._names() == set(COMMANDS)


def test_completion(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SAMENET_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "samenet ev")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        run()
    assert capsys.readouterr().out.split() == ["evaluate"]


# --- check, advise, warmup, info --------------------------------------------------------------------------------------


def test_check(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    samenet.backend("numpy").Network([3, 4, 2], seed=0, activation=["tanh", "softmax"], cost="cross_entropy").save(
        "n.npz"
    )
    given = ("check", "n.npz", "--backend", "reference", "--backend", "numpy")
    assert run(*given) == 0
    assert capsys.readouterr().out.splitlines()[0] == "n.npz: 3-4-2, 26 parameters, float64"
    assert run(*given, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"]
    assert told["backends"]["numpy"]["differences"]["ok"]
    assert told["backends"]["numpy"]["gradient"]["observed_by_allowed"] <= 1
    right = samenet.backend("numpy").gradient

    def wrong(*given: Any, **named: Any) -> Any:
        cost, slope = right(*given, **named)
        slope.flat[5] *= 1.001
        return cost, slope

    monkeypatch.setattr(samenet.backend("numpy"), "gradient", wrong)
    assert run(*given, "--json") == 1
    told = capsys.readouterr()
    assert "samenet check: failed: numpy" in told.err
    assert "weights[0]" in told.err
    found = json.loads(told.out)
    assert [found["ok"], found["backends"]["reference"]["ok"], found["backends"]["numpy"]["ok"]] == [False, True, False]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dtype": "float32", "l1": 1e-3},
        {"activation": "sigmoid", "cost": "binary_cross_entropy", "l2": 0.1},
        {"activation": ["relu", "identity"], "batch_normalization": True},
        {"bias": False, "cost": "sum_of_squares"},
    ],
    ids=str,
)
def test_networks_of_every_kind_are_checked(settings: dict[str, Any]) -> None:
    net = samenet.backend("numpy").Network([3, 5, 2], seed=0, **settings)
    found = networks.check_networks({"reference": net.on("reference"), "numpy": net})
    assert found["numpy"].ok
    assert found["numpy"].slopes is not None


def test_a_large_network_is_checked_without_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "MOST_PARAMETERS", 20)
    net = samenet.backend("numpy").Network([3, 5, 2], seed=0)
    found = networks.check_networks({"reference": net.on("reference"), "numpy": net})
    assert found["numpy"].slopes is None
    assert found["numpy"].ok


def told(*rows: tuple[int, dict[str, float]], first: Any = None) -> dict[str, Any]:
    found = [{"operation": "predict", "batch": batch, "seconds": seconds} for batch, seconds in rows]
    return {"rows": found, "first_calls": first}


def test_where_backends_cross_and_when_compiling_pays() -> None:
    first = {"compiling": {"predict": 8.0, "gradient": 9.0}, "loading": {"predict": 0.5, "gradient": 1.0}}
    rows = told(
        (1, {"numba": 1.0, "numpy": 3.0}), (8, {"numba": 2.0, "numpy": 3.0}), (64, {"numpy": 3.0, "numba": 4.0})
    )
    assert advice.crossings(rows) == [{"operation": "predict", "from": "numba", "to": "numpy", "after": 8, "by": 64}]
    assert advice.pays(rows) == []
    found = advice.pays(rows | {"first_calls": first})
    assert [(one["batch"], one["compiling"], one["loading"]) for one in found] == [
        (1, 4, 1),
        (8, 8, 1),
        (64, None, None),
    ]
    assert {one["against"] for one in found} == {"numpy"}


def test_advice_is_remembered(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "_SECONDS", 0.01)
    monkeypatch.setattr(advice.timing, "_ROUNDS", (3, 3))
    monkeypatch.setattr(advice.timing, "_SAMPLE", 1e-5)
    monkeypatch.setattr(sys.modules["samenet.backends"], "missing", lambda names: {"numba": "no Numba here"})
    assert run("advise", "4-3-2", "--batch", "1", "8", "--json") == 0
    first = capsys.readouterr()
    assert first.err == "samenet advise: note: left out: no Numba here\n"
    found = json.loads(first.out)
    assert [(row["operation"], row["batch"]) for row in found["rows"]] == [
        *(("predict", 1), ("gradient", 1), ("predict", 8), ("gradient", 8))
    ]
    for row in found["rows"]:
        assert row["seconds"].keys() == {"reference", "numpy"}
        assert list(row["seconds"].values()) == sorted(row["seconds"].values())
    assert not found["remembered"]
    assert run("advise", "4-3-2", "--batch", "8", "--batch", "1", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again == found | {"remembered": True}
    assert run("advise", "4-3-2", "--batch", "1", "8") == 0
    assert "--again measures it again" in capsys.readouterr().out
    Path(found["file"]).write_text('{"key": "damaged"')
    assert run("advise", "4-3-2", "--batch", "1", "8", "--json") == 0
    assert not json.loads(capsys.readouterr().out)["remembered"]
    shutil.rmtree(Path(found["file"]).parent)
    Path(found["file"]).parent.write_text("no folder can be here")
    assert run("advise", "4-3-2", "--batch", "1", "8", "--json") == 0
    assert json.loads(capsys.readouterr().out)["file"] is None


def test_advice_in_words(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {"compiling": {"predict": 8.0, "gradient": 9.0}, "loading": {"predict": 0.5, "gradient": 1.0}}
    rows = told((1, {"numba": 1.0, "numpy": 3.0}), (64, {"numpy": 3.0, "numba": 4.0}), first=first)
    monkeypatch.setattr(advice, "measure", lambda *given: rows)
    assert run("advise", "4-2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "predict: numpy overtakes numba between batches 1 and 64." in lines
    assert "  predict, batch 1: 4 calls, or 1 once compiled, against numpy" in lines
    assert "  predict, batch 64: never, numpy is faster" in lines


def test_what_first_calls_take_is_measured_in_processes_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    script = """
import json, os, pathlib, sys
marker = pathlib.Path(os.environ["NUMBA_CACHE_DIR"], "marker")
print(json.dumps({"predict": 1.0 + marker.exists(), "given": json.loads(sys.argv[1])}))
marker.touch()
"""
    monkeypatch.setattr(advice, "_FIRST_CALLS", script)
    found = advice.first_calls([4, 2], 8)
    assert found is not None
    assert found["compiling"] == {"predict": 1.0, "given": [[4, 2], 8]}, "with nothing on disk"
    assert found["loading"]["predict"] == 2.0
    monkeypatch.setattr(advice, "_FIRST_CALLS", "raise SystemExit(1)")
    assert advice.first_calls([4, 2], 8) is None
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert advice.first_calls([4, 2], 8) is None


def test_every_job_of_the_warmup_can_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[tuple[str, int, int]] = []
    monkeypatch.setattr(warming, "backend", lambda name: samenet.backend("numpy"))
    monkeypatch.setattr(warming, "_compile", lambda *given: others.append(given))
    begun: list[str] = []
    done, problems = warming.warm_up(begin=begun.append)
    assert begun == [f"{one['dtype']}, {one['kernels']}" for one in done]
    assert {one["dtype"] for one in done} == {"float64", "float32"}
    assert others == [(dtype, part, warming._PARTS) for dtype in warming.DTYPES for part in range(warming._PARTS)]
    assert not problems


def test_warmup_says_where_and_how_long(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = importlib.import_module("samenet.fast.kernel_cache")
    monkeypatch.setattr(kept, "is_compiled", lambda: False)
    assert run("warmup") == 3
    assert capsys.readouterr().err == "samenet warmup: error: NUMBA_DISABLE_JIT is set, so nothing is compiled\n"
    monkeypatch.setattr(kept, "is_compiled", lambda: True)
    calls: list[str] = []

    def jobs(dtype: str) -> Any:
        yield "one sample", partial(calls.append, dtype)

    monkeypatch.setattr(warming, "jobs", jobs)
    monkeypatch.setattr(warming, "processes", lambda: 1)
    assert run("warmup", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert calls == ["float64", "float32"]
    assert found["new"] == 0
    assert Path(found["folder"]).name.startswith(("__pycache__", "kernels"))
    assert run("warmup", "--dtype", "float32") == 0
    assert calls[2:] == ["float32"]
    assert "0 of them new" in capsys.readouterr().out

    def unkept(dtype: str) -> Any:
        yield "one", lambda: warnings.warn("samenet: cannot be kept", RuntimeWarning, stacklevel=1)

    monkeypatch.setattr(warming, "jobs", unkept)
    assert run("warmup", "--processes", "1") == 3
    assert "samenet warmup: error: cannot be kept\n" in capsys.readouterr().err
    with pytest.raises(BrokenProcessPool), warming._each(2) as each:  # nobody waits for a process that has ended
        list(each(os._exit, [1, 1, 1]))

    def warm_up(dtypes: Any, begin: Any, processes: int) -> Any:
        raise BrokenProcessPool

    monkeypatch.setattr(warming, "warm_up", warm_up)
    assert run("warmup", "--processes", "2") == 3
    assert "a process was ended" in capsys.readouterr().err


def test_processes_for_the_cores_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((1, 1), (2, 2), (64, warming._MOST)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)), raising=False)
        assert warming.processes() == expected
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert warming.processes() == 1


def test_info(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("info", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["numpy"] == np.__version__
    assert found["backends"] == dict.fromkeys(samenet.backends(), "ok")
    assert found["cache"].keys() == {"compiled", "folder", "kernels", "bytes"}
    assert run("info") == 0
    assert f"numpy             {np.__version__}" in capsys.readouterr().out.splitlines()
    monkeypatch.setattr(sys.modules["samenet.backends"], "missing", lambda names: {"numba": "no Numba here"})
    assert run("info") == 0
    assert "backend numba     no Numba here" in capsys.readouterr().out
    monkeypatch.undo()
    kept = importlib.import_module("samenet.fast.kernel_cache")
    for name, value, said in (
        ("folder", lambda: None, "no writable folder"),
        ("is_compiled", lambda: True, "no writable folder"),
        ("is_compiled", lambda: False, "not compiled: NUMBA_DISABLE_JIT is set"),
    ):
        monkeypatch.setattr(kept, "is_compiled", lambda: True)
        monkeypatch.setattr(kept, name, value)
        assert run("info") == 0
        assert said in capsys.readouterr().out


def test_kernels_on_disk_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = importlib.import_module("samenet.fast.kernel_cache")
    assert kept.count(tmp_path / "none") == (0, 0)
    for name, size in (("samenet.gemm.f-1.nbc", 3), ("samenet.gemm.g-1.nbc", 4), ("other.nbc", 5)):
        (tmp_path / name).write_bytes(bytes(size))
    assert kept.count(tmp_path) == (2, 7)
    (tmp_path / "file").touch()
    monkeypatch.setattr(kept.caching, "folders", lambda _: iter([tmp_path / "file" / "a", tmp_path / "new" / "b"]))
    assert kept.folder() == tmp_path / "new" / "b"
    monkeypatch.setattr(kept.caching, "folders", lambda _: iter([tmp_path / "file" / "a"]))
    assert kept.folder() is None


def test_progress_is_shown_on_a_terminal_alone(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write("flowers.csv", flowers())
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert run("train", data, "--target", "kind", *FAST) == 0
    told = capsys.readouterr()
    assert "training on numpy" in told.err
    assert "epoch" in told.err


def test_a_network_that_overflows_is_checked_in_plain_json(capsys: Any) -> None:
    net = samenet.backend("numpy").Network([3, 4, 2], seed=0, activation="identity")
    net.parameters[:] *= 1e200
    net.save("n.npz")
    assert run("check", "n.npz", "--backend", "numpy", "--json") == 1
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert told["backends"]["numpy"]["differences"] == {"ok": False, "relative_error": None}


@pytest.mark.filterwarnings("default:training diverges")
@pytest.mark.parametrize("backend", ["numpy", "reference"])
def test_costs_and_errors_that_overflow_are_null(backend: str, capsys: Any) -> None:
    rows = write("data.csv", [{"a": i % 7, "y": i % 7 + 0.5} for i in range(20)])
    told = ["--target", "y", "--backend", backend, "--layers", "32", "--epochs", "2", "--l2", "1e308"]
    assert run("train", rows, *told, "--json") == 0
    report = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert None in report["cost"]["cost"]
    assert json.loads(Path("data.net.report.json").read_text(), parse_constant=pytest.fail)["cost"] == report["cost"]


def test_errors_beyond_the_range_of_numbers(capsys: Any) -> None:
    write("data.csv", [{"a": i, "y": i % 7 * 1e-3 + 0.5} for i in range(20)])
    assert run("train", "data.csv", "--target", "y", "--epochs", "1", "--backend", "numpy", "--layers", "0") == 0
    far = write("far.csv", [{"a": i, "y": (-1) ** i * 1e300} for i in range(20)])
    capsys.readouterr()
    assert run("evaluate", "data.net.npz", far, "--json") == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (found["r2"], found["root_mean_squared_error"]) == (None, None)
    assert run("evaluate", "data.net.npz", far, "--at-least", "0.5") == 1
    out, err = capsys.readouterr()
    assert "R2: none: beyond the range of numbers, of 20 rows\n" in out
    assert err == "samenet evaluate: failed: expected at least 0.5, got nan\n"


def test_control_characters_are_printed_as_escapes(capsys: Any) -> None:
    odd = "red\x1b[31m\u202e", "two\nlines"
    data = write("da\x1bta.csv", [{"a": i, "y": odd[i % 2]} for i in range(20)])
    assert run("train", data, "--target", "y", "--epochs", "1", "--backend", "numpy", "--output", "net.npz") == 0
    assert run("evaluate", "net.npz", data) == 0
    assert run("evaluate", "net.npz", "no\x1bne.csv") == 3
    out, err = capsys.readouterr()
    for text in (out, err):
        assert not any(letter != "\n" and not letter.isprintable() for letter in text)
    assert out.count("red\\x1b[31m\\u202e ") == 6
    assert out.count("two\\nlines ") == 6
    assert {row["y"] for row in predicted(capsys, "net.npz", data)} <= set(odd)


@pytest.mark.parametrize("form", ["csv", "npz"])
def test_classes_that_are_equal_as_float64_are_refused(form: str, capsys: Any) -> None:
    first = 2**53
    if form == "npz":
        data = "data.npz"
        np.savez(data, a=np.arange(20.0), y=np.arange(20) % 3 + first)
    else:
        data = write("data.csv", [{"a": i, "y": first + i % 3} for i in range(20)])
    assert run("train", data, "--target", "y", "--epochs", "1", "--backend", "numpy") == 3
    assert capsys.readouterr().err == (
        f"samenet train: error: {data}, column 'y': expected classes that are numbers below 2^53, which differ as "
        "float64, got 9007199254740994; --categorical takes them for texts, --task regression for numbers\n"
    )
    if form == "csv":
        assert run("train", data, "--target", "y", "--categorical", "y", *FAST) == 0
        capsys.readouterr()
        assert len({row["y"] for row in predicted(capsys, "data.net.npz", data)}) > 1
