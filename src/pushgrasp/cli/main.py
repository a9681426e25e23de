"""The command line: find the command, parse its options, run it, turn errors into exit codes."""

from __future__ import annotations

import difflib
import errno
import inspect
import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from .. import __version__
from ..errors import RobotError, SimulatorFault, UserError
from .calibrate import CalibrateCommand
from .check import CheckCommand
from .evaluate import EvaluateCommand
from .export import ExportCommand
from .info import InfoCommand
from .plot import PlotCommand
from .policies import PoliciesCommand
from .recipe import RecipeCommand
from .rehearse import RehearseCommand
from .replay import ReplayCommand
from .report import ReportCommand
from .retrieve import DemoCommand, RetrieveCommand
from .ros import RosCommand
from .scene import SceneCommand
from .station import StationCommand
from .touch import TouchCommand
from .train import TrainCommand

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130
UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

DESCRIPTION = "Retrieve an object from clutter by pushing and grasping."


class Subcommand(Protocol):
    """A dataclass of options with the body of its command.

    Its docstring and those of its fields are the help; its module imports nothing slow before
    `run`, so that wrong options are answered at once.
    """

    def run(self) -> int:
        """Run the command; returns the exit code."""
        ...


COMMANDS: dict[str, type[Subcommand]] = {
    "demo": DemoCommand,
    "retrieve": RetrieveCommand,
    "scene": SceneCommand,
    "evaluate": EvaluateCommand,
    "report": ReportCommand,
    "replay": ReplayCommand,
    "export": ExportCommand,
    "train": TrainCommand,
    "policies": PoliciesCommand,
    "recipe": RecipeCommand,
    "plot": PlotCommand,
    "info": InfoCommand,
    "station": StationCommand,
    "calibrate": CalibrateCommand,
    "touch": TouchCommand,
    "check": CheckCommand,
    "rehearse": RehearseCommand,
    "ros": RosCommand,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: arguments; None for those of the process.
    Returns:
        The exit code: 0 when the command did its work (whatever a robot achieved), 1 when the
        simulator or a robot failed or the output cannot be written, 2 for bad input, 130 when
        interrupted.
    """
    _prepare_process()
    terminate = signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = parse(sys.argv[1:] if argv is None else argv).run()
        sys.stdout.flush()
        return code
    except UserError as error:
        return _say(str(error), EXIT_BAD_INPUT)
    except SimulatorFault as fault:
        return _say(f"the simulator failed: {fault}; try another --seed", EXIT_FAILED)
    except RobotError as error:
        return _say(f"the robot has stopped: {error}", EXIT_FAILED)
    except KeyboardInterrupt as stop:
        return _say("; ".join(("interrupted", *map(str, stop.args))), EXIT_INTERRUPTED)
    except OSError as error:
        if error.filename is not None or error.errno not in UNWRITABLE:
            raise
        _discard_output()
        if error.errno == errno.EPIPE:  # the reader has gone: there is nobody to tell
            return EXIT_FAILED
        return _say(f"cannot write the output: {error.strerror}", EXIT_FAILED)
    finally:
        signal.signal(signal.SIGTERM, terminate)


def parse(argv: Sequence[str]) -> Subcommand:
    """Turn arguments into a command with its options.

    Raises:
        UserError: there is no such command, or an option is given twice.
        SystemExit: help or the version was asked for and printed, or an option is wrong.
    """
    name, *options = argv or [""]
    if name == "--version":
        print(f"pushgrasp {__version__}")
        raise SystemExit(0)
    if name in COMMANDS:
        _refuse_repeated(options)
        return tyro.cli(
            COMMANDS[name], prog=f"pushgrasp {name}", args=options, registry=_PATHS,
            description=inspect.getdoc(COMMANDS[name]), config=(tyro.conf.OmitArgPrefixes,),
        )  # fmt: skip
    if name and not name.startswith("-"):
        close = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(COMMANDS)}."
        raise UserError(f"there is no command {name!r}; {hint} See pushgrasp --help")
    return tyro.extras.subcommand_cli_from_dict(
        COMMANDS, prog="pushgrasp", description=DESCRIPTION, args=argv
    )


_PATHS = ConstructorRegistry()


@_PATHS.primitive_rule
def _expanded_path(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path] | None:
    """Expand "~" in every path; shells do not in --out=~/x."""
    if info.type is not Path:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=lambda words: Path(words[0]).expanduser(),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda value: [str(value)],
    )


def _refuse_repeated(options: Sequence[str]) -> None:
    names = [word.partition("=")[0] for word in options if word.startswith("--")]
    plain = [name.removeprefix("--no-").removeprefix("--").replace("_", "-") for name in names]
    for name, option in zip(names, plain, strict=True):
        if plain.count(option) > 1:
            raise UserError(f"{name} is given {plain.count(option)} times; give it once")


def _prepare_process() -> None:
    """Replace characters that the terminal lacks by "?"; silence Matplotlib's warnings."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns of a read-only home


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _say(sentence: str, code: int) -> int:
    print(f"pushgrasp: {sentence}", file=sys.stderr)
    return code


def _discard_output() -> None:
    """Discard unprinted output, which would fail again when the interpreter exits."""
    with suppress(io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
