"""Policies of third parties: a class in a file, `FILE.py:CLASS`, or in an installed package.

A package offers its classes by entry points of the group `pushgrasp.policies`. The class is made
without arguments. It has one of two methods:

    act(self, observation: Observation) -> Action | None
    decide(self, observation, memory=None, *, refused=()) -> Decision     (see `base.Decides`)

and may have an attribute `primitive: PrimitiveConfig`, how deep it grasps and how far it pushes,
and a method `reset(self)`, which is called at the start of each episode.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
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
    """Adapts a third party's object to what the loop needs.

    Args:
        made: the object; it has `decide` or `act`.
        name: what to call it in messages.
    Raises:
        UserError: it has neither method, or its `primitive` is not a PrimitiveConfig.
    """

    def __init__(self, made: Any, name: str) -> None:
        self.name = name
        self._decide, self._act = (getattr(made, method, None) for method in ("decide", "act"))
        self._reset = getattr(made, "reset", None)
        if not callable(self._decide) and not callable(self._act):
            raise UserError(
                f"{name} is not a policy: it needs a method act(observation), which returns an "
                f"Action or None, or decide(observation, memory, refused=...)"
            )
        primitive: object = getattr(made, "primitive", None) or PrimitiveConfig()
        if not isinstance(primitive, PrimitiveConfig):
            raise UserError(
                f"{name}.primitive is {primitive!r}; it must be a PrimitiveConfig or left out"
            )
        self.primitive = primitive

    def reset(self) -> None:
        """Call the object's `reset`, if it has one; see `base.Resets`."""
        if callable(self._reset):
            self._reset()

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """Choose the next action; see `base.Decides`.

        `act` is called once for each look at the table: it cannot know that the robot has refused
        its action, so then there is nothing left to do.

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
        return _only_where_seen(decision, self.name)

    def _ask(
        self, observation: Observation, memory: Memory | None, refused: Sequence[Action]
    ) -> Decision:
        """Call whichever method the object has."""
        if callable(self._decide):
            decision: object = self._decide(observation, memory, refused=refused)
            if not isinstance(decision, Decision):
                raise UserError(f"decide returned {decision!r}, which is not a Decision")
            if decision.action is not None:
                observation.check(decision.action)
            return decision
        assert callable(self._act)
        action: object = self._act(observation)
        if action is None:
            return _decision(observation, None, f"{self.name} sees nothing to do")
        if not isinstance(action, Action):
            raise UserError(
                f"act returned {action!r}; expected what observation.action(...) returns, or None"
            )
        observation.check(action)
        return _decision(observation, action, action.why or f"chosen by {self.name}")


def load_file(path: Path, name: str) -> Plugin:
    """Make an object of a class in a file. The file's code runs here, with all the user's rights.

    Args:
        path: the file.
        name: of the class.
    Raises:
        UserError: there is no such file or class, the file or the constructor fails, or the
            object is not a policy; the message says which and why.
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
    return _make(found, name, f"{name} of {path}", path)


def load_entry_point(point: EntryPoint) -> Plugin:
    """Make an object of a class that an installed package offers.

    Raises:
        UserError: the package or the constructor fails, or the object is not a policy.
    """
    where = f"{point.value}, which the package {point.dist.name if point.dist else ''} offers"
    try:
        found = point.load()
    except Exception as error:
        raise UserError(f"cannot import {where}: {_describe(error, None)}") from error
    if not isinstance(found, type):
        raise UserError(f"{where}, is not a class")
    return _make(found, point.name, where, None)


def _make(found: type, name: str, where: str, path: Path | None) -> Plugin:
    try:
        made = found()
    except Exception as error:
        raise UserError(
            f"cannot make {where}: {_describe(error, path)}; it is made without arguments"
        ) from error
    return Plugin(made, name)


def _import(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(f"no file {path}; a class in a file is named FILE.py:CLASS")
    # dataclasses and pickling look a class's module up by name, so two files need two names
    mark = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    spec = importlib.util.spec_from_file_location(f"{path.stem}_{mark}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise UserError(f"cannot import {path}: {_describe(error, path)}") from error
    return module


def _describe(error: BaseException, path: Path | None) -> str:
    """Say what went wrong, and in which line of the file."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if path is not None and Path(frame.filename) == path
    ]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    where = f" (line {line})" if line else ""
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {what}{where}"


def _only_where_seen(decision: Decision, name: str) -> Decision:
    """Drop an action at a place whose height is unknown."""
    action = decision.action
    if action is None or np.isfinite(action.position).all():
        return decision
    row, column = action.pixel
    why = f"{name} chose row {row}, column {column}, which the camera does not see"
    return replace(decision, action=None, why=why)


def _decision(observation: Observation, action: Action | None, why: str) -> Decision:
    """Wrap an action; its target is the goal or its surrogate, or what a grasp is aimed at."""
    target = choose_target(observation, DecisionConfig())
    if action is None:
        return Decision(None, target, np.nan, np.nan, None, None, why)
    label = observation.labels[action.pixel]
    if action.primitive == "grasp" and label and not target.mask[action.pixel]:
        target = surrogate(observation, observation.labels == label, "what it grasps at")
    q_grasp, q_push = (action.q, np.nan) if action.primitive == "grasp" else (np.nan, action.q)
    return Decision(action, target, q_grasp, q_push, None, None, why)
