"""The article's three flat files, as they are, and what bad ones get."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import BadFile, DataFault, NotTrainable
from custana_pipeline.models.persistence import dump
from custana_pipeline.models.seed_files import FlatSettings, FlatTraining, apply_flat, train_flat
from custana_pipeline.models.seed_frames import read_flat
from custana_pipeline.models.segmentation import SegmentationSettings

FAST = FlatSettings(segmentation=SegmentationSettings(cluster_counts=(3, 4), stability_refits=1, mix_share=0.1))


def table(count: int = 200, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frequency = random.poisson(3, count) + 1
    likely = 1 / (1 + np.exp(-2.0 * (frequency - 4)))
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(count)],
            "purchase_frequency": frequency,
            "purchase_amount": (frequency * random.gamma(4.0, 10.0, count)).round(2),
            "is_recommended": (random.random(count) < likely).astype(int),
            "future_purchase": random.poisson(frequency * 0.8),
            "age": random.integers(18, 80, count),
            "gender": random.choice(["female", "male"], count),
            "location": random.choice(["Berlin", "Paris", "Rome"], count),
            "income": random.gamma(3.0, 1000.0, count).round(),
            "channel": random.choice(["web", "shop"], count),
        }
    )


def file_of(tmp_path: Path, rows: pd.DataFrame, **options: object) -> Path:
    path = tmp_path / "customers.csv"
    rows.to_csv(path, index=False, **options)  # type: ignore[call-overload]
    return path


@pytest.fixture(scope="module")
def behavior(tmp_path_factory: pytest.TempPathFactory) -> FlatTraining:
    path = file_of(tmp_path_factory.mktemp("flat"), table().drop(columns="future_purchase"))
    return train_flat("behavior", read_flat(path), FAST)


@pytest.fixture(scope="module")
def segmentation() -> FlatTraining:
    return train_flat(
        "segmentation", table()[["age", "gender", "location", "purchase_amount", "purchase_frequency"]], FAST
    )


def test_a_behavior_file_is_trained_and_judged_on_rows_held_back(behavior: FlatTraining) -> None:
    assert behavior.training.state == "TRAINED"
    assert {each.role for each in behavior.training.evaluated} == {"candidate", "baseline"}
    assert behavior.training.row_counts == {"training": 150, "holdout": 50, "refit": 200, "backtest_origins": 1}
    assert behavior.split == (
        "judged on 25% of the rows, drawn at random with seed 0, by class: the file has no dates to split by"
    )


def test_a_demand_file_is_trained(tmp_path: Path) -> None:
    path = file_of(tmp_path, table()[["purchase_frequency", "purchase_amount", "future_purchase"]])
    flat = train_flat("demand", read_flat(path), FAST)
    foreseen = apply_flat(flat, read_flat(path))["expected_purchases"]
    assert flat.training.state == "TRAINED"
    assert foreseen.between(0, 50).all()
    assert np.corrcoef(foreseen, table()["purchase_frequency"])[0, 1] > 0.8


def test_text_is_encoded_and_segments_are_named(segmentation: FlatTraining) -> None:
    segments = apply_flat(segmentation, table())
    assert {"age", "gender", "location"} <= set(segmentation.champion.columns)
    assert list(segments.columns) == ["customer_id", "segment_id", "segment_name"]
    assert segments.groupby("segment_id")["segment_name"].nunique().eq(1).all()
    assert segments["segment_name"].nunique() == segments["segment_id"].nunique() >= 3
    assert segmentation.segments is not None
    assert segmentation.segments["suggested_action"].str.len().gt(0).all()


def test_further_columns_are_learned_from_and_identifiers_and_outcomes_are_not(behavior: FlatTraining) -> None:
    assert {"income", "channel", "age"} <= set(behavior.champion.columns) | set(behavior.training.dropped_columns)
    assert not {"customer_id", "line", "is_recommended"} & set(behavior.champion.columns)


def test_the_same_file_gives_the_same_scores(behavior: FlatTraining) -> None:
    again = train_flat("behavior", table().drop(columns="future_purchase"), FAST)
    assert apply_flat(again, table())["p_buy"].tolist() == apply_flat(behavior, table())["p_buy"].tolist()


def test_predictions_come_in_the_order_of_the_rows_with_line_and_id(behavior: FlatTraining, tmp_path: Path) -> None:
    predictions = apply_flat(behavior, read_flat(file_of(tmp_path, table())))
    assert list(predictions.columns) == ["line", "customer_id", "p_buy", "is_recommended"]
    assert predictions["line"].tolist() == list(range(2, 202))
    assert predictions["customer_id"].tolist() == table()["customer_id"].tolist()
    assert predictions["p_buy"].between(0, 1).all()


@pytest.mark.parametrize("analysis", ["behavior", "segmentation"])
def test_column_order_further_columns_and_unseen_categories_are_no_obstacle(
    analysis: str, request: pytest.FixtureRequest
) -> None:
    flat: FlatTraining = request.getfixturevalue(analysis)
    new = table(30, seed=5)
    odd = new[new.columns[::-1]].assign(favourite="blue")
    assert apply_flat(flat, odd).equals(apply_flat(flat, new))
    assert len(apply_flat(flat, new.assign(location="Atlantis"))) == 30


def test_a_file_that_lacks_a_column_is_refused_by_name(segmentation: FlatTraining) -> None:
    with pytest.raises(DataFault, match="lacks age"):
        apply_flat(segmentation, table().drop(columns="age"))


def test_text_where_training_had_numbers_is_refused(segmentation: FlatTraining, tmp_path: Path) -> None:
    new = read_flat(file_of(tmp_path, table(10).astype({"age": object}).assign(age="secret")))
    with pytest.raises(DataFault, match="age holds 10 values that are no numbers, the first in line 2") as refusal:
        apply_flat(segmentation, new)
    assert "secret" not in str(refusal.value)


def test_an_age_band_counts_as_its_lower_bound() -> None:
    bands = np.array(["18-24", "25 to 34", "35–49", "65+"], dtype=object)
    flat = train_flat("segmentation", table().assign(age=bands[np.arange(200) % 4]), FAST)
    assert "age" in flat.numeric
    assert flat.segments is not None
    assert flat.segments["age"].between(18, 65).all()


@pytest.mark.parametrize(("analysis", "target"), [("behavior", "is_recommended"), ("demand", "future_purchase")])
def test_a_file_without_its_target_is_refused_with_the_mend(analysis: str, target: str) -> None:
    with pytest.raises(DataFault, match=f"no column {target}.*add it"):
        train_flat(analysis, table().drop(columns=target), FAST)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 10, 49])
@pytest.mark.parametrize("analysis", ["behavior", "demand", "segmentation"])
def test_fewer_than_fifty_rows_are_not_trainable(analysis: str, count: int) -> None:
    flat = train_flat(analysis, table().head(count), FAST)  # type: ignore[arg-type]
    assert flat.training.state == "NOT_TRAINABLE"
    assert flat.training.reason.startswith(str(count))
    with pytest.raises(NotTrainable, match=str(count)):
        apply_flat(flat, table())


def test_one_class_is_not_trainable() -> None:
    flat = train_flat("behavior", table().assign(is_recommended=1), FAST)
    assert flat.training.state == "NOT_TRAINABLE"
    assert "one class" in flat.training.reason


def test_one_value_of_demand_is_not_trainable() -> None:
    assert "the same in all rows" in train_flat("demand", table().assign(future_purchase=3), FAST).training.reason


@pytest.mark.parametrize("words", [("yes", "no"), ("True", "False"), ("1.0", "0"), ("Y", "N")])
def test_yes_and_no_may_be_written_in_several_ways(words: tuple[str, str], behavior: FlatTraining) -> None:
    rows = table().drop(columns="future_purchase")
    spoken = rows.assign(is_recommended=np.where(rows["is_recommended"] == 1, *words))
    assert train_flat("behavior", spoken, FAST).champion.metrics == behavior.champion.metrics


def test_a_target_that_is_neither_yes_nor_no_is_refused_without_its_value(tmp_path: Path) -> None:
    rows = table().astype({"is_recommended": object})
    rows.loc[3, "is_recommended"] = "perhaps"
    with pytest.raises(DataFault, match=r"1 values that are neither .* the first in line 5") as refusal:
        train_flat("behavior", read_flat(file_of(tmp_path, rows)), FAST)
    assert "perhaps" not in str(refusal.value)


def test_numbers_written_as_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFault, match=r"purchase_amount holds 200 values that are no numbers.*without thousands"):
        train_flat("behavior", read_flat(file_of(tmp_path, table().assign(purchase_amount="1,234.50 EUR"))), FAST)


def test_negative_demand_is_refused() -> None:
    with pytest.raises(DataFault, match="future_purchase is negative in 200 rows"):
        train_flat("demand", table().assign(future_purchase=-1), FAST)


def test_rows_without_a_target_are_left_out_of_training_and_still_predicted(tmp_path: Path) -> None:
    rows = table().astype({"is_recommended": object})
    rows.loc[:19, "is_recommended"] = ""
    read = read_flat(file_of(tmp_path, rows))
    flat = train_flat("behavior", read, FAST)
    assert flat.training.row_counts["refit"] == 180
    assert len(apply_flat(flat, read)) == 200


def test_a_file_of_identical_rows_is_not_trainable() -> None:
    rows = pd.concat([table(1)] * 60, ignore_index=True)
    assert train_flat("segmentation", rows, FAST).training.state == "NOT_TRAINABLE"
    mixed = rows.assign(is_recommended=np.arange(60) % 2)
    assert train_flat("behavior", mixed, FAST).training.reason.startswith("No column differs")


def test_the_models_of_flat_files_can_be_stored(behavior: FlatTraining, segmentation: FlatTraining) -> None:
    for flat in (behavior, segmentation):
        assert all(dump(each.estimator) for each in (*flat.training.evaluated, flat.champion))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param("a,b\n", "no rows", id="header only"),
        pytest.param("a,a\n1,2\n", "a more than once", id="doubled column"),
        pytest.param("a,\n1,2\n", "without a name", id="nameless column"),
        pytest.param("a,b\n1,2\n1,2,3\n", "line 3: 3 fields", id="ragged row"),
        pytest.param("a,b\n1\n", "line 2: 1 fields", id="short row"),
        pytest.param('a,b\n"1,2\n', "quotes", id="open quote"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(BadFile, match=words):
        read_flat(path)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("location,age\nMünchen,3\n".encode("latin-1"))
    with pytest.raises(BadFile, match="not UTF-8"):
        read_flat(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        read_flat(tmp_path / "none.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, separator: str) -> None:
    rows = read_flat(file_of(tmp_path, table(3), sep=separator))
    assert list(rows.columns) == [*table().columns, "line"]


def test_a_compressed_file_and_one_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    table(3).to_csv(tmp_path / "rows.csv.gz", index=False)
    table(3).to_csv(tmp_path / "rows.csv", index=False, encoding="utf-8-sig")
    assert read_flat(tmp_path / "rows.csv.gz").equals(read_flat(tmp_path / "rows.csv"))
