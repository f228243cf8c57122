"""Which champion defends itself on a day, and what is kept of one that stays."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import Damaged
from custana_pipeline.models import persistence
from custana_pipeline.models.baselines import ColumnProbability
from custana_pipeline.models.levelled import LevelledProbability
from custana_pipeline.models.persistence import dump, sha256_of
from custana_pipeline.models.training import Champion, Training
from custana_pipeline.orchestration.champions import TABLE, serving_champion, store_champions
from custana_pipeline.orchestration.incumbents import incumbents
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.tracking_records import LoggedAnalysis, RegisteredModel
from custana_pipeline_tests.orchestration.packs import project

TARGET = "is_recommended"
MONDAY, TUESDAY = dt.date(2025, 6, 2), dt.date(2025, 6, 3)
CUSTOMERS = pd.DataFrame({"btyd_p_buy": [0.2, 0.6]})


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return project("sample", tmp_path)


def model(shift: float) -> LevelledProbability:
    return LevelledProbability.of_fitted(ColumnProbability("btyd_p_buy").fit(CUSTOMERS, [0, 1]), shift)


def trained(shop: Project, session: Session, day: dt.date, **facts: Any) -> None:
    """A champion of a day as the models' asset records it; `judged=False` is one that was a naive rule."""
    folder = shop.settings.mlflow_dir
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{day}.skops"
    file.write_bytes(dump(model(0.5)))
    champion = Champion(
        target=TARGET,
        name="levelled_blend",
        estimator=model(0.5),
        columns=("btyd_p_buy",),
        metrics={},
        beats_naive=True,
        reason="",
        best_naive="bg_nbd",
        kept_version=facts.get("kept_version", ""),
        is_promoted=not facts.get("kept_version"),
        shift=facts.get("shift", 0.5),
    )
    digest = sha256_of(file)
    registered = RegisteredModel(TARGET, "sample-behavior", 1, "", file, digest, True)
    logged = LoggedAnalysis(
        experiment_id="1",
        run_id="run",
        url="",
        trial_urls={},
        registered={} if champion.kept_version else {TARGET: registered},
        trial_files={(TARGET, "levelled_blend"): (file, digest)} if facts.get("judged", True) else {},
    )
    training = Training("behavior", "TRAINED", "", champions={TARGET: champion})
    session.prepare()
    store_champions(session, shop, day, training, logged, {TARGET: f"levelled_blend-{day}"})


def test_the_champion_of_the_day_before_defends_itself(shop: Project) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        found = incumbents(session, shop, "behavior", TUESDAY)[TARGET]
    assert (found.name, found.model_version, found.as_of) == ("levelled_blend", f"levelled_blend-{MONDAY}", MONDAY)
    assert found.judged.predict_proba(CUSTOMERS).shape == (2, 2)


def test_a_day_is_not_defended_against_by_itself_or_a_later_one(shop: Project) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, TUESDAY)
        assert incumbents(session, shop, "behavior", TUESDAY) == {}
        assert incumbents(session, shop, "behavior", MONDAY) == {}


def test_a_champion_older_than_the_horizon_is_not_defended(shop: Project) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        last = MONDAY + dt.timedelta(days=shop.settings.horizon_days - 1)
        assert set(incumbents(session, shop, "behavior", last)) == {TARGET}
        assert incumbents(session, shop, "behavior", last + dt.timedelta(days=1)) == {}


def test_a_champion_that_stayed_is_as_old_as_its_training(shop: Project) -> None:
    last = MONDAY + dt.timedelta(days=shop.settings.horizon_days)
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        trained(shop, session, last - dt.timedelta(days=1), kept_version=f"levelled_blend-{MONDAY}")
        assert incumbents(session, shop, "behavior", last) == {}


def test_after_a_night_of_a_naive_rule_no_older_model_defends_itself(shop: Project) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        trained(shop, session, TUESDAY, judged=False)
        assert incumbents(session, shop, "behavior", TUESDAY + dt.timedelta(days=1)) == {}


def test_a_champion_of_another_horizon_or_a_naive_rule_is_no_incumbent(shop: Project) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY, judged=False)
        assert incumbents(session, shop, "behavior", TUESDAY) == {}
        trained(shop, session, MONDAY)
        session.rows(f"update {TABLE} set horizon_days = 30")
        assert incumbents(session, shop, "behavior", TUESDAY) == {}


def test_a_champion_of_another_input_is_no_incumbent(shop: Project) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        session.connection.execute("create table raw.inputs as select 'orders' as raw_set, 'elsewhere' as place")
        assert incumbents(session, shop, "behavior", TUESDAY) == {}


def test_a_champion_of_other_library_versions_is_no_incumbent_and_that_is_told(
    shop: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def changed(*_: object, **__: object) -> None:
        raise AttributeError("this class has other attributes now")

    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        monkeypatch.setattr(persistence._skops, "loads", changed)
        assert incumbents(session, shop, "behavior", TUESDAY) == {}
    assert f"The champion so far of {TARGET} cannot be loaded (AttributeError)" in caplog.text


@pytest.mark.parametrize("change", ["a byte more", "a link to the file", "another good model"])
def test_a_champion_whose_file_was_changed_stops_the_run(shop: Project, tmp_path: Path, change: str) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        file = shop.settings.mlflow_dir / f"{MONDAY}.skops"
        if change == "a byte more":
            file.write_bytes(file.read_bytes() + b" ")
        elif change == "another good model":
            file.write_bytes(dump(ColumnProbability("other")))
        else:
            file.rename(tmp_path / "elsewhere.skops")
            file.symlink_to(tmp_path / "elsewhere.skops")
        with pytest.raises(Damaged, match=f"{MONDAY}.skops"):
            incumbents(session, shop, "behavior", TUESDAY)


def test_a_champion_that_stays_serves_its_own_file_at_tonights_level(shop: Project) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        trained(shop, session, TUESDAY, kept_version=f"levelled_blend-{MONDAY}", shift=-0.5)
        served = serving_champion(session, shop, TUESDAY, TARGET)
        files = session.rows(f"select artifact_path, sha256, judged_sha256 from {TABLE} order by as_of")
        again = incumbents(session, shop, "behavior", TUESDAY + dt.timedelta(days=1))[TARGET]
    assert files[0] == files[1]
    assert served.model_version == again.model_version == f"levelled_blend-{MONDAY}"
    assert np.allclose(served.estimator.predict_proba(CUSTOMERS), model(-0.5).predict_proba(CUSTOMERS))


def test_a_table_of_an_older_release_gets_the_columns_that_it_lacks(shop: Project) -> None:
    with shop.warehouse.transaction() as session:
        trained(shop, session, MONDAY)
        session.connection.execute(
            f"create or replace table {TABLE} as select * exclude (input_hash, level) from {TABLE}"
        )
        trained(shop, session, TUESDAY)
        assert session.rows(f"select as_of, level from {TABLE} order by as_of") == [(MONDAY, None), (TUESDAY, "")]
