"""Policies of third parties: a class in a file of theirs, `FILE.py:NAME`.

The class is made without arguments. It has either method:

    act(self, observation: Observation) -> Action | None
    decide(self, observation, memory=None, *, refused=()) -> Decision     (see `retrieve.Decides`)

and may have an attribute `primitive: PrimitiveConfig`, how deep it grasps and how far it pushes,
and a method `reset(self)`, which is called before each trial.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import UserError
from ..interfaces import Action
from ..perception.observation import Observation
from ..primitives import PrimitiveConfig
from .base import Decision, Memory
from .config import DecisionConfig
from .rule import choose_target, surrogate


class Plugin:
    """A third party's object as a policy that the loop can use.

    Args:
        made: the object; it has `decide` or `act`.
        name: what to call it in messages.
    Raises:
        UserError: it has neither, or its `primitive` is none.
    """

    def __init__(self, made: Any, name: str) -> None:
        self.name = name
        self._decide, self._act = (getattr(made, method, None) for method in ("decide", "act"))
        self._reset = getattr(made, "reset", None)
        if not callable(self._decide) and not callable(self._act):
            raise UserError(
                f"{name} is no policy: it needs a method act(observation), which returns an "
                f"Action or None, or decide(observation, memory, refused=...)"
            )
        self.primitive = getattr(made, "primitive", None) or PrimitiveConfig()
        if not isinstance(self.primitive, PrimitiveConfig):
            raise UserError(
                f"{name}.primitive is {self.primitive!r}; it must be a PrimitiveConfig or left out"
            )

    def reset(self) -> None:
        """A new trial begins."""
        if callable(self._reset):
            self._reset()

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """Choose the next action; see `Policy.decide`.

        `act` is asked once for each look at the table: it could not know that the robot has
        refused its action, so then there is nothing to do.

        Raises:
            UserError: it returned something else than it must; its own errors pass through.
        """
        if refused and not callable(self._decide):
            why = f"the robot refused the only action that {self.name} offers here"
            return _decision(observation, None, why)
        try:
            decision = self._ask(observation, memory, refused)
        except UserError as error:
            raise UserError(f"{self.name}: {error}") from error
        return _on_what_is_seen(decision, self.name)

    def _ask(
        self, observation: Observation, memory: Memory | None, refused: Sequence[Action]
    ) -> Decision:
        """What the object says, whichever method it has."""
        if callable(self._decide):
            decision = self._decide(observation, memory, refused=refused)
            if not isinstance(decision, Decision):
                raise UserError(f"decide returned {decision!r}, no Decision")
            if decision.action is not None:
                observation.check(decision.action)
            return decision
        assert callable(self._act)
        action = self._act(observation)
        if action is None:
            return _decision(observation, None, f"{self.name} sees nothing to do")
        if not isinstance(action, Action):
            raise UserError(
                f"act returned {action!r}; expected what observation.action(...) returns, or None"
            )
        observation.check(action)
        return _decision(observation, action, action.why or f"{self.name} chose it")


def load_plugin(path: Path, name: str) -> Plugin:
    """Make an object of a class in a file. The file's code runs here, with all our rights.

    Args:
        path: the file.
        name: of the class.
    Raises:
        UserError: there is no such file or class, the file or the constructor fails, or the
            object is no policy; the message says which and why.
    """
    module = _import(path)
    found = getattr(module, name, None)
    if not isinstance(found, type):
        classes = [
            n for n, v in vars(module).items()
            if isinstance(v, type) and v.__module__ == module.__name__
        ]  # fmt: skip
        raise UserError(
            f"{path} has no class {name!r}; its classes are: {', '.join(classes) or 'none'}"
        )
    try:
        made = found()
    except Exception as error:
        raise UserError(
            f"cannot make {name} of {path}: {_in_words(error, path)}; it is made without arguments"
        ) from error
    return Plugin(made, name)


def _import(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(f"no file {path}; a policy of your own is named FILE.py:CLASS")
    # dataclasses and pickling look a class's module up by name, so it needs one of its own
    mark = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    spec = importlib.util.spec_from_file_location(f"{path.stem}_{mark}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise UserError(f"cannot import {path}: {_in_words(error, path)}") from error
    return module


def _in_words(error: BaseException, path: Path) -> str:
    """What went wrong, and in which line of the file."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == path
    ]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    where = f" (line {line})" if line else ""
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {what}{where}"


def _on_what_is_seen(decision: Decision, name: str) -> Decision:
    """The decision, but no action at a place whose height nobody knows."""
    action = decision.action
    if action is None or np.isfinite(action.position).all():
        return decision
    row, column = action.pixel
    why = f"{name} chose row {row}, column {column}, of which the camera sees nothing"
    return replace(decision, action=None, why=why)


def _decision(observation: Observation, action: Action | None, why: str) -> Decision:
    """A decision about the goal or its stand-in, or whatever else a grasp is aimed at."""
    labels = observation.labels
    target = choose_target(observation, DecisionConfig())
    q_grasp = q_push = np.nan
    if action is not None:
        grasp, label = action.primitive == "grasp", labels[action.pixel]
        if grasp and label and not target.mask[action.pixel]:
            target = surrogate(observation, labels == label, "what it grasps at")
        q_grasp, q_push = (action.q, np.nan) if grasp else (np.nan, action.q)
    return Decision(action, target, q_grasp, q_push, None, None, why)
