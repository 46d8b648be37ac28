"""`samenet demo`: the page's network, its preparation of pictures and its descent are samenet's; anyone can use it."""

import gzip
import json
import re
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsers
import numpy as np
import pytest
from browsers import look, needs_browser
from numpy.typing import NDArray

import samenet
from samenet import __main__, data
from samenet.export import demo
from samenet.export.demo import page, training
from samenet.export.demo.centring import as_mnist

pytestmark = pytest.mark.without_jit  # all on NumPy

HERE = Path(demo.__file__).parent
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs node")


@pytest.fixture(scope="module")
def reader() -> training.Reader:
    """The network of a machine without MNIST."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SAMENET_DATA", raising=False)
        return training.trained()


def idx(array: NDArray[Any]) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def fill(folder: Path, reader: training.Reader) -> None:
    """Four files like MNIST's, of few digits."""
    images, labels = np.round(255 * reader.X).reshape(-1, 28, 28), reader.y
    for kind, part in (("train", slice(0, 300)), ("t10k", slice(300, 360))):
        (folder / f"{kind}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[part])))
        (folder / f"{kind}-labels-idx1-ubyte").write_bytes(idx(labels[part]))


# --- the scripts in node ----------------------------------------------------------------------------------------------


def in_node(module: str, code: str, given: Any) -> Any:
    """The result of a function, `(module, given) => ...`, applied to JSON in node."""
    program = (
        f"import * as module from {json.dumps((HERE / module).as_uri())};\n"
        "let text = ''; for await (const part of process.stdin) text += part;\n"
        f"console.log(JSON.stringify(({code})(module, JSON.parse(text))));"
    )
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", program], input=json.dumps(given), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_picture(ink: NDArray[Any]) -> dict[str, Any]:
    return {"width": ink.shape[1], "height": ink.shape[0], "ink": ink.ravel().tolist()}


def pictures() -> list[NDArray[Any]]:
    """Pictures with ink of every shape: scattered, a dot, lines, asymmetric and symmetric, none."""
    random = np.random.default_rng(0)
    found = [
        random.random((height, width)) * (random.random((height, width)) < 0.3)
        for height, width in [(28, 28), (90, 33), (31, 280), (7, 9), (150, 150)]
    ]
    for rows, columns in [
        (slice(5, 6), slice(2, 3)),
        (slice(0, 40), slice(7, 8)),
        (slice(3, 4), slice(0, 40)),
        (slice(3, 22), slice(9, 14)),
        (slice(0, 40), slice(0, 40)),
        (slice(0, 0), slice(0, 0)),
    ]:
        ink = np.zeros((40, 40))
        ink[rows, columns] = 1
        found.append(ink)
    return found


@needs_node
def test_pictures_are_prepared_as_in_python(reader: training.Reader) -> None:
    given = [*pictures(), *reader.X[:5].reshape(-1, 28, 28)]
    code = "(m, all) => all.map((one) => m.prepared(one)?.centred.ink ?? null)"
    found = in_node("prepare.mjs", code, [as_picture(ink) for ink in given])
    for ink, one in zip(given, found, strict=True):
        if not ink.any():
            assert one is None
            continue
        assert np.abs(np.reshape(one, (28, 28)) - as_mnist(ink)).max() < 1e-12
    assert sum(one is None for one in found) == 1


@needs_node
def test_ink_is_found_on_any_paper() -> None:
    ink = np.zeros((20, 30))
    ink[4:15, 10:13] = 1
    ink[4, 10] = 0.5
    uneven = np.linspace(0, 40, 30)
    greys = {
        "dark on light": 250 - 200 * ink,
        "light on dark": 20 + 200 * ink,
        "uneven light": 150 + uneven - 140 * ink,
        "blank": np.full((20, 30), 200.0),
        "nearly blank": 200 - 10 * ink,
        "noise": 100 + uneven + 0 * ink,
    }
    given = [{"width": 30, "height": 20, "grey": grey.ravel().tolist()} for grey in greys.values()]
    found = dict(zip(greys, in_node("prepare.mjs", "(m, all) => all.map((one) => m.inkOf(one))", given), strict=True))
    for name in ("dark on light", "light on dark"):
        assert np.abs(np.reshape(found[name]["ink"], ink.shape) - ink).max() < 1e-12
    assert ((np.reshape(found["uneven light"]["ink"], ink.shape) > 0.5) == (ink > 0.5)).all()
    assert found["blank"] is found["nearly blank"] is found["noise"] is None


def mnist_digits(reader: training.Reader) -> NDArray[Any]:
    """Digits of MNIST if its files are available, else digits in the same format."""
    X = reader.X if training.mnist_loader.default_folder() is None else data.mnist().X_test
    return X[:200].reshape(-1, 28, 28)


def test_prepared_digits_come_back_unchanged(reader: training.Reader) -> None:
    for ink in mnist_digits(reader):
        assert np.abs(as_mnist(ink) - ink).max() < 1e-12
        assert np.abs(as_mnist(np.pad(ink, ((3, 0), (1, 6)))) - ink).max() < 1e-12


def learner_named(part: str) -> dict[str, Any]:
    return next(one for one in page.learners() if part in one["name"])


def network_of(learner: dict[str, Any], start: int = 0) -> Any:
    begin = learner["starts"][start]
    W = begin["W"]
    sizes = [len(W[0][0]), *map(len, W)]
    given = {"biases": begin["b"]} if begin["b"] else {"bias": False}
    return samenet.backend("numpy").Network(sizes, weights=W, **given)


def flat(parameters: dict[str, Any]) -> NDArray[Any]:
    return np.asarray(network_of({"starts": [parameters]}).parameters)


@needs_node
@pytest.mark.parametrize("name", ["2-3-1", "2-2-1"])
@pytest.mark.parametrize("start", [0, 4])
def test_descent_is_samenets(name: str, start: int) -> None:
    learner = learner_named(name)
    code = """(m, { X, Y, alpha, parameters }) => {
      const costs = [m.cost(parameters, X, Y)];
      for (let k = 0; k < 200; k++) {
        m.descend(parameters, X, Y, alpha);
        costs.push(m.cost(parameters, X, Y));
      }
      const grid = { x: 1, y: -0.5, reach: 2, points: 5 };
      const surface = m.surface(parameters, X, Y, [[0, 1, 0], [1, 0, 1]], grid);
      const before = structuredClone(parameters);
      m.descend(parameters, X, Y, alpha, [[1, 0, 0]]);
      return { costs, surface, before, after: parameters };
    }"""
    given = {key: learner[key] for key in ("X", "Y", "alpha")} | {"parameters": learner["starts"][start]}
    found = in_node("descent.mjs", code, given)
    net = network_of(learner, start)
    history = net.train(learner["X"], learner["Y"], alpha=learner["alpha"], epochs=200)
    assert np.allclose([found["costs"][0], found["costs"][-1]], [history.cost[0], net.cost(learner["X"], learner["Y"])])
    assert found["costs"][-1] < found["costs"][0]
    assert np.abs(flat(found["before"]) - net.parameters).max() < 1e-10
    grids = np.linspace(-1, 3, 5), np.linspace(-2.5, 1.5, 5)
    theirs = samenet.error_surface(net, learner["X"], learner["Y"], [(0, 1, 0), (1, 0, 1)], *grids)
    assert np.abs(np.reshape(found["surface"], (5, 5))[::-1].T - theirs.values).max() < 1e-10
    moved = np.flatnonzero(flat(found["after"]) - flat(found["before"]))
    assert len(moved) == 1
    _, slope = net.gradient(learner["X"], learner["Y"])
    step = flat(found["after"]) - flat(found["before"])
    assert step[moved[0]] == pytest.approx(-learner["alpha"] * slope.weights[1][0, 0], abs=1e-10)


@pytest.mark.uncounted
def test_both_small_networks_can_learn() -> None:
    for learner in page.learners():
        costs = []
        for start in range(len(learner["starts"])):
            net = network_of(learner, start)
            net.train(learner["X"], learner["Y"], alpha=learner["alpha"], epochs=1500, record_every=0)
            costs.append(net.cost(learner["X"], learner["Y"]))
        assert max(costs) < 1e-2, learner["name"]


# --- the page in a browser --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def started(reader: training.Reader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    path = tmp_path_factory.mktemp("demo") / "demo.html"
    page.write(reader, path)
    driver = browsers.start(tmp_path_factory.mktemp("profile"))
    yield driver, path.as_uri()
    driver.quit()


@pytest.fixture
def opened(started: tuple[Any, str]) -> Iterator[Any]:
    """The page, freshly opened; checks afterwards that it requested only itself, and that no error was logged."""
    browser, address = started
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get(address)
    yield browser
    asked = browsers.requests(browser)
    assert address in asked
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def one(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def outputs(browser: Any) -> NDArray[Any]:
    """The ten outputs that the page shows, after the next frame."""
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    rows = "return [...document.querySelectorAll('#outputs tbody tr')].map((row) => Number(row.dataset.value))"
    return np.array(browser.execute_script(rows))


def prepared(browser: Any) -> NDArray[Any]:
    return np.array(browser.execute_script("return samenet.reader.state.input"))


def agrees(browser: Any, reader: training.Reader) -> int:
    """Assert that the page's outputs and answer are the network's for the same input; returns the answer."""
    shown = outputs(browser)
    theirs = reader.network.predict(prepared(browser))
    assert np.abs(shown - theirs).max() < 1e-12
    answer = int(one(browser, "#answer").text)
    assert answer == theirs.argmax()
    return answer


def put(browser: Any, selector: str, value: object, event: str = "input") -> None:
    """Set a control to a value, as a user does."""
    code = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event(arguments[2], {bubbles: true}))"
    browser.execute_script(code, one(browser, selector), value, event)


@needs_browser
def test_the_page_says_what_its_network_is(opened: Any, reader: training.Reader) -> None:
    assert reader.right / len(reader.y) > 0.9
    said = one(opened, "#about").text
    assert "784-32-16-10" in said
    assert "scikit-learn's 8x8 digits" in said
    assert f"{reader.right} of {len(reader.y)} test digits" in said
    assert one(opened, "#answer").text == "none yet"


@needs_browser
def test_digits_of_the_test_set(opened: Any, reader: training.Reader) -> None:
    for digit, button in enumerate(opened.find_elements("css selector", "#samples button")):
        button.click()
        shown = outputs(opened)
        k = int(np.flatnonzero(reader.y == digit)[0])
        ink = (np.round(255 * reader.X[k]) / 255).reshape(28, 28)
        assert np.abs(prepared(opened) - as_mnist(ink).ravel()).max() < 1e-12
        assert np.abs(shown - reader.network.predict(as_mnist(ink).ravel())).max() < 1e-12
        assert agrees(opened, reader) == reader.network.classify(reader.X[k])
    said = one(opened, "#layer-0").get_attribute("aria-label")
    most = reader.network.feed_forward(prepared(opened))[1].argmax()
    assert said.startswith(f"The hidden layer 1: 32 nodes, the most active is node {most} with ")


@needs_browser
def test_uploaded_pictures(opened: Any, reader: training.Reader, tmp_path: Path) -> None:
    from matplotlib import image

    for k, (light, scale, margin) in enumerate([(True, 5, 40), (False, 1, 0), (True, 12, 9)]):
        digit = np.kron(reader.X[k].reshape(28, 28), np.ones((scale, scale)))
        ink = np.pad(digit, ((margin, 0), (0, 2 * margin)))
        path = tmp_path / f"{k}.png"
        image.imsave(path, 1 - ink if light else ink, cmap="gray", vmin=0, vmax=1)
        one(opened, "#picture").send_keys(str(path))
        wait(opened, f"samenet.reader.state.picture?.width === {ink.shape[1]}")
        agrees(opened, reader)
        assert np.abs(prepared(opened) - as_mnist(ink).ravel()).max() < 0.02  # grey values are bytes
    for name, content, said in [("no.png", b"no picture", "cannot read"), ("blank.png", None, "no ink")]:
        path = tmp_path / name
        if content:
            path.write_bytes(content)
        else:
            image.imsave(path, np.ones((9, 9)), cmap="gray", vmin=0, vmax=1)
        one(opened, "#picture").send_keys(str(path))
        wait(opened, f"document.getElementById('answer').textContent.includes('{said}')")


def wait(browser: Any, condition: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20, 0.05).until(lambda driver: driver.execute_script(f"return {condition}"))


DRAW = """
const [pad, strokes] = arguments;
const box = pad.getBoundingClientRect();
const fire = (name, [x, y]) => pad.dispatchEvent(new PointerEvent(name, {
  clientX: box.left + x * box.width, clientY: box.top + y * box.height, button: 0, isPrimary: true, bubbles: true,
}));
for (const points of strokes) {
  fire("pointerdown", points[0]);
  for (const point of points.slice(1)) fire("pointermove", point);
  fire("pointerup", points.at(-1));
}
"""


def strokes_of(ink: NDArray[Any]) -> list[Any]:
    """A stroke for each run of ink in a row of a 28x28 picture, thinner than the ink by the thickness of the pen."""
    found = []
    for y, row in enumerate(ink > 0.75):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        for begin, end in edges.reshape(-1, 2).tolist():
            middle = (begin + end) / 2
            half = max((end - begin) / 2 - 1, 0)
            found.append([[(middle - half) / 28, (y + 0.5) / 28], [(middle + half) / 28, (y + 0.5) / 28]])
    return found


@needs_browser
def test_digits_are_drawn(opened: Any, reader: training.Reader) -> None:
    pad, right = one(opened, "#pad"), 0
    for k in range(12):
        one(opened, "#clear").click()
        opened.execute_script(DRAW, pad, strokes_of(reader.X[k].reshape(28, 28)))
        right += agrees(opened, reader) == reader.y[k]
    assert right >= 7  # the pen is coarser than their pixels
    one(opened, "#clear").click()
    outputs(opened)
    assert one(opened, "#answer").text == "none yet"
    opened.execute_script(DRAW, pad, [[[0.5, 0.1], [0.5, 0.9]], [[0.1, 0.1]]])
    agrees(opened, reader)
    two = prepared(opened)
    one(opened, "#undo").click()
    agrees(opened, reader)
    assert np.abs(prepared(opened) - two).max() > 0.5


@needs_browser
def test_it_is_drawn_with_a_mouse_and_with_keys(opened: Any, reader: training.Reader) -> None:
    from selenium.webdriver import ActionChains, Keys

    pad = one(opened, "#pad")
    mouse = ActionChains(opened, duration=10).move_to_element_with_offset(pad, 0, -90).click_and_hold()
    mouse.move_by_offset(0, 90).move_by_offset(0, 90).release().perform()
    agrees(opened, reader)
    assert prepared(opened).sum() > 20
    one(opened, "#clear").click()
    pad.send_keys(Keys.ARROW_UP * 8, " ", Keys.ARROW_DOWN * 16, " ", Keys.ARROW_LEFT * 9)
    agrees(opened, reader)
    ink = prepared(opened).reshape(28, 28)
    assert np.flatnonzero(ink.any(axis=1)).size == 20
    assert np.flatnonzero(ink.any(axis=0)).size < 5  # moving the lifted pen draws nothing
    pad.send_keys(Keys.DELETE)
    outputs(opened)
    assert one(opened, "#answer").text == "none yet"


@needs_browser
@pytest.mark.parametrize(("layer", "to", "of"), [(0, 5, 406), (1, 15, 3), (2, 3, 7)])
def test_a_weight_is_changed(opened: Any, reader: training.Reader, layer: int, to: int, of: int) -> None:
    one(opened, "#samples button:nth-child(4)").click()  # a 3, with ink in its middle, pixel 406
    before = outputs(opened)
    net = samenet.backend("numpy").Network(
        reader.network.sizes,
        weights=[W.copy() for W in reader.network.weights],
        biases=[b.copy() for b in reader.network.biases],
        activation=list(reader.network.model.activations),
        cost="cross_entropy",
    )
    put(opened, "#layer", layer, "change")
    put(opened, "#to", to)
    put(opened, "#from", of)
    assert float(one(opened, "#weight").get_attribute("value")) == net.weights[layer][to, of]
    put(opened, "#slide", -12.5)
    net.weights[layer][to, of] = -12.5
    after = outputs(opened)
    assert np.abs(after - net.predict(prepared(opened))).max() < 1e-12
    assert np.abs(after - before).max() > 1e-9
    assert one(opened, "#changed").text == "Some weights are changed."
    assert len(opened.find_elements("css selector", "#outputs .track b")) == 10
    put(opened, "#weight", "")  # while one types
    put(opened, "#weight", "0.25")
    net.weights[layer][to, of] = 0.25
    assert np.abs(outputs(opened) - net.predict(prepared(opened))).max() < 1e-12
    one(opened, "#restore").click()
    assert (outputs(opened) == before).all()
    assert one(opened, "#changed").text == ""


@needs_browser
def test_descent_is_watched(opened: Any) -> None:
    learner = learner_named("2-2-1")
    put(opened, "#network", 1, "change")
    put(opened, "#alpha", 0.5)
    net = network_of(learner)
    for _ in range(3):
        one(opened, "#one").click()
    net.train(learner["X"], learner["Y"], alpha=10**0.5, epochs=3, record_every=0)
    found = opened.execute_script("return samenet.learner.parameters()")
    assert np.abs(flat(found) - net.parameters).max() < 1e-12
    assert one(opened, "#progress").text.startswith("Step 3: J = 0.1")
    play = one(opened, "#play")
    play.click()
    assert play.get_attribute("aria-pressed") == "true"
    wait(opened, "parseInt(document.getElementById('progress').textContent.slice(5)) > 20")
    play.click()
    assert play.text == "Descend"
    done = int(one(opened, "#progress").text.split(":")[0].split()[1])
    net.train(learner["X"], learner["Y"], alpha=10**0.5, epochs=done - 3, record_every=0)
    cost = float(one(opened, "#progress").get_attribute("data-cost"))
    assert cost == pytest.approx(net.cost(learner["X"], learner["Y"]), abs=1e-12)
    put(opened, "#which", "two", "change")
    before = opened.execute_script("return samenet.learner.parameters()")
    one(opened, "#one").click()
    after = opened.execute_script("return samenet.learner.parameters()")
    assert np.flatnonzero(flat(after) - flat(before)).size == 2
    one(opened, "#elsewhere").click()
    assert opened.execute_script("return samenet.learner.parameters()") == learner["starts"][1]


@needs_browser
def test_reduced_motion(opened: Any) -> None:
    feature = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    wait(opened, "document.getElementById('play').textContent === '500 steps'")
    one(opened, "#play").click()
    assert one(opened, "#progress").text.startswith("Step 500: ")
    outputs(opened)  # two frames later
    assert one(opened, "#progress").text.startswith("Step 500: ")


@needs_browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_everyone_can_use_it(opened: Any, tmp_path: Path, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_core_python", reason="needs axe-core-python")
    one(opened, "#samples button").click()
    put(opened, "#slide", 9)
    shown = look(opened, tmp_path / "page.png", width, scheme)
    assert shown["page"] <= shown["window"] == width
    ground = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 23, 26)") is (scheme == "dark")
    opened.execute_script((Path(axe.__file__).parent / "axe.min.js").read_text("utf-8"))
    found = opened.execute_async_script("axe.run().then(arguments[0])")
    assert len(found["passes"]) > 20
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(reader: training.Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command without its wait and without a browser; returns what was opened."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "trained", lambda: reader)
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) or len(addresses) < 2)
    return addresses


def test_the_command_writes_a_page_and_opens_it(quick: list[str], tmp_path: Path, capsys: Any) -> None:
    assert __main__.main(["demo"]) == 0
    path = tmp_path / "samenet-demo.html"
    assert quick == [path.as_uri()]
    assert capsys.readouterr().out.splitlines()[1] == f"samenet-demo.html: {path.stat().st_size} bytes"
    text = path.read_text("utf-8")
    assert "{{" not in text
    assert not [line for line in text.splitlines() if line.startswith(("import ", "export "))]
    assert "://" not in text
    assert __main__.main(["demo", "--no-open", "--output", "a page.HTM"]) == 0
    assert (tmp_path / "a page.HTM").read_text("utf-8") == text
    assert len(quick) == 1
    capsys.readouterr()
    assert __main__.main(["demo"]) == 2
    assert "--output: 'samenet-demo.html' exists; --force replaces it" in capsys.readouterr().err
    assert __main__.main(["demo", "--force"]) == 0  # where there is no browser
    assert capsys.readouterr().out.splitlines()[2] == "there is no browser to open it with"


@pytest.mark.parametrize(
    ("output", "said"),
    [("page.txt", "a name that ends in .html"), ("no/page.html", "a file that can be written"), ("", "a name that")],
)
def test_files_that_cannot_be(quick: list[str], output: str, said: str, capsys: Any) -> None:
    assert __main__.main(["demo", "--output", output]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"samenet demo: error: --output: expected {said}")
    assert quick == []


def test_with_mnist(reader: training.Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("SAMENET_DATA", str(tmp_path))
    fill(tmp_path, reader)
    assert __main__.main(["demo", "--no-open", "--output", str(tmp_path / "a.html")]) == 0
    assert re.match(
        r"trained on MNIST: \d+ of 60 test digits classified correctly, [\d.]+ %\n", capsys.readouterr().out
    )
    before = (tmp_path / "a.html").read_bytes()
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"damaged")
    assert __main__.main(["demo", "--no-open", "--output", str(tmp_path / "a.html"), "--force"]) == 3
    assert "t10k-labels-idx1-ubyte" in capsys.readouterr().err
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    assert __main__.main(["demo", "--no-open", "--output", str(tmp_path / "a.html"), "--force"]) == 3
    assert "got no file named t10k-labels-idx1-ubyte" in capsys.readouterr().err
    assert (tmp_path / "a.html").read_bytes() == before


def test_without_scikit_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delenv("SAMENET_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert __main__.main(["demo", "--no-open", "--output", str(tmp_path / "a.html")]) == 3
    assert 'pip install "samenet[data]"' in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()
