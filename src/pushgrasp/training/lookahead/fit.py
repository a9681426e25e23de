"""Fitted Q iteration with hindsight: every object of a scene is a goal of every action.

Q(s, a, g) = 1 if the jaw took g; 0 if g left the workspace otherwise; else gamma times the value of
g in the next look, which is the mean of the best few of the candidates there. One network chooses
them, another one, which has learned from other scenes, says what they are worth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from ...policy.value.network import GAMMA, ValueNetwork, encode
from ...policy.value.proposals import GRASP, PUSH
from ...policy.value.views import HIDDEN_PX
from ...workspace import N_ROTATIONS
from .fit_config import FitConfig
from .store import Store

CHUNK = 12  # looks scored at a time
SEVERAL = 0.5  # probability that the goal is noticed among several objects in the jaw
SHIFT_PX, TURN = 1.0, 0.05  # by which training views are off: heightmap pixels, rad


Networks = Sequence[ValueNetwork]
Say = Callable[[str], None]
Tick = Callable[[int], None]
"""Told of how many more actions a pass has been made."""


def fit(
    store: Store,
    actions: npt.NDArray[np.intp],
    config: FitConfig,
    say: Say,
    after: Callable[[Networks, int], None] | None = None,
    tick: Tick = lambda _: None,
) -> Networks:
    """Learn from some actions; returns the networks in evaluation mode.

    Args:
        store: the data.
        actions: (N,) indices of the actions to learn from.
        config: numbers of the fit.
        say: told of each iteration.
        after: called after each iteration.
        tick: told of the progress; in the end it adds up to about `amount`.
    """
    rng = np.random.default_rng(config.seed)
    networks: list[ValueNetwork] = []
    for k in range(config.networks):
        torch.manual_seed(1000 * config.seed + k)
        networks.append(ValueNetwork().eval())
    scene = store.scene[store.look[actions]]
    began = time.perf_counter()
    for iteration in range(config.iterations + 1):
        last = iteration == config.iterations
        goals = choose_goals(store, actions, config.goals, rng)
        targets = compute_targets(
            store, actions, goals, networks if iteration else None, config, rng, tick
        )
        refreshed = time.perf_counter()
        epochs = config.epochs * (2.0 if last or not iteration else 1.0)
        losses: list[float] = []
        for k, network in enumerate(networks):
            # each from scenes of its own, so that they can judge one another; in the end from all
            mine = scene % len(networks) == k
            if last or not mine.any():
                mine[:] = True
            lesson = (actions[mine], goals[mine], targets[mine])
            losses.append(_train(network, store, *lesson, config, rng, epochs, tick))
        say(
            f"iteration {iteration}: mean target {targets.mean():.3f}, losses "
            f"{', '.join(f'{x:.4f}' for x in losses)}; {time.perf_counter() - began:.0f} s, of "
            f"the last {time.perf_counter() - refreshed:.0f} s training"
        )
        if after is not None:
            after(networks, iteration)
    return networks


def amount(n_actions: int, config: FitConfig) -> int:
    """Return how many passes over single actions a fit makes."""
    epochs = config.epochs * (1 + config.iterations + 2 * config.networks)
    return round(n_actions * (epochs + config.iterations))


def choose_goals(
    store: Store, actions: npt.NDArray[np.intp], n: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw goals (N, n) of actions: what was taken or acted on, then the hidden and the near."""
    look = store.look[actions]
    present, visible = store.present[look], store.visible[look]
    middle = np.stack([store.action["row"], store.action["column"]], -1)[actions]
    distance = np.hypot(*(store.pixel[look] - middle[:, None]).transpose(2, 0, 1))  # (N, M)
    weight = np.where(visible < HIDDEN_PX, 3.0, np.where(visible < 150, 2.0, 1.0))
    weight = weight * (0.5 + 2.0 * np.exp(-((distance / 25.0) ** 2)))
    weight = weight + 20.0 * store.taken[actions] + 20.0 * store.lost[actions]
    weight = np.where(present, weight, 0.0)
    rows = np.arange(len(actions))
    behind = store.behind[actions]
    weight[rows, np.maximum(behind, 0)] *= np.where(behind >= 0, 3.0, 1.0)
    # Gumbel's trick draws without replacement; where there are too few, some come twice
    keys = np.log(np.maximum(weight, 1e-30)) + rng.gumbel(size=weight.shape)
    order = np.argsort(-keys, axis=1)[:, :n]
    valid = np.take_along_axis(present, order, 1)
    return np.where(valid, order, order[:, :1])


def compute_targets(
    store: Store,
    actions: npt.NDArray[np.intp],
    goals: npt.NDArray[np.int64],
    networks: Networks | None,
    config: FitConfig,
    rng: np.random.Generator,
    tick: Tick = lambda _: None,
) -> npt.NDArray[np.float32]:
    """Compute the values (N, G) to learn; without networks only what the action itself did."""
    rows = actions[:, None]
    done, lost = store.taken[rows, goals], store.lost[rows, goals]
    targets = claims(store, actions, goals)
    if networks is None:
        return targets
    looks = store.look[actions] + 1
    for first in range(0, len(actions), CHUNK):
        part = np.s_[first : first + CHUNK]
        value = look_values(store, looks[part], goals[part], networks, config, rng)
        targets[part] = np.where(
            done[part], targets[part], np.where(lost[part], 0.0, GAMMA * value)
        )
        tick(len(value))
    return targets


def claims(
    store: Store, actions: npt.NDArray[np.intp], goals: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Return how likely (N, G) it is that actions took the goals and the robot notices.

    It sees what it holds, but of two objects in the jaw one may hide the other; then it searches
    on for a goal that is gone.
    """
    several = store.taken[actions].sum(1) > 1
    return (
        store.taken[actions[:, None], goals]
        * np.where(several, SEVERAL, 1.0).astype(np.float32)[:, None]
    )


def look_values(
    store: Store,
    looks: npt.NDArray[np.int64],
    goals: npt.NDArray[np.int64],
    networks: Networks,
    config: FitConfig,
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """Compute the values (B, G) of goals (B, G) in looks (B,); 0 where there is no candidate."""
    some = [_some_candidates(store, int(look), config, rng) for look in looks]
    sizes = np.array([len(s) for s in some])
    values = np.zeros(goals.shape, np.float32)
    if not sizes.sum():
        return values
    which = np.repeat(np.arange(len(looks)), sizes)
    q = score(networks, store, looks[which], np.concatenate(some), goals[which])
    for i, rows in enumerate(np.split(q, np.cumsum(sizes)[:-1], axis=1)):
        if rows.shape[1]:
            values[i] = judged_by_another(rows, config.best)
    return values


def judged_by_another(q: npt.NDArray[np.float32], best: int) -> npt.NDArray[np.float32]:
    """Let each network choose the best few candidates, and another one say what they are worth.

    The networks have learned from different scenes. So what one of them takes for good by mistake,
    the other does not, and the maximum over many candidates is not too high (double Q-learning, van
    Hasselt 2010). A single network judges its own choice.

    Args:
        q: (K, N, G) values by K networks of N candidates.
        best: of how many candidates the mean is taken.
    Returns:
        (G,).
    """
    values = []
    for k, own in enumerate(q):
        chosen = np.argsort(own, axis=0)[-best:]
        values.append(np.take_along_axis(q[(k + 1) % len(q)], chosen, 0).mean(0))
    return np.mean(values, axis=0)


def _some_candidates(
    store: Store, look: int, config: FitConfig, rng: np.random.Generator
) -> np.ndarray:
    here = store.here(look)
    some = [
        rng.permutation(np.flatnonzero(here["primitive"] == kind))[:most]
        for kind, most in ((GRASP, config.grasps), (PUSH, config.pushes))
    ]
    return here[np.concatenate(some)]


@torch.inference_mode()
def score(
    networks: Networks,
    store: Store,
    look: npt.NDArray[np.int64],
    candidates: np.ndarray,
    goals: npt.NDArray[np.int64],
    batch: int = 512,
) -> npt.NDArray[np.float32]:
    """Score candidates (N,) of looks (N,) for goals (N, G), by K networks: (K, N, G)."""
    parts: list[npt.NDArray[np.float32]] = []
    for k in range(0, len(look), batch):
        part = np.s_[k : k + batch]
        at, some, g = look[part], candidates[part], goals[part]
        x = encode(store.tables, at, some, store.goals(at, g))
        parts.append(np.stack([network.value(x) for network in networks]))
    return np.concatenate(parts, 1)


def _train(
    network: ValueNetwork,
    store: Store,
    actions: npt.NDArray[np.intp],
    goals: npt.NDArray[np.int64],
    targets: npt.NDArray[np.float32],
    config: FitConfig,
    rng: np.random.Generator,
    epochs: float,
    tick: Tick,
) -> float:
    """Fit a network to the targets; returns the mean loss of the last steps."""
    steps = max(1, round(epochs * len(actions) / config.batch))
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=steps, pct_start=0.2
    )
    network.train()
    recent: list[float] = []
    for _ in range(steps):
        chosen = rng.integers(len(actions), size=config.batch)
        some = actions[chosen]
        look, candidates, g = store.look[some], store.action[some].copy(), goals[chosen]
        mirror, turn, shift = _views_off(candidates, rng)
        x = encode(
            store.tables, look, candidates, store.goals(look, g),
            turn=turn, mirror=mirror, shift=shift,
        )  # fmt: skip
        logits = network(*x)
        taken = torch.from_numpy(claims(store, some, g))
        loss = functional.binary_cross_entropy_with_logits(logits[..., 0], taken)
        after = np.where(store.taken[some[:, None], g], 0, targets[chosen] / GAMMA)
        later = torch.from_numpy(after.astype(np.float32)).clamp(0, 1)
        later_loss = functional.binary_cross_entropy_with_logits(
            logits[..., 1], later, weight=1 - taken
        )
        loss = loss + later_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        recent.append(float(loss.detach()))
        tick(config.batch)
    network.eval()
    return float(np.mean(recent[-50:]))


def _views_off(
    candidates: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw other views of the same actions; grasps turn by half a rotation, too."""
    n = len(candidates)
    half = (candidates["primitive"] == GRASP) & (rng.random(n) < 0.5)
    candidates["rotation"] = (
        candidates["rotation"] + np.where(half, N_ROTATIONS // 2, 0)
    ) % N_ROTATIONS
    return (
        rng.random(n) < 0.5,
        rng.uniform(-TURN, TURN, n),
        rng.uniform(-SHIFT_PX, SHIFT_PX, (n, 2)),
    )
