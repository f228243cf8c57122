"""Asks the judges in their own environment; one that is not installed or fails is `not run`, with the reason."""

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.quality.windows import Window

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = PROJECT / ".venv-judges" / "bin" / "python"
SCRIPT = Path(__file__).with_name("judge_side.py")
MOST_SECONDS = 300


@dataclass
class Answers:
    """What the judges said: arrays by `<judge>_<part>`, and the reasons of those who said nothing."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def get(self, judge: str, part: str) -> np.ndarray | None:
        """An array, or None where the judge did not run."""
        return self.arrays.get(f"{judge}_{part}")

    def why_not(self, judge: str) -> str:
        """Why a judge has no row."""
        return self.reasons.get(judge, "not asked")


def ask(names: tuple[str, ...], given: dict[str, np.ndarray], python: Path = PYTHON) -> Answers:
    """The answers of the judges to the arrays given, each judge in a process of its own with a limit of time."""
    answers = Answers()
    for name in names:
        _ask_one(name, given, python, answers)
    return answers


def _ask_one(name: str, given: dict[str, np.ndarray], python: Path, answers: Answers) -> None:
    if not python.is_file():
        answers.reasons[name] = "the judges are not installed"
        return
    with tempfile.TemporaryDirectory(prefix="custana-judge-") as folder:
        asked, answered = Path(folder) / "asked.npz", Path(folder) / "answered.npz"
        np.savez(asked, **given)  # type: ignore[arg-type]
        command = [str(python), str(SCRIPT), str(asked), str(answered), name]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment.pop("VIRTUAL_ENV", None)
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=MOST_SECONDS, env=environment)
        except subprocess.TimeoutExpired:
            answers.reasons[name] = f"took more than {MOST_SECONDS} s"
            return
        except subprocess.CalledProcessError as error:
            answers.reasons[name] = error.stderr.decode(errors="replace").strip().splitlines()[-1][:200]
            return
        with np.load(answered) as archive:
            arrays = {part: archive[part] for part in archive.files}
    error = arrays.pop(f"{name}_error", None)
    if error is not None:
        answers.reasons[name] = str(error)
    answers.arrays |= arrays


def purchase_history(window: Window, customers: object) -> dict[str, np.ndarray]:
    """What the lifetime judges get of one window, customers in the order of the frame."""
    arrays = {name: customers[name].to_numpy(dtype="float64") for name in ("repeats", "span", "age", "mean_repeat")}  # type: ignore[index]
    return {**arrays, "horizon": np.array(float(window.horizon_days))}
