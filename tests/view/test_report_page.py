"""The report in a real browser: it opens, asks no network, and its list of trials does its work."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import make_step, make_trial, step_color, write_results
from PIL import Image

from pushgrasp.evaluation.metrics import cause
from pushgrasp.evaluation.records import TrialRecord, TrialSpec
from pushgrasp.retrieve import End
from pushgrasp.view.report import read_results, report_page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
Page = Any  # of playwright, which may be missing

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GROUPS = {
    "random-10": ("random", 10), "random-20": ("random", 20),
    "challenging-01": ("challenging-01", 8), "challenging-02": ("challenging-02", 8),
}  # fmt: skip
POLICIES = ("default", "paper")
PHONE = {"width": 360, "height": 740}


@dataclasses.dataclass
class Opened:
    """A page with its troubles: what it said on the console, and where it wanted to go."""

    page: Page
    said: list[str]
    requests: list[str]

    def rows(self) -> list[dict[str, str]]:
        """The words of the rows in view, by the name of their cell."""
        return self.page.eval_on_selector_all(
            "#rows button.row",
            """rows => rows.map(row => Object.fromEntries([...row.children].map(
              cell => [cell.classList[1], cell.innerText.trim()])))""",
        )

    def count(self) -> str:
        """What the page says of how many trials there are."""
        return self.page.locator("#count").inner_text()

    def choose(self, name: str, label: str) -> None:
        """Set one of the list's controls."""
        self.page.locator(f"#filters [name={name}]").select_option(label=label)


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_api.sync_playwright() as playwright:
        # As root, which CI is, Chromium runs only without its sandbox.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    contexts = []

    def open_page(path: Path, hash_: str = "", **options: Any) -> Opened:
        context = browser.new_context(offline=True, **options)
        context.set_default_timeout(120_000)  # ms; a machine under load is no reason to fail
        contexts.append(context)
        opened = Opened(context.new_page(), [], [])
        opened.page.on("console", lambda message: opened.said.append(message.text))
        opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
        opened.page.on("dialog", lambda dialog: (opened.said.append("alert"), dialog.dismiss()))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(path.as_uri() + hash_)
        return opened

    yield open_page
    for context in contexts:
        context.close()


def write_page(folder: Path) -> Path:
    path = folder / "report.html"
    path.write_text(report_page(read_results([folder])), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[TrialRecord]]:
    """160 trials and their page; one trial has more steps than a row of its strip."""
    folder = tmp_path_factory.mktemp("results")
    records = write_results(folder, GROUPS, policies=POLICIES, trials=20)
    random = np.random.default_rng(0)
    steps = [make_step(random, last=False, good=True) for _ in range(40)]
    pushes = sum(step.primitive == "push" for step in steps)
    records[3] = dataclasses.replace(
        records[3], steps=tuple(steps), pushes=pushes, grasps=40 - pushes
    )
    without = records[5].key
    records = write_results(
        folder, GROUPS, policies=POLICIES, trials=20, records=records, pictures=True
    )
    policy, group, index = without
    (folder / "pictures" / policy / f"{group}-{index:04d}.webp").unlink()
    return write_page(folder), records


def test_the_page_opens_without_errors_and_requests(open_page: Open, results):
    path, records = results
    opened = open_page(path)
    opened.page.locator("#rows button.row").first.click()
    assert opened.count() == f"{len(records)} trials"
    assert len(opened.rows()) == 100
    assert opened.said == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [path.as_uri()]
    blocked = opened.page.evaluate(
        """() => new Promise(resolve => {
          addEventListener("securitypolicyviolation", e => resolve(e.effectiveDirective));
          fetch("http://127.0.0.1:9/").catch(() => {});
        })"""
    )
    assert blocked == "connect-src"


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("actions", lambda record: record.actions),
        ("index", lambda record: record.index),
        ("visible", lambda record: round(100 * record.visible_fraction)),
    ],
)
def test_a_column_sorts_up_and_down(open_page: Open, results, column: str, key):
    path, records = results
    opened = open_page(path)
    wanted = sorted(key(record) for record in records)
    head = opened.page.locator(f"#heads button.{column}")
    for order in (wanted, wanted[::-1]):
        head.click()
        shown = [int(row[column].split()[0]) for row in opened.rows()]
        assert shown == order[:100]
    assert head.get_attribute("aria-pressed") == "true"
    assert opened.page.locator("#filters [name=sort]").input_value() == f"-{column}"


def test_the_list_is_filtered_by_policy_group_outcome_cause_and_text(open_page: Open, results):
    path, records = results
    opened = open_page(path)
    opened.choose("policy", "paper")
    assert {row["policy"] for row in opened.rows()} == {"paper"}
    assert opened.count() == "80 of 160 trials"
    opened.choose("group", "random-20")
    opened.choose("outcome", "not retrieved")
    failed = [r for r in records if r.key[:2] == ("paper", "random-20") and not r.success]
    assert len(opened.rows()) == len(failed) > 1
    causes = Counter(map(cause, failed))
    most, n = causes.most_common(1)[0]
    name = most.label
    opened.choose("cause", name)
    assert [row["cause"] for row in opened.rows()] == [name] * n
    opened.page.locator("#filters [type=reset]").click()
    sync_api.expect(opened.page.locator("#rows > li")).to_have_count(100)
    opened.page.locator("#filters [name=text]").fill("RANDOM-20:7 ")
    assert [(row["group"], row["index"]) for row in opened.rows()] == [("random-20", "7")] * 2
    opened.page.locator("#filters [name=text]").fill("no such words")
    assert opened.rows() == []
    assert opened.count() == "No trial matches."


def test_the_list_comes_in_pages(open_page: Open, results):
    path, _ = results
    opened = open_page(path)
    pager = opened.page.locator("#pager")
    assert "1 to 100" in pager.inner_text()
    assert pager.get_by_text("Earlier").is_disabled()
    pager.get_by_text("Later").click()
    assert "101 to 160" in pager.inner_text()
    assert len(opened.rows()) == 60
    assert pager.get_by_text("Later").is_disabled()
    opened.choose("group", "random-10")
    assert not pager.is_visible()


def mean_color(page: Page, selector: str, i: int) -> np.ndarray:
    shot = page.locator(selector).nth(i).screenshot()
    picture = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), float)
    return picture[20:-20, 20:-20].reshape(-1, 3).mean(0)


def test_a_row_opens_step_by_step_with_pictures(open_page: Open, results):
    path, records = results
    opened = open_page(path)
    place = 3
    record = records[place]
    row = opened.page.locator("#rows button.row").nth(place)
    assert opened.page.locator(".opened").count() == 0
    row.click()
    assert row.get_attribute("aria-expanded") == "true"
    cards = opened.page.locator(f"#{row.get_attribute('aria-controls')} .step")
    assert cards.count() == len(record.steps) == 40
    words = opened.page.locator(".opened").inner_text()
    assert str(record.seed) in words
    assert record.goal in words
    assert f"pushgrasp replay {path.parent} random-10:3 --policy default" in words
    for i, step in enumerate(record.steps):
        title = "Push" if step.primitive == "push" else "Grasp"
        assert cards.nth(i).locator("h4").inner_text().startswith(f"{i + 1} {title}")
        assert (f"Q {step.q:.2f}") in cards.nth(i).inner_text()
    for i in (0, 1, 11, 31, 32, 39):  # of both rows of the strip
        color = mean_color(opened.page, ".opened .picture", i)
        assert np.abs(color - step_color(i)).max() < 6, i
    row.click()
    assert opened.page.locator(".opened").count() == 0


def test_a_tap_on_a_mark_shows_its_numbers(open_page: Open, results):
    opened = open_page(results[0], viewport=PHONE, has_touch=True, is_mobile=True)
    page = opened.page
    assert page.get_by_text("Tap a mark for its numbers.").is_visible()
    assert not page.get_by_text("Hover over a mark for its numbers.").is_visible()
    page.locator("#plots .panels .mark").first.dispatch_event("click")
    assert re.fullmatch(r"default: .* trials", page.locator("#readout").inner_text())
    page.locator("#plots h2").dispatch_event("click")
    assert page.locator("#readout").is_hidden()
    assert not opened.said


def test_a_trial_without_a_strip_has_drawings(open_page: Open, results):
    path, records = results
    opened = open_page(path)
    opened.page.locator("#rows button.row").nth(5).click()
    drawings = opened.page.locator(".opened svg.schema g g")
    assert drawings.count() == len(records[5].steps)
    step = records[5].steps[0]
    x, y = (step.position[0] + 0.724) / 0.448 * 144, (step.position[1] + 0.224) / 0.448 * 144
    transform = drawings.first.get_attribute("transform")
    place, turn = transform.split(") rotate(")
    assert [float(v) for v in place.removeprefix("translate(").split()] == pytest.approx(
        [x, 144 - y], abs=0.1
    )
    assert float(turn.rstrip(")")) == pytest.approx(-np.degrees(step.yaw), abs=0.1)


def test_the_keyboard_is_enough(open_page: Open, results):
    path, _ = results
    page = open_page(path).page
    first = page.locator("#rows button.row").first
    first.focus()
    page.keyboard.press("Tab")  # shows where the focus is, and goes to the second row
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    place = "document.activeElement.dataset.place"
    assert page.evaluate(place) == "2"
    assert page.locator(".opened").count() == 1
    page.keyboard.press("ArrowUp")
    assert page.evaluate(place) == "1"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    assert page.locator(".opened").count() == 0
    assert page.evaluate(place) == "2"


def test_the_address_names_the_opened_trial(open_page: Open, results):
    path, records = results
    opened = open_page(path)
    opened.page.locator("#rows button.row").nth(7).click()
    opened.page.wait_for_url("**#trial/default/random-10/7")
    again = open_page(path, "#trial/paper/challenging-02/19")  # on the second page of the list
    assert len(again.page.locator(".opened .step").all()) == len(records[-1].steps)
    assert again.page.locator("#rows button[aria-expanded=true]").is_visible()
    assert again.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_one_way_only(open_page: Open, results, scheme: str):
    path, _ = results
    opened = open_page(path, viewport=PHONE, is_mobile=True, has_touch=True, color_scheme=scheme)
    page = opened.page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for i in (0, 3, 5):
        page.locator("#rows button.row").nth(i).tap()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    beyond = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter(e =>
          !e.closest(".scroll, svg") && e.getBoundingClientRect().right > innerWidth + 0.5
        ).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert beyond == []
    table = "document.querySelector('#rates .scroll')"
    assert page.evaluate(f"{table}.scrollWidth > {table}.clientWidth")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = sum(map(int, paper.removeprefix("rgb(").rstrip(")").split(","))) < 380
    assert dark == (scheme == "dark")


def test_hostile_names_stay_text(open_page: Open, tmp_path: Path):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    long = "a-very-long-name-without-a-single-space-" * 6
    trials = [
        dataclasses.replace(make_trial(policy, group, 0, scene="x"), goal=evil, reason=evil)
        for policy in (evil, long)
        for group in (evil, long)
    ]
    trials = [
        dataclasses.replace(
            t, steps=tuple(dataclasses.replace(s, why=evil, q=None, q_grasp=None) for s in t.steps),
            decision_s=None, success=False, claimed_success=False, faults=(evil,),
            end=End.NOTHING_TO_DO,
            seed=TrialSpec(t.group, t.index, "x", 3, 0, 7).seed(1),
        )
        for t in trials
    ]  # fmt: skip
    groups: dict[str, tuple[str, int]] = dict.fromkeys((evil, long), ("x", 3))
    folder = tmp_path / "<b>results"
    write_results(folder, groups, policies=(evil, long), records=trials)
    opened = open_page(write_page(folder), viewport=PHONE)
    page = opened.page
    for row in page.locator("#rows button.row").all():
        row.click()
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 4
    assert opened.rows()[0]["policy"] == evil
    assert page.locator(".step p", has_text=evil).count() == sum(len(t.steps) for t in trials)
    assert page.locator("h1").inner_text() == "<b>results"
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert opened.said == []
    assert opened.requests == [opened.page.url.split("#")[0]]


def test_a_page_without_trials_opens(open_page: Open, tmp_path: Path):
    write_results(tmp_path, GROUPS, records=[])
    opened = open_page(write_page(tmp_path))
    assert opened.count() == "No trial has been played yet."
    assert not opened.page.locator("#filters").is_visible()
    assert opened.said == []


def test_without_scripts_the_tables_and_plots_are_there(open_page: Open, results):
    page = open_page(results[0], java_script_enabled=False).page
    assert page.locator("#rates table").first.is_visible()
    assert page.locator("#plots svg[role=img]").count() > 6
    assert "needs JavaScript" in page.locator("noscript").inner_text()


@pytest.mark.slow
def test_a_thousand_trials_open_at_once(open_page: Open, tmp_path: Path):
    records = write_results(tmp_path, GROUPS, policies=POLICIES, trials=125, pictures=True)
    path = write_page(tmp_path)
    opened = open_page(path)
    took = []
    for _ in range(3):
        opened.page.reload()
        mark = "performance.getEntriesByName('listed')[0].startTime"
        took.append(opened.page.evaluate(mark))
    assert min(took) < 3000  # ms; the least of three, for a machine may be busy
    assert opened.count() == f"{len(records):,} trials" == "1,000 trials"
    assert opened.page.locator("script[id^=strip]").count() == 1000
    opened.page.locator("#filters [name=text]").fill("brick-7")
    assert len(opened.rows()) > 50
    assert json.loads(opened.page.locator("#trials").text_content())["trials"]
