"""The run that tells how long its statements took: they are made as ever, and their time is told by stage."""

from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from bench.speed.statements import listen, told_in
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel


def model(name: str, text: str) -> SqlModel:
    return SqlModel(name, Path(f"{name}.sql"), text, sqlglot.parse_one(text).assert_is(exp.Query))


def test_the_time_of_statements_is_told_by_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "_run", Session._run)  # put back when the test ends
    listen(tmp_path)
    with duckdb.connect() as connection:
        session = Session(connection)
        session.prepare()
        assert session.build(model("features.some", "select range as day from range(3)")) == 3
        first = told_in(tmp_path)
        session.build(model("features.more", "select sum(range) as days from range(1000000)"))
        session.build(model("cleaned.some", "select 1 as day"))
    told = told_in(tmp_path)
    assert set(first) == {"features"}
    assert set(told) == {"features", "cleaned"}
    assert told["features"] > first["features"] > 0
