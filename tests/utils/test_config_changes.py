"""Single values of a configuration are replaced by name."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.training.recipes import RECIPES
from pushgrasp.utils.config_changes import split_setting, with_settings

PAPER = RECIPES["paper"]


def test_a_number_deep_inside_is_replaced_and_all_else_stays() -> None:
    changed = with_settings(
        PAPER,
        ["stages.2.n_samples=500", "decision.max_pushes=none", "workspace.table_z=0.1"],
        "recipe",
    )
    assert changed.stages[2].n_samples == 500
    assert changed.decision.max_pushes is None
    assert changed.workspace.table_z == 0.1
    back = with_settings(
        changed,
        [
            f"stages.2.n_samples={PAPER.stages[2].n_samples}",
            f"decision.max_pushes={PAPER.decision.max_pushes}",
            "workspace.table_z=0",
        ],
        "recipe",
    )
    assert back == PAPER


@pytest.mark.parametrize("text", ["5,10", "[5, 10]", "5, 10"])
def test_a_list_needs_no_brackets(text: str) -> None:
    changed = with_settings(PAPER, [f"stages.0.n_objects={text}"], "recipe")
    assert changed.stages[0].n_objects == (5, 10)


def test_a_single_value_is_a_list_of_one() -> None:
    changed = with_settings(PAPER, ["stages.0.n_objects=7", "stages.0.scenes=heap"], "recipe")
    assert (changed.stages[0].n_objects, changed.stages[0].scenes) == ((7,), ("heap",))


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_switches_are_written_as_in_json_or_python(text: str) -> None:
    assert with_settings(PAPER, [f"augment={text}"], "recipe").augment is True


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("batch_sise=3", "recipe has no setting 'batch_sise'; did you mean 'batch_size'"),
        ("stages.2.n_sample=3", r"recipe: stages\.2 has no setting 'n_sample'.*n_samples, epsilon"),
        ("stages.9.n_samples=3", "stages has no entry '9'; the entries are 0 to 6"),
        ("stages.-1.n_samples=3", "stages has no entry '-1'"),
        ("batch_size.x=3", "recipe: batch_size is a single value; it has no setting 'x'"),
        ("batch_size", "'batch_size' is no setting; write NAME=VALUE"),
        ("=3", "'=3' is no setting"),
        ("batch_size=big", "batch_size is 'big'; it must be of type int"),
        ("batch_size=1.5", "must be of type int"),
        ("learning_rate=NaN", "must be a finite number"),
        ("learning_rate=" + 400 * "9", "too large"),
        ("learning_rate=" + 5000 * "9", "must be of type float"),
        ("stages=" + 10_000 * "[", "nested too deeply|must be"),
        ("decision.distrust=7", "distrust is 7.0; it must be 0.0 to 1.0"),
        ("stages.0.epsilon=0.5", "must be a list of 2"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        with_settings(PAPER, [setting], "recipe")


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_answered_by_a_value_or_a_sentence(name: str, value: str) -> None:
    try:
        changed = with_settings(PAPER, [f"{name}={value}"], "recipe")
    except UserError:
        return
    assert dataclasses.asdict(changed).keys() == dataclasses.asdict(PAPER).keys()


@given(st.one_of(st.integers(-(2**40), 2**40), st.booleans(), st.none()))
def test_a_value_survives_its_text(value: object) -> None:
    assert split_setting(f"a={value}") == ("a", value)
