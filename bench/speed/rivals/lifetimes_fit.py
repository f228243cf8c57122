"""BG/NBD by lifetimes: `python lifetimes_fit.py IN.npz OUT.json`, with x, t_x and T in weeks."""

import json
import sys
import time
import warnings
from pathlib import Path

import lifetimes
import numpy as np

if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    given = np.load(sys.argv[1])
    began = time.monotonic()
    fitted = lifetimes.BetaGeoFitter().fit(given["x"], given["t_x"], given["T"])
    seconds = time.monotonic() - began
    parameters = {name: float(value) for name, value in fitted.params_.items()}
    Path(sys.argv[2]).write_text(json.dumps({"seconds": seconds, "parameters": parameters}))
