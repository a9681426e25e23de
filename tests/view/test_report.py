"""The report as text: what goes together, what tables and plots hold, what is escaped."""

import dataclasses
import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from made_results import make_trial, write_results, write_strip

from pushgrasp.cli.main import main
from pushgrasp.errors import UserError
from pushgrasp.evaluation.metrics import Cause
from pushgrasp.evaluation.records import TrialSpec
from pushgrasp.evaluation.tables import PAPER
from pushgrasp.perception.colors import format_color
from pushgrasp.sim.robots.registry import gripper
from pushgrasp.sim.scenes.build import SceneConfig, object_colors
from pushgrasp.view.report import read_results, report_page
from pushgrasp.view.report.about import command
from pushgrasp.view.report.data import read_strip
from pushgrasp.view.report.formats import p_value, percents
from pushgrasp.view.report.rate_table import PAPER_METHODS, arrange

RANDOM = {"random-10": ("random", 10), "random-20": ("random", 20)}
FIXED = {"challenging-01": ("challenging-01", 8), "challenging-02": ("challenging-02", 8)}
POLICIES = ("default", "paper")


def page_of(*folders: Path, pictures: bool = True) -> str:
    return report_page(read_results(folders), pictures=pictures)


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="trials">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found.group(1))


def text_of(page: str) -> str:
    """The page's words, as a reader finds them."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", bare)))


def test_the_tables_hold_the_summary_and_the_papers_figures(tmp_path: Path):
    write_results(tmp_path, RANDOM | FIXED, policies=POLICIES, trials=12, wanted=20)
    results = read_results([tmp_path])
    text = text_of(report_page(results))
    groups = results.summary["groups"]
    assert len(groups) == 8
    for group in groups:
        low, high = group["tcr_ci95"]
        assert f"{100 * group['tcr']:.1f} {percents((low, high))}" in text
    assert "12 of 20" in text
    for figures in PAPER.values():
        assert f"{figures[10][0]:.2f} {figures[10][1]:.2f} {figures[10][2]:.2f}" in text
    found = results.summary["comparisons"]
    assert [c["pairs"] for c in found] == [12, 12, 12, 12, 24]
    assert "Challenging scenes, all 1 pair" in text
    for c in found:
        assert (
            f"default against paper {c['pairs']} {c['only_a']} {c['only_b']} {p_value(c['p'])}"
            in text
        )
    for cause in {cause for group in groups for cause in group["causes"]}:
        assert Cause(cause).label in text


def test_policies_keep_their_colours_and_the_papers_figures_match_them(tmp_path: Path):
    write_results(tmp_path, RANDOM, policies=("own", "wang2024", "paper", "another"), trials=3)
    table = arrange(read_results([tmp_path]).summary)
    assert table.styles["paper"] == 1
    assert table.styles["wang2024"] == 3
    assert len(set(table.styles.values())) == 4
    assert PAPER_METHODS["paper"] == "the paper"
    assert "no switching" in PAPER_METHODS["paper-no-switching"]
    assert PAPER_METHODS["wang2024"].startswith("Wang et al.")


def test_groups_are_ordered_by_kind_and_size(tmp_path: Path):
    groups = {
        "mine": ("scenes/mine.json", 4), "challenging-02": FIXED["challenging-02"],
        "heap-10": ("heap", 10), "random-20": RANDOM["random-20"], "random-5": ("random", 5),
        "challenging-01": FIXED["challenging-01"],
    }  # fmt: skip
    write_results(tmp_path, groups, trials=2)
    table = arrange(read_results([tmp_path]).summary)
    assert table.kinds == {
        "random": ["random-5", "random-20"], "heap": ["heap-10"],
        "challenging": ["challenging-01", "challenging-02"], "other": ["mine"],
    }  # fmt: skip
    assert table.procedural == ["random", "heap"]


def test_folders_are_combined(tmp_path: Path):
    one = write_results(tmp_path / "a", RANDOM, trials=4)
    two = write_results(tmp_path / "b", FIXED, policies=POLICIES, trials=3)
    results = read_results([tmp_path / "a", tmp_path / "b"])
    assert {r.key for r in results.records} == {r.key for r in [*one, *two]}
    assert results.summary["totals"]["trials"] == len(one) + len(two)
    assert [g["policy"] for g in results.summary["groups"]] == ["default"] * 4 + ["paper"] * 2
    listed = embedded(report_page(results))
    place = listed["trial"].index("folder")
    assert [t[place] for t in listed["trials"]] == [0] * len(one) + [1] * len(two)


def test_actions_are_drawn_with_the_jaw_of_each_folders_robot(tmp_path: Path):
    write_results(tmp_path / "a", RANDOM, trials=1)
    write_results(tmp_path / "b", FIXED, trials=1, settings={"robot": "panda"})
    jaws = embedded(page_of(tmp_path / "a", tmp_path / "b"))["jaws"]
    assert [width for width, *_ in jaws] == [
        gripper("gantry").max_width,
        gripper("panda").max_width,
    ]
    assert jaws[0] != jaws[1]


def test_a_trial_in_two_folders_is_refused(tmp_path: Path):
    write_results(tmp_path / "a", RANDOM, trials=4)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UserError, match=r"trial 0 of random-10 by default is in .*a and in .*b"):
        read_results([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"robot": "panda"}, "differ in robot"),
        ({"noise": "d405", "seed": 8}, "differ in seed, noise"),
        ({"policies": [{"name": "default", "source": "x", "sha256": "0"}]}, "differs in sha256"),
        (
            {"groups": [{"policy": "p", "name": "random-10", "scene": "x", "objects": 3}]},
            "has scene random in .*a and x in .*b",
        ),
    ],
)  # fmt: skip
def test_trials_that_differ_in_settings_are_not_combined(
    tmp_path: Path, change: dict[str, Any], sentence: str
):
    write_results(tmp_path / "a", RANDOM, trials=2)
    write_results(tmp_path / "b", RANDOM, trials=2, records=[], settings=change)
    with pytest.raises(UserError, match=sentence):
        read_results([tmp_path / "a", tmp_path / "b"])


def test_policies_on_different_robots_are_not_compared(tmp_path: Path):
    write_results(tmp_path / "a", RANDOM, trials=2)
    change = {"robot": "panda", "seed": 8}
    write_results(tmp_path / "b", RANDOM, policies=["paper"], records=[], settings=change)
    with pytest.raises(UserError, match=r"both have trials of random-10, but differ in robot;"):
        read_results([tmp_path / "a", tmp_path / "b"])
    write_results(tmp_path / "b", RANDOM, policies=["paper"], records=[], settings={"seed": 8})
    assert read_results([tmp_path / "a", tmp_path / "b"]).summary["comparisons"] == []


def test_other_robots_share_a_report_if_they_share_no_row(tmp_path: Path):
    write_results(tmp_path / "a", RANDOM, trials=2)
    write_results(tmp_path / "b", FIXED, trials=2, settings={"robot": "panda"})
    text = text_of(page_of(tmp_path / "a", tmp_path / "b"))
    assert "Robot gantry" in text
    assert "Robot panda" in text


def test_damaged_lines_are_reported_and_the_rest_is_kept(tmp_path: Path, capsys):
    write_results(tmp_path, RANDOM, trials=3)
    with open(tmp_path / "trials.jsonl", "a") as file:
        file.write('{"group": "random-10", "ind')
    assert main(["report", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert "line 7" in captured.err
    assert "6 trials" in captured.out
    text = text_of((tmp_path / "report.html").read_text())
    assert "1 line of the files could not be used" in text
    assert "line 7" in text


def test_no_text_becomes_markup(tmp_path: Path):
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u2028&amp;'
    trial = make_trial("default", evil, 0, scene=evil)
    step = dataclasses.replace(trial.steps[0], why=evil)
    trial = dataclasses.replace(trial, goal=evil, reason=evil, steps=(step,), policy=evil)
    folder = tmp_path / "a<b>&"
    write_results(
        folder, {evil: (evil, 3)}, policies=[evil], records=[trial], settings={"commit": evil}
    )
    page = page_of(folder)
    scripts = re.findall(r"<script\b[^>]*>", page)
    assert scripts == ['<script type="application/json" id="trials">', *["<script>"] * 3]
    assert "<img" not in page.replace("&lt;img", "")
    trial_ = dict(zip(embedded(page)["trial"], embedded(page)["trials"][0], strict=True))
    assert trial_["goal"] == trial_["reason"] == evil
    assert embedded(page)["policies"] == [evil]


def test_the_policy_of_the_page_allows_nothing_from_outside(tmp_path: Path):
    write_results(tmp_path, RANDOM, trials=2, pictures=True)
    page = page_of(tmp_path)
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert found
    rules = dict(rule.strip().split(" ", 1) for rule in found.group(1).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    sources = f"{rules['script-src']} {rules['style-src']}".split()
    assert all(source.startswith("'sha256-") for source in sources)
    outside = re.sub(r"http://www\.w3\.org/2000/svg", "", page)
    assert "http://" not in outside
    assert "https://" not in outside


def test_existing_strips_are_embedded(tmp_path: Path):
    records = write_results(tmp_path, RANDOM, trials=3, pictures=True)
    (tmp_path / "pictures/default/random-10-0001.webp").unlink()
    (tmp_path / "pictures/default/random-20-0002.webp").write_bytes(b"no picture")
    page = page_of(tmp_path)
    assert re.findall(r'id="strip-(\d+)" data-columns="(\d+)"', page) == [
        (str(i), str(len(records[i].steps))) for i in (0, 2, 3, 4)
    ]
    assert 'id="strip-' not in page_of(tmp_path, pictures=False)


def test_a_goals_colour_is_that_of_its_scene(tmp_path: Path):
    spec = TrialSpec(group="random-10", index=0, scene="random", n_objects=10, goal=0, run_seed=0)
    trial = make_trial("default", "random-10", 0, scene="random")
    records = [dataclasses.replace(trial, seed=spec.seed(), goal="object_00", faults=())]
    write_results(tmp_path, {"random-10": ("random", 10)}, records=records, settings={"seed": 0})
    data = embedded(page_of(tmp_path))
    (trial,) = data["trials"]
    code = trial[data["trial"].index("goal_rgb")]
    config = SceneConfig("random", 10, seed=records[0].seed)
    assert code == format_color(object_colors(config)[0])
    assert data["colors"][code]


def test_a_section_without_content_is_left_out(tmp_path: Path):
    write_results(tmp_path, RANDOM, policies=("default",), trials=3)
    alone = text_of(page_of(tmp_path))
    assert "Side by side" not in alone
    both = tmp_path / "both"
    write_results(both, RANDOM, policies=POLICIES, trials=3)
    assert "Side by side" in text_of(page_of(both))


def test_bands_count_their_trials(tmp_path: Path):
    write_results(tmp_path, RANDOM, trials=12)
    results = read_results([tmp_path])
    text = text_of(report_page(results))
    for group in results.summary["groups"]:
        for band in group["bands"]:
            assert (f"n = {band['trials']}" in text) or not band["trials"]


def test_a_trial_cannot_embed_a_file_from_elsewhere(tmp_path: Path):
    trial = make_trial("default", "random-10", 0, scene="random")
    write_strip(tmp_path / "elsewhere", trial)
    outside = dataclasses.replace(trial, policy="../../elsewhere/pictures/default")
    (tmp_path / "run" / "pictures").mkdir(parents=True)
    assert read_strip(tmp_path / "elsewhere", trial)
    assert read_strip(tmp_path / "run", outside) is None
    (tmp_path / "run/pictures/default").symlink_to(tmp_path / "elsewhere/pictures/default")
    assert read_strip(tmp_path / "run", trial) is None


def test_results_without_a_trial_have_a_page(tmp_path: Path):
    write_results(tmp_path, RANDOM, records=[], trials=5)
    page = page_of(tmp_path)
    assert "No trial has been played yet." in text_of(page)
    assert embedded(page)["trials"] == []


def test_the_command_reproduces_the_results(tmp_path: Path):
    settings = {"noise": "d405", "randomise": True, "goal": 1}
    write_results(tmp_path / "my run", RANDOM, trials=5, settings=settings)
    said = command(read_results([tmp_path / "my run"]).runs[0])
    assert said == (
        "pushgrasp evaluate --policy default --scenes random --objects 10 20 --trials 5 --seed 7 "
        f"--goal 1 --robot gantry --noise d405 --randomise --out '{tmp_path / 'my run'}'"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{0}/none"], "a folder of results was expected"),
        (["{0}/a", "{0}/b"], "2 folders are named; name their one page too: --out FILE.html"),
        (["{0}/a", "--out", "{0}/page.pdf"], "must end in .html"),
        (["{0}/a", "{0}/a", "--out", "{0}/page.html"], "a report counts each trial once"),
    ],
)
def test_bad_input_of_the_command(capsys, tmp_path: Path, arguments: list[str], sentence: str):
    write_results(tmp_path / "a", RANDOM, trials=1)
    write_results(tmp_path / "b", FIXED, trials=1)
    before = sorted(tmp_path.rglob("*"))
    assert main(["report", *(word.format(tmp_path) for word in arguments)]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_several_folders_make_one_page(capsys, tmp_path: Path):
    write_results(tmp_path / "a", RANDOM, trials=1)
    write_results(tmp_path / "b", FIXED, trials=1)
    out = tmp_path / "page.html"
    assert main(["report", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out)]) == 0
    assert "4 trials" in capsys.readouterr().out
    assert "challenging-02" in out.read_text()
