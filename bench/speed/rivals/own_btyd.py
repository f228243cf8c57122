"""BG/NBD by custana: `python own_btyd.py IN.npz OUT.json`, with x, t_x and T in weeks."""

import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np

from custana_pipeline.features.btyd.bg_nbd import fit_bg_nbd

if __name__ == "__main__":
    given = np.load(sys.argv[1])
    began = time.monotonic()
    fitted = fit_bg_nbd(given["x"], given["t_x"], given["T"])
    seconds = time.monotonic() - began
    Path(sys.argv[2]).write_text(json.dumps({"seconds": seconds, "parameters": dataclasses.asdict(fitted)}))
