"""Recommendations by implicit's ALS: `python als.py PAIRS.npz OUT.npz`, ten products for every customer.

PAIRS has customer and product codes from 0 on, and the days on which the pair met.
"""

import json
import sys
import time
from pathlib import Path

import implicit
import numpy as np
import scipy.sparse as sp

TOP = 10

if __name__ == "__main__":
    pairs = np.load(sys.argv[1])
    began = time.monotonic()
    bought = sp.csr_matrix((pairs["days"].astype("float32"), (pairs["customer"], pairs["product"])))
    model = implicit.als.AlternatingLeastSquares(factors=64, iterations=15, num_threads=2, random_state=0)
    model.fit(bought, show_progress=False)
    everybody = np.arange(bought.shape[0])
    products, _ = model.recommend(everybody, bought, N=TOP, filter_already_liked_items=False)
    seconds = time.monotonic() - began
    np.savez(sys.argv[2], customer=np.repeat(everybody, TOP), product=np.asarray(products).ravel())
    Path(sys.argv[2]).with_suffix(".json").write_text(json.dumps({"seconds": seconds}))
