"""The page in a real browser, where there is one: no error, nothing fetched, the timeline opens by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.lab.report import turn_data
from engine.lab.report.page import page
from engine.lab.simulate.results import load
from tests.lab.report.calls import write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("runs") / "a", sessions=12)
    (folder / "report.html").write_text(page(load(folder)))
    return folder / "report.html"


def opened(browser: Browser, file: Path, width: int, height: int, link: str = "") -> tuple[Page, list[str]]:
    """The page, and what went wrong in it or was asked of elsewhere."""
    shown = browser.new_page(viewport={"width": width, "height": height})
    wrong: list[str] = []
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.on("console", lambda message: wrong.append(message.text))
    shown.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    shown.goto(file.as_uri() + link)
    shown.wait_for_selector("#turns tbody tr", state="attached")
    return shown, wrong


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (420, 800)])
def test_nothing_goes_wrong_and_nothing_is_wider_than_the_window(
    browser: Browser, file: Path, width: int, height: int
) -> None:
    shown, wrong = opened(browser, file, width, height)
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert wrong == []
    shown.close()


def test_a_turn_is_opened_closed_and_paged_by_keyboard(browser: Browser, file: Path) -> None:
    shown, wrong = opened(browser, file, 1280, 900)
    shown.focus("#turns button[data-turn='0']")
    shown.keyboard.press("Enter")
    assert shown.is_visible("dialog svg.timeline")
    assert shown.text_content("#dialog-title") == "s0001, turn 0: answered"
    shown.keyboard.press("ArrowRight")
    assert (shown.text_content("#dialog-title") or "").startswith("s0001, turn 1")
    assert shown.evaluate("location.hash") == "#turn=s0001%2F1"
    shown.keyboard.press("Escape")
    assert not shown.is_visible("dialog")
    assert wrong == []
    shown.close()


def test_the_table_is_sorted_filtered_and_paged(browser: Browser, file: Path) -> None:
    shown, wrong = opened(browser, file, 1280, 900)
    shown.click("#turns thead button:has-text('gap')")
    shown.click("#turns thead button:has-text('gap')")
    gaps = [float(cell) for cell in shown.locator("#turns tbody tr td:nth-child(5)").all_text_contents() if cell != "–"]
    assert gaps == sorted(gaps, reverse=True)
    assert shown.get_attribute("#turns thead th:nth-child(5)", "aria-sort") == "descending"
    shown.click("#later")
    assert (shown.text_content("#shown") or "").startswith("51 to ")
    shown.select_option("#which", "interrupted by user")
    fates = set(shown.locator("#turns tbody tr td:nth-child(4)").all_text_contents())
    assert fates == {"interrupted by user"}
    assert wrong == []
    shown.close()


def test_a_link_to_a_turn_opens_it(browser: Browser, file: Path) -> None:
    shown, wrong = opened(browser, file, 420, 800, "#turn=s0003/2")
    shown.wait_for_selector("dialog svg.timeline")
    assert (shown.text_content("#dialog-title") or "").startswith("s0003, turn 2")
    assert wrong == []
    shown.close()


def test_compressed_turns_are_unpacked(browser: Browser, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_data, "COMPRESSED_ABOVE", 100)
    small = file.with_name("small.html")
    small.write_text(page(load(file.parent)))
    shown, wrong = opened(browser, small, 1280, 900)
    assert "50 of" in (shown.text_content("#shown") or "")
    assert wrong == []
    shown.close()
