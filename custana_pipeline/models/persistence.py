"""Fitted models as bytes and back, without pickle: skops, a reviewed list of types, and a hash that is checked first.

A model file is data from outside once it has left this process. `load` therefore refuses before anything is built:
first a link and a file whose sha256 is not the one recorded at training, then a file that is no skops archive, then
any type that is neither in skops' own list of safe types nor in TRUSTED_TYPES. What the file says about trust is not
asked.
"""

import hashlib
import hmac
import zipfile
from pathlib import Path
from typing import Any

from custana_pipeline.errors import Damaged, DataFault
from custana_pipeline.models.skops_names import import_skops
from custana_pipeline.raw.plain_files import read_plain

_skops: Any = import_skops()

_OWN_TYPES = (
    "amount_interval.AmountInterval",
    "baselines.BaseRate",
    "baselines.ColumnDemand",
    "baselines.ColumnProbability",
    "baselines.MeanDemand",
    "baselines.MonotoneRate",
    "baselines.NewestOrigin",
    "baselines.OwnPace",
    "baselines.TwoColumnClassifier",
    "baselines.TwoColumnRegressor",
    "blend.MeanOfLogits",
    "blend.MeanOfModels",
    "density.DensitySegments",
    "encoding.Clip",
    "encoding.CommonTexts",
    "encoding.EncodedColumns",
    "encoding.FillWithMedian",
    "encoding.SnapToQuantiles",
    "encoding.SymmetricLog",
    "encoding.TidyFrame",
    "levelled.LevelledDemand",
    "levelled.LevelledProbability",
    "own_pace.OwnPaceModel",
    "rfm_quantiles.RfmQuantiles",
    "sampled_svr.SampledSVR",
    "segment_identity.IdentifiedSegments",
    "segment_order.OrderedSegments",
    "serving.ServingDemand",
    "text_codes.TextCodes",
)
_LIBRARY_TYPES = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
TRUSTED_TYPES = tuple(f"{__package__}.{name}" for name in _OWN_TYPES) + _LIBRARY_TYPES
"""Every type beyond skops' own list that a model file may hold: plain attributes, no code run while loading.

Add a class here only after reading it; `mlflow.sklearn` takes the same list as `skops_trusted_types`.
"""
MOST_BYTES = 4 << 30
_MEND = "restore the file from the run that trained it, or train again"


def dump(estimator: Any) -> bytes:
    """A fitted estimator as a compressed skops archive; DataFault when it holds a type that `load` would refuse."""
    archive = _skops.dumps(estimator, compression=zipfile.ZIP_DEFLATED)
    foreign = untrusted_types(archive)
    if foreign:
        raise DataFault(
            f"The estimator holds {', '.join(foreign)}, which models/persistence.py does not trust: "
            "review the class and add it to TRUSTED_TYPES, or use another estimator."
        )
    return archive


def load(path: Path, sha256: str) -> Any:
    """The estimator of a file whose sha256 (hex) was recorded when it was written.

    Raises, before anything is deserialised, Damaged when the file has another hash or is a link, and DataFault when it
    is missing, is no skops archive or holds a foreign type. It is read once: what was hashed is what is loaded.
    """
    archive = _read(path)
    if not hmac.compare_digest(hashlib.sha256(archive).hexdigest(), sha256.strip().lower()):
        raise Damaged(
            f"{path} is not the file that was written at training (its sha256 differs): find out who changed it, then "
            "restore it, or delete it and run again: the next training does without it."
        )
    foreign = untrusted_types(archive, str(path))
    if foreign:
        raise DataFault(f"{path} holds types that are not trusted ({', '.join(foreign)}): {_MEND}.")
    return _skops.loads(archive, trusted=list(TRUSTED_TYPES))


def untrusted_types(archive: bytes, where: str = "The archive") -> list[str]:
    """The types in a skops archive that neither skops nor TRUSTED_TYPES vouches for; DataFault when it is none."""
    try:
        found = _skops.get_untrusted_types(data=archive)
    except Exception as error:  # skops raises whatever the broken archive makes zipfile, json or its nodes raise
        raise DataFault(f"{where} is not a skops archive ({type(error).__name__}): {_MEND}.") from error
    return sorted(set(found) - set(TRUSTED_TYPES))


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hex."""
    return hashlib.sha256(_read(path)).hexdigest()


def _read(path: Path) -> bytes:
    if not path.is_symlink() and not path.exists():
        raise DataFault(f"{path} cannot be read (No such file or directory): {_MEND}.")
    return read_plain(path, MOST_BYTES, Damaged)
