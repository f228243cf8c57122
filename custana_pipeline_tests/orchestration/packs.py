"""The project's settings with a pack of the test's own choosing."""

import datetime as dt
from pathlib import Path

from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.packs import Calendar, Pack
from custana_pipeline.stores.settings import Settings, load_settings
from custana_pipeline_tests.conftest import REPOSITORY

START = dt.date(2024, 7, 1)


def shipped(source: str, folder: Path) -> Settings:
    """The settings as shipped with `source` active and everything written below `folder`."""
    return load_settings(project_dir=REPOSITORY, source=source, data_dir=folder)


def with_calendar(folder: Path, end: dt.date | None, timezone: str = "Europe/London") -> Settings:
    """The sample with another calendar: it begins on 2024-07-01 and ends on `end`, or is open."""
    settings = shipped("sample", folder)
    changes = {"calendar": Calendar(start=START, end=end), "timezone": timezone}
    pack: Pack = settings.pack.model_copy(update=changes)
    return settings.model_copy(update={"packs": {"sample": pack}})


def project(source: str, folder: Path) -> Project:
    """The project of a shipped source."""
    return Project(shipped(source, folder))
