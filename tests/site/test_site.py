# SPDX-License-Identifier: BSD-3-Clause
"""The documentation as a reader sees it: every page in a real browser, its links, figures and equations.

Needs the site (`uv run --group docs sphinx-build -W docs build/docs`) and a Chromium of the system; `.ci/run` has both.
"""

import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest

SITE = Path(__file__).parents[2] / "build" / "docs"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGES = [p for room in ("", "results/", "tutorials/", "extending/", "api/") for p in sorted(SITE.glob(f"{room}*.html"))]
WRITTEN = [p for p in PAGES if p.name not in ("search.html", "genindex.html", "py-modindex.html")]
WIDTH = 1400
"""Pixels of a laptop's window, in which no code, equation or table is cut."""
NARROW = 390
"""Pixels of a telephone, on which tables may be moved sideways, and nothing else is cut."""
READ = """() => ({
    links: [...document.querySelectorAll('article a[href]')].map(a => a.href),
    ids: [...document.querySelectorAll('[id]')].map(e => e.id),
    broken: [...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.src),
    figures: document.querySelectorAll('article img').length,
    equations: document.querySelectorAll('article .math').length,
    drawn: document.querySelectorAll('article .math mjx-container svg, article .math mjx-container mjx-math').length,
    wrong: document.querySelectorAll('article mjx-merror, article [data-mjx-error]').length,
    text: document.querySelector('article').innerText,
    cut: [...document.querySelectorAll('article pre, article div.math, article .table-wrapper')]
        .filter(e => e.scrollWidth > e.clientWidth + 2)
        .map(e => e.innerText.slice(0, 80)),
    wider: [...document.querySelectorAll('article pre, article div.math')]
        .filter(e => e.scrollWidth > e.clientWidth + 2)
        .map(e => e.innerText.slice(0, 80)),
    width: document.documentElement.scrollWidth,
})"""


@pytest.fixture(scope="module")
def read():
    """By page: what the browser made of it."""
    if not WRITTEN:
        pytest.skip("the site is not built: uv run --group docs sphinx-build -W docs build/docs")
    api = pytest.importorskip("playwright.sync_api", reason="needs uv sync --group docs")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} on this system")
    found = {}
    with api.sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page(
            viewport={"width": WIDTH, "height": 900}
        )
        for page in WRITTEN:
            errors = []
            window.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            window.goto(page.as_uri())
            if window.query_selector("article .math"):
                window.wait_for_selector("article .math mjx-container", timeout=20_000)
                window.evaluate("MathJax.startup.promise")
            found[page] = window.evaluate(READ) | {"errors": errors}
            window.set_viewport_size({"width": NARROW, "height": 900})
            found[page]["narrow"] = window.evaluate(READ)
            window.set_viewport_size({"width": WIDTH, "height": 900})
    return found


def test_no_page_has_an_error(read):
    assert {p.name: r["errors"] for p, r in read.items() if r["errors"]} == {}
    assert all(len(r["text"]) > 50 for r in read.values())


def test_links_lead_to_something(read):
    ids = {page: {*r["ids"], ""} for page, r in read.items()}
    lost = []
    for page, r in read.items():
        for link in r["links"]:
            address, anchor = urldefrag(link)
            if urlparse(address).scheme != "file":
                continue
            target = Path(unquote(urlparse(address).path))
            if not target.is_file() or (target in ids and unquote(anchor) not in ids[target]):
                lost.append(f"{page.name} -> {link}")
    assert lost == []


def test_figures_are_there(read):
    assert {p.name: r["broken"] for p, r in read.items() if r["broken"]} == {}
    with_figures = {p.parent.name: r["figures"] for p, r in read.items() if r["figures"]}
    assert {SITE.name, "tutorials"} <= set(with_figures)
    assert [p.name for p, r in read.items() if p.parent.name == "tutorials" and not r["figures"]] == []


def test_code_equations_and_tables_are_not_cut(read):
    assert {p.name: r["cut"] for p, r in read.items() if r["cut"]} == {}


def test_no_page_is_wider_than_the_window(read):
    assert {p.name: r["width"] for p, r in read.items() if r["width"] > WIDTH} == {}


def test_on_a_telephone_only_tables_are_moved_sideways(read):
    found = {p.name: r["narrow"]["wider"] for p, r in read.items() if r["narrow"]["wider"]}
    assert found == {}
    assert {p.name: r["narrow"]["width"] for p, r in read.items() if r["narrow"]["width"] > NARROW} == {}


@pytest.mark.parametrize("asked", ["Record", "IntNetwork", "Probes", "Activity", "simulate", "quantise"])
def test_the_search_leads_to_the_page_of_what_is_looked_for_most(asked):
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs uv sync --group docs")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None or not WRITTEN:
        pytest.skip("needs the site and a Chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--allow-file-access-from-files"]
        )
        window = started.new_page()
        window.goto(f"{(SITE / 'search.html').as_uri()}?q={asked}")
        window.wait_for_selector("ul.search li a", timeout=20_000)
        first = window.eval_on_selector_all("ul.search li a", "all => all.slice(0, 5).map(a => a.href)")
    assert any(re.search(rf"api/synergic\.[\w.]+\.{asked}\.html", address) for address in first), first


def test_equations_are_drawn(read):
    assert {p.name: r["wrong"] for p, r in read.items() if r["wrong"]} == {}
    assert {p.name: (r["equations"], r["drawn"]) for p, r in read.items() if r["equations"] > r["drawn"]} == {}
    assert read[SITE / "concepts.html"]["equations"] > 20
