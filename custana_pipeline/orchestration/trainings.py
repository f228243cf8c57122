"""What each analysis is trained on, read from the warehouse."""

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd

from custana_pipeline.features.windows import Origins
from custana_pipeline.orchestration.customer_columns import stored_columns
from custana_pipeline.orchestration.customer_samples import learned_from
from custana_pipeline.orchestration.incumbents import incumbents
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

if TYPE_CHECKING:
    from custana_pipeline.models.learning import TrainingInput

GATED = ("behavior", "demand")
"""The analyses that foresee an outcome: a gate decides who serves."""


def training_input(project: Project, analysis: str, as_of: dt.date) -> "TrainingInput":
    """The rows to learn from and to judge on, and what served so far.

    Raises Damaged where a model's file is not the one that was written.
    """
    from custana_pipeline.models.learning import TrainingInput
    from custana_pipeline.orchestration.segment_history import previous_segments

    is_gated = analysis in GATED
    with project.warehouse.reading() as session:
        known = project.origins(session, as_of)
        days = known.snapshots if is_gated else (known.holdout, as_of)
        return TrainingInput(
            analysis=analysis,
            rows=learned_from(session, f"features.{analysis}", days, as_of, stored_columns(project, analysis)),
            known=known,
            horizon_days=project.settings.horizon_days,
            seed=project.settings.seed,
            levels=_levels(session, known) if is_gated else None,
            incumbents=incumbents(session, project, analysis, as_of) if is_gated else {},
            previous=None if is_gated else previous_segments(session, project, as_of),
        )


def _levels(session: Session, known: Origins) -> pd.DataFrame:
    """features.levels on the run's own days; empty where it was not built."""
    if not session.exists("features.levels"):
        return pd.DataFrame({"as_of": []})
    listed = ", ".join(f"date '{day}'" for day in (*known.level_days, known.as_of))
    return session.frame(f"select * from features.levels where as_of in ({listed}) order by as_of")
