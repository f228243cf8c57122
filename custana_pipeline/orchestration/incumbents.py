"""The champion so far: it serves until a challenger beats it."""

import datetime as dt
import json
import logging

from custana_pipeline.errors import Damaged
from custana_pipeline.models.training import Incumbent
from custana_pipeline.orchestration.champions import COLUMNS, SERVES, TABLE, input_hash
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

_log = logging.getLogger("custana")


def incumbents(session: Session, project: Project, analysis: str, as_of: dt.date) -> dict[str, Incumbent]:
    """The champion so far of each target: that of the newest day before `as_of`, with the same horizon and input.

    None where that champion is a naive rule, or older than the horizon (it would have to defend itself on a window
    that lies wholly after it), or where its files are gone or of another version: then the challenger has to beat the
    naive rules only. Raises Damaged where a file is not the one that was written: it is no ground to judge on.
    """
    if not session.exists(TABLE) or session.columns(TABLE) != tuple(COLUMNS):
        return {}
    query = f"""with newest as (
            select * from {TABLE}
            where analysis = $analysis and {SERVES} and input_hash = $input_hash and as_of < $as_of
            qualify row_number() over (partition by target order by as_of desc) = 1
        ),
        trained as (select target, model_version, min(as_of) as trained_on from {TABLE} group by target, model_version)
        select newest.target, candidate, newest.model_version, trained_on, artifact_path, sha256, judged_path,
            judged_sha256, columns, reference, shift
        from newest
        inner join trained on newest.target = trained.target and newest.model_version = trained.model_version
        where horizon_days = $horizon_days and judged_path is not null
            and trained_on > $as_of - cast($horizon_days as integer) * interval 1 day
        order by newest.target"""
    given = {
        "analysis": analysis,
        "as_of": as_of,
        "horizon_days": project.settings.horizon_days,
        "input_hash": input_hash(session),
    }
    found = {row[0]: _loaded(project, row) for row in session.rows(query, given)}
    return {target: incumbent for target, incumbent in found.items() if incumbent is not None}


def _loaded(project: Project, row: tuple) -> Incumbent | None:
    try:
        return _incumbent(project, row)
    except Damaged:
        raise
    # it is gone, or of other library versions: that fails in whatever way its classes have changed
    except Exception as error:
        _log.warning(
            "The champion so far of %s cannot be loaded (%s): tonight's challenger has to beat the naive rules only.",
            row[0],
            type(error).__name__,
        )
        return None


def _incumbent(project: Project, row: tuple) -> Incumbent:
    from custana_pipeline.models.persistence import load
    from custana_pipeline.models.served import moved_to

    _, candidate, version, as_of, path, sha256, judged, judged_sha256, columns, reference, shift = row
    folder = project.settings.mlflow_dir
    return Incumbent(
        name=candidate,
        model_version=version,
        as_of=as_of,
        serving=moved_to(load(folder / path, sha256), shift),
        judged=load(folder / judged, judged_sha256),
        columns=tuple(json.loads(columns)),
        reference=json.loads(reference),
    )
