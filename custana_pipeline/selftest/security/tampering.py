"""Models that were changed since they were trained: refused before anything of them is built."""

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import duckdb

from custana_pipeline.errors import CustanaError, DataFault
from custana_pipeline.models.persistence import load
from custana_pipeline.selftest.shop import AS_OF, Shop
from custana_pipeline.selftest.trial import Trial, expect, trial

NEXT_DAY = "2025-01-16"


class _Marking:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return Path.touch, (self.marker,)


@trial("F1")
def models_that_were_changed(run: Trial) -> None:
    """Swaps a pickle, a foreign type, another model, a link or one byte into the model store, and runs the next day."""
    shop = run.shop(has_run=True)
    folder, marker = shop.data / "mlflow", run.scratch / "marker"
    stored = _stored(shop)
    expect(len(stored) >= 3, f"only {len(stored)} models were stored")
    (file, sha256), (other, _) = [(folder / path, digest) for path, digest in stored][:2]
    whole = file.read_bytes()
    attacks = _attacks(whole, other.read_bytes(), marker)
    for name, content in attacks.items():
        file.write_bytes(content)
        _expect_refused(file, sha256, name)
    file.unlink()
    (run.scratch / "elsewhere").write_bytes(whole)
    file.symlink_to(run.scratch / "elsewhere")
    _expect_refused(file, sha256, "a link to the same bytes elsewhere")
    file.unlink()
    for name in ("pickle", "foreign type"):  # whoever can change the recorded hash too is stopped by the list of types
        file.write_bytes(attacks[name])
        _expect_refused(file, hashlib.sha256(attacks[name]).hexdigest(), f"{name} with its own hash recorded")
    expect(not marker.exists(), "code in a model file was run")
    file.write_bytes(whole)
    _expect_the_next_night_to_stop(run, shop, marker)


def _expect_the_next_night_to_stop(run: Trial, shop: Shop, marker: Path) -> None:
    """Every stored model is replaced by a pickle, as one who can write the store but not the warehouse would."""
    before = shop.published()
    for path, _ in _stored(shop):
        (shop.data / "mlflow" / path).write_bytes(pickle.dumps(_Marking(marker)))
        described = (shop.data / "mlflow" / path).with_name("MLmodel")
        described.write_text(described.read_text().replace("skops", "pickle"))
    # a night takes 20 s, so the quick form asks for the same hashes without training
    asked = ("run", "--as-of", NEXT_DAY) if run.is_full else ("verify",)
    ended = shop.custana(*asked)
    expect(ended.code == 3, f"`custana {asked[0]}` on it ended with {ended.code}")
    expect(not marker.exists(), "code in a model file was run")
    expect(shop.published() == before, "something was published from it")


def _stored(shop: Shop) -> list[tuple[str, str]]:
    with duckdb.connect(str(shop.data / "warehouse" / "shop.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select artifact_path, sha256 from models.champions where as_of = $day and sha256 <> '' order by all",
            {"day": AS_OF},
        ).fetchall()


def _attacks(whole: bytes, other: bytes, marker: Path) -> dict[str, bytes]:
    turned = bytearray(whole)
    turned[len(turned) // 2] ^= 1
    return {
        "pickle": pickle.dumps(_Marking(marker)),
        "foreign type": _with_foreign_type(whole),
        "another good model": other,
        "one byte": bytes(turned),
        "cut off": whole[: len(whole) // 2],
        "empty": b"",
        "a byte more": whole + b"\0",
    }


def _with_foreign_type(whole: bytes) -> bytes:
    """The archive with its outermost type named as one that runs commands when it is built."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                schema |= {"__class__": "Popen", "__module__": "subprocess"}
                content = json.dumps(schema).encode()
            new.writestr(name, content)
    return target.getvalue()


def _expect_refused(file: Path, sha256: str, what: str) -> None:
    try:
        load(file, sha256)
    except DataFault:
        return
    except CustanaError as error:
        expect(False, f"{what}: refused as {type(error).__name__}, and not as bad data")
    expect(False, f"{what} was loaded")
