"""Who is alike: each customer's segment, under the name that the published rules give it."""

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from custana_pipeline.applications.customer_frames import by_customer, day_column, text_column, texts
from custana_pipeline.errors import ContractBroken


def customer_segments(
    assignments: pd.DataFrame, names: Mapping[int, str], model_version: str, as_of: dt.date
) -> pd.DataFrame:
    """The list `customer_segments`, one row per row of `assignments` (customer_id, segment_id), by customer_id.

    Raises ContractBroken where a segment has no name or two segments share one.
    """
    customers = by_customer(assignments)
    segment_ids = customers["segment_id"].to_numpy().astype("int64")
    found, places = np.unique(segment_ids, return_inverse=True)
    _require_names(set(found.tolist()), names)
    return pd.DataFrame(
        {
            "as_of": day_column(as_of, len(customers)),
            "customer_id": customers["customer_id"].astype(str),
            "segment_id": segment_ids,
            "segment_name": texts(places, [names[segment] for segment in found.tolist()]),
            "model_version": text_column(model_version, len(customers)),
        },
        copy=False,
    )


def names_of(assignments: pd.DataFrame) -> dict[int, str]:
    """The name of each segment in a frame with segment_id and segment_name; raises ContractBroken where one has two."""
    names: dict[int, str] = {}
    for segment, name in assignments[["segment_id", "segment_name"]].drop_duplicates().itertuples(index=False):
        if int(segment) in names:
            raise ContractBroken("models.assignments gives one segment two names: train the segmentation again.")
        names[int(segment)] = str(name)
    return names


def _require_names(segment_ids: set[int], names: Mapping[int, str]) -> None:
    nameless = sorted(segment_ids - set(names))
    if nameless:
        raise ContractBroken(
            f"models.assignments has segments without a name ({', '.join(map(str, nameless))}): "
            "train the segmentation again."
        )
    if len({names[segment] for segment in segment_ids}) < len(segment_ids):
        raise ContractBroken("models.assignments gives two segments one name: train the segmentation again.")
