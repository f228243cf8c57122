"""The segmentation that served last before a day: it may serve on, and segments keep its ids and names."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from custana_pipeline.errors import Damaged, DataFault
from custana_pipeline.models.segment_identity import IdentifiedSegments, PreviousSegments
from custana_pipeline.orchestration.champions import TABLE
from custana_pipeline.orchestration.customer_samples import TODAY_CUSTOMERS, snapshots
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

LISTED = "applications.customer_segments"


def previous_segments(session: Session, project: Project, as_of: dt.date) -> PreviousSegments | None:
    """The segmentation of the newest day before `as_of`; None where there is none.

    Later days do not matter, so that a day run again, or filled in later, comes out the same. A model that cannot be
    loaded is left out with its fault; the day's list, where it is still there, tells who was in which segment. Raises
    Damaged where the file is not the one that was written.
    """
    query = f"""select as_of, candidate, model_version, artifact_path, sha256 from {TABLE}
        where target = 'segment' and state = 'TRAINED' and as_of < $as_of order by as_of desc limit 1"""
    found = session.rows(query, {"as_of": as_of}) if session.exists(TABLE) else []
    if not found:
        return None
    day, candidate, version, path, sha256 = found[0]
    estimator, fault = _loaded(project.settings.mlflow_dir / path, sha256)
    return PreviousSegments(
        as_of=day,
        candidate=candidate,
        model_version=version,
        estimator=estimator,
        fault=fault,
        assignments=_assignments(session, day),
    )


def _loaded(path: Path, sha256: str) -> tuple[Any, str]:
    from custana_pipeline.models.persistence import load

    try:
        estimator = load(path, sha256)
    except Damaged:
        raise
    except DataFault:
        return None, "its file is gone, or holds what is not trusted"
    except Exception as error:  # a file of other library versions fails in whatever way its classes have changed
        return None, f"its file does not load ({type(error).__name__})"
    if not isinstance(estimator[-1], IdentifiedSegments):
        return None, "it holds no lasting ids"
    return estimator, ""


def _assignments(session: Session, day: dt.date) -> pd.DataFrame:
    """The list of a day, or a sample of it by the same rule as that of the customers who are segmented."""
    columns = "customer_id, segment_id, segment_name"
    if not session.exists(LISTED):
        return pd.DataFrame(columns=columns.split(", "))
    listed: Any = snapshots(session, LISTED, [day], TODAY_CUSTOMERS)[columns.split(", ")]
    return listed
