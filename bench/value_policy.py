"""A policy by the networks of `value_fit.py`, for `--policy bench/value_policy.py:Value`.

The file of weights is named by the environment variable PUSHGRASP_VALUE; PUSHGRASP_MARGIN is the
value by which a candidate must beat the choice of `default` to be taken instead.
"""

from __future__ import annotations

import os
from pathlib import Path

from pushgrasp.errors import UserError
from pushgrasp.policy.load import load_policy
from pushgrasp.policy.value.grasp_q import compact_grasp_net
from pushgrasp.policy.value.policy import ValuePolicy
from pushgrasp.policy.value.saved import load_networks


class Value(ValuePolicy):
    """Compares candidates and the choice of `default`."""

    def __init__(self) -> None:
        weights = os.environ.get("PUSHGRASP_VALUE")
        if not weights:
            raise UserError("set PUSHGRASP_VALUE to the file of weights that value_fit.py wrote")
        margin = float(os.environ.get("PUSHGRASP_MARGIN", "0"))
        super().__init__(
            load_networks(Path(weights)), base=load_policy("default"), margin=margin,
            grasp_net=compact_grasp_net("default"),
        )  # fmt: skip
