"""`pushgrasp train` refuses bad settings before it begins."""

from __future__ import annotations

import os
from pathlib import Path

from commands import run


def test_training_refuses_bad_settings_and_leaves_nothing(tmp_path: Path, capsys):
    for arguments, words in (
        (["--seed", "-3"], "seed -3: a seed is 0 or more"),
        (["--time-limit", "-1"], "time limit -1.0: it must be above 0 s"),
        (["--resume"], "holds no training run"),
        (["--init-from", "nobody"], "nobody"),
        (["--workers", "0"], "workers 0: at least one is needed"),
        (["--device", "tpu"], "there is no device 'tpu'"),
    ):
        code, _, err = run(capsys, "train", "--out", str(tmp_path / "run"), *arguments)
        assert code == 2
        assert words in err
        assert os.listdir(tmp_path) == []
