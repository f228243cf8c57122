"""Model files: what goes in comes out, and nothing foreign is ever built."""

import importlib
import inspect
import io
import pickle
import pkgutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from skops import io as skops_io

import custana_pipeline.models
from custana_pipeline.errors import DataFault
from custana_pipeline.models.behavior import BehaviorSettings, train_behavior
from custana_pipeline.models.demand import DemandSettings, train_demand
from custana_pipeline.models.judging import predict
from custana_pipeline.models.persistence import TRUSTED_TYPES, dump, load, sha256_of, untrusted_types
from custana_pipeline.models.segmentation import SegmentationSettings, train_segmentation
from custana_pipeline.models.training import Training
from custana_pipeline_tests.models.customers import customers
from custana_pipeline_tests.models.shop import days_of_shop, snapshots


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def trainings() -> list[Training]:
    shop, days = snapshots(), days_of_shop()
    return [
        train_behavior(shop, days, BehaviorSettings()),
        train_demand(shop, days, DemandSettings()),
        train_segmentation(customers(), None, SegmentationSettings(cluster_counts=(3,), stability_refits=1)),
    ]


def test_every_candidate_baseline_and_champion_predicts_the_same_after_loading(
    trainings: list[Training], tmp_path: Path
) -> None:
    for training in trainings:
        assert training.is_trained, training.reason
        rows = customers() if training.analysis == "segmentation" else snapshots(seed=1)
        fitted = [each.estimator for each in (*training.evaluated, *training.champions.values())]
        for estimator in fitted:
            path = written(tmp_path, dump(estimator))
            assert np.array_equal(predict(load(path, sha256_of(path)), rows), predict(estimator, rows))


def test_a_loaded_demand_model_keeps_its_interval(trainings: list[Training], tmp_path: Path) -> None:
    champion = trainings[1].champions["future_amount"].estimator
    path = written(tmp_path, dump(champion))
    expected = np.array([0.0, 10.0, 1000.0])
    assert np.array_equal(load(path, sha256_of(path)).bounds(expected).upper, champion.bounds(expected).upper)


def test_every_estimator_of_ours_is_on_the_reviewed_list() -> None:
    package = custana_pipeline.models
    modules = [
        importlib.import_module(each.name) for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    own = {
        f"{found.__module__}.{found.__name__}"
        for module in modules
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, BaseEstimator)
        and found.__module__ == module.__name__
        and not found.__name__.startswith("_")
    }
    assert own == {name for name in TRUSTED_TYPES if name.startswith(package.__name__)}


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return written(tmp_path, dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])))


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_flipped_byte_is_refused(model_file: Path, place: int) -> None:
    recorded = sha256_of(model_file)
    content = bytearray(model_file.read_bytes())
    content[place] ^= 1
    model_file.write_bytes(bytes(content))
    with pytest.raises(DataFault, match="sha256 differs"):
        load(model_file, recorded)


def test_the_hash_is_checked_before_anything_is_read_from_the_archive(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        pytest.fail("the archive was opened before its hash was checked")

    monkeypatch.setattr(skops_io, "get_untrusted_types", forbidden)
    monkeypatch.setattr(skops_io, "loads", forbidden)
    with pytest.raises(DataFault, match="sha256 differs"):
        load(model_file, "0" * 64)


class Trap:
    """Leaves a marker wherever it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


def test_a_pickle_under_the_name_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    path = written(tmp_path, pickle.dumps(Trap(marker)))
    with pytest.raises(DataFault, match="not a skops archive"):
        load(path, sha256_of(path))
    assert not marker.exists()


def foreign_function(values: np.ndarray) -> np.ndarray:
    """Stands for code that nobody has reviewed."""
    return values


def test_a_foreign_type_is_refused_even_with_the_right_hash(tmp_path: Path) -> None:
    pipeline = Pipeline([("foreign", FunctionTransformer(foreign_function)), ("model", LinearRegression())])
    path = written(tmp_path, skops_io.dumps(pipeline.fit(np.array([[0.0], [1.0]]), [0.0, 1.0])))
    with pytest.raises(DataFault, match="foreign_function"):
        load(path, sha256_of(path))


def test_a_foreign_type_is_not_dumped_either() -> None:
    with pytest.raises(DataFault, match="TRUSTED_TYPES"):
        dump(FunctionTransformer(foreign_function).fit(np.array([[0.0]])))


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "no model")
    path = written(tmp_path, stream.getvalue())
    with pytest.raises(DataFault, match="not a skops archive"):
        load(path, sha256_of(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFault, match=r"gone\.skops"):
        load(tmp_path / "gone.skops", "0" * 64)


def test_an_archive_is_compressed() -> None:
    model = LinearRegression().fit(np.zeros((2, 500)), [0.0, 1.0])
    assert len(dump(model)) < len(skops_io.dumps(model))
    assert untrusted_types(dump(model)) == []
