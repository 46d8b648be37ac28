"""The page in a browser: it shows what was measured, its controls work, and it fetches nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsers
import pytest
from browsers import look, needs_browser
from report_inputs import content, write_history

from benchmarks.report import page, write
from benchmarks.report.model import Record, newest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.compiled  # the same without the JIT


def build(folder: Path, asv: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "comparison.json").write_text(json.dumps(content()))
    path = folder / "index.html"
    path.write_text(page.page(Record.read(folder), asv), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    driver = browsers.start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The page of the small record with its history; checks afterwards that it made no request and logged no error."""
    write_history(tmp_path / "asv")
    path = build(tmp_path / "page", tmp_path / "asv")
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get(path.as_uri())
    yield browser
    asked = browsers.requests(browser)
    assert path.as_uri() in asked
    assert all(url.startswith((path.as_uri(), "data:")) for url in asked)
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def one(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def visible(browser: Any, selector: str) -> list[Any]:
    return [element for element in browser.find_elements("css selector", selector) if element.is_displayed()]


def choose(browser: Any, selector: str, value: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(one(browser, selector)).select_by_value(value)


@needs_browser
def test_heat_map_shows_the_numbers_of_a_cell(opened: Any) -> None:
    cell = one(opened, "#map button[data-width='64'][data-batch='8']")
    assert cell.text == "16.0x"
    cell.click()
    assert cell.get_attribute("aria-pressed") == "true"
    assert one(opened, "#cell h3").text == "64-64-10, batch of 8"
    assert one(opened, "#ratio").text.startswith("16.0x [")
    medians = {r["name"]: r["timed"]["median_seconds"] for r in content()["sweeps"][7]["rows"]}
    assert medians["numpy"] == pytest.approx(65.5e-3, rel=1e-2)
    assert one(opened, "tr[data-contender=numpy] .time").text == "65.5 ms"
    assert one(opened, "tr[data-contender=numba] .time").text == "4.10 ms"
    assert one(opened, "tr[data-contender=numba] .error").text == "1e-16 / 2e-15"
    choose(opened, "#pair", "loops, lists/numpy")
    assert one(opened, "#ratio").text == "0.250x [0.225, 0.275]"
    failed = one(opened, "#map button[data-width='16'][data-batch='64']")
    failed.click()
    assert failed.text == "0.250x"  # loops over lists and NumPy are right there
    choose(opened, "#pair", "numpy/numba")
    assert one(opened, "#map button[data-width='16'][data-batch='64']").text == one(opened, "#ratio").text == "FAIL"
    assert one(opened, "tr[data-contender=numba] .time").text == "FAIL"


@needs_browser
def test_table_filters_and_sorts(opened: Any) -> None:
    rows = "#all tbody tr"
    total = sum(len(case["rows"]) for case in content()["cases"])
    assert one(opened, "#count").text == f"{total} of {total} rows"
    choose(opened, "#filter-contender", "Numba")
    assert [row.text.split()[0] for row in visible(opened, rows)] == ["3-3-1", "3-3-3-1", "64-30-10", "784-30-10"]
    choose(opened, "#filter-network", "3-3-3-1")
    (failed,) = visible(opened, rows)
    assert "FAIL" in failed.text
    assert "us" not in failed.text.split("/")[0]
    one(opened, "#filters button[type=reset]").click()
    assert len(visible(opened, rows)) == total
    heading = one(opened, "#all th:nth-child(4) button")
    for direction, first in [("ascending", "5.00 us"), ("descending", "6.00 s")]:
        heading.click()
        assert one(opened, "#all th:nth-child(4)").get_attribute("aria-sort") == direction
        assert one(opened, f"{rows}:first-child td:nth-child(4)").text == first
        assert one(opened, f"{rows}:last-child td:nth-child(4)").text == "FAIL"


@needs_browser
def test_charts(opened: Any) -> None:
    assert "slope 2.00" in one(opened, "#scaling-chart .key").text
    choose(opened, "#along", "depth")
    assert "slope 1.00" in one(opened, "#scaling-chart .key").text
    assert "layers" in one(opened, "#scaling-chart svg").text
    choose(opened, "#benchmark", "cells.OneSample.time_call")
    assert one(opened, "#history-chart .key").text.split() == ["NumPy", "Numba"]
    titles = [
        title.get_attribute("textContent") for title in opened.find_elements("css selector", "#history-chart title")
    ]
    assert "numpy, aaaaaaaa: 20 us" in titles
    assert "numpy, cccccccc: 30 us" in titles


@needs_browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")])
def test_fits_its_window(opened: Any, tmp_path: Path, width: int, scheme: str) -> None:
    one(opened, "#map button[data-width='16'][data-batch='8']").click()
    shown = look(opened, tmp_path / f"{scheme}-{width}.png", width, scheme)
    assert shown["page"] <= shown["window"] == width
    ground = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 23, 26)") is (scheme == "dark")


def committed() -> Record:
    folder = newest(ROOT / "results")
    assert folder is not None, "no results are committed"
    return Record.read(folder)


@needs_browser
def test_no_column_is_cut_off_and_no_two_lines_look_alike(browser: Any, tmp_path: Path) -> None:
    """For the committed results, which have every kind of cell and line."""
    path = tmp_path / "index.html"
    path.write_text(page.page(committed(), ROOT / "results" / "asv"), encoding="utf-8")
    browser.get(path.as_uri())
    for width in (1280, 1000, 800):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        cut = browser.execute_script(
            "return [...document.querySelectorAll('section > .scroll, .card')]"
            ".filter(e => e.scrollWidth > e.clientWidth).map(e => [e.ariaLabel, e.scrollWidth])"
        )
        assert cut == [], f"at {width}"
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    for along in ("width", "depth", "batch"):
        choose(browser, "#along", along)
        looks = browser.execute_script(
            "return [...document.querySelectorAll('#scaling-chart polyline')]"
            ".map(e => getComputedStyle(e).stroke + ' ' + e.getAttribute('stroke-dasharray'))"
        )
        assert len(looks) == len(set(looks)) >= 10


def test_page_is_one_file_and_has_no_history_yet(tmp_path: Path) -> None:
    text = build(tmp_path, tmp_path / "nothing").read_text(encoding="utf-8")
    assert "//" not in "".join(part for part in text.split() if "://" in part).replace("http://www.w3.org/2000/svg", "")
    assert '"history":{"commits":[],"lines":[]}' in text
    assert "There is no history yet" in text
    assert "NaN" not in text


def test_command(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text(json.dumps(content()))
    assert write.main([str(tmp_path), "--page", str(tmp_path / "a" / "b")]) == 0
    assert (tmp_path / "a" / "b" / "index.html").stat().st_size > 10_000
    assert not (tmp_path / "tables.md").exists()
