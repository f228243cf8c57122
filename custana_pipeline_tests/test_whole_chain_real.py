"""The whole chain on the two public data sets, judged by what then happened, as plain DuckDB reads the files."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from sklearn.metrics import roc_auc_score

from custana_pipeline_tests.commands.shop_files import command
from custana_pipeline_tests.conftest import dataset

A_ROW_A_CUSTOMER = ("recommended_customers", "demand_forecast", "customer_value", "customer_segments")
# the rules of QUALITY.md, written down a second time: goods with a price, of a customer, neither fee nor adjustment
ONLINE_RETAIL_II = """
    select
        replace("Customer ID", '.0', '') as customer_id,
        cast("InvoiceDate" as date) as day,
        cast(cast("Quantity" as integer) * cast("Price" as decimal(18, 4)) as double) as amount
    from (select distinct * from read_csv($path, all_varchar = true))
    where
        "Customer ID" is not null and cast("Price" as double) > 0 and cast("Quantity" as integer) > 0
        and regexp_matches("StockCode", '^[0-9]{5}') and not regexp_matches("Invoice", '^[AC]')
"""
CDNOW = """
    select fields[1] as customer_id, strptime(fields[2], '%Y%m%d')::date as day, cast(fields[4] as double) as amount
    from (
        select distinct regexp_split_to_array(trim(line), '\\s+') as fields
        from read_csv($path, columns = {'line': 'varchar'}, delim = '\\x01', header = false, quote = '')
        where trim(line) <> ''
    )
"""


@dataclass(frozen=True)
class Expected:
    """What a run on a public data set must come to."""

    source: str
    file: str
    as_of: str
    purchases: str
    lines: tuple[str, str, str, str]
    """Order lines read, kept, set aside and rejected, as the terminal shows them."""
    reasons: dict[str, int]
    customers: int
    least_auc: float


EXPECTED = [
    Expected(
        source="online_retail_ii",
        file="online_retail_ii/online_retail_II.csv.gz",
        as_of="2011-09-10",
        purchases=ONLINE_RETAIL_II,
        lines=("1,067,371", "794,163", "273,208", "0"),
        reasons={"exact_duplicate": 34_335},
        customers=5_256,
        least_auc=0.79,
    ),
    Expected(
        source="cdnow",
        file="cdnow/CDNOW_master.txt",
        as_of="1998-01-01",
        purchases=CDNOW,
        lines=("69,659", "69,404", "255", "0"),
        reasons={"exact_duplicate": 255},
        customers=23_570,
        least_auc=0.79,
    ),
]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected.source)
def test_a_public_data_set_runs_to_lists_that_foretell_what_happened(
    expected: Expected, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = dataset(expected.file)
    told = command(
        capsys,
        *("run", "--source", expected.source, "--input", str(file)),
        *("--as-of", expected.as_of, "--data-dir", str(tmp_path)),
    )
    assert told.exit_code == 0, told.err
    (counted,) = [line.split()[1:] for line in told.out.splitlines() if line.startswith("transactions ")]
    assert tuple(counted) == expected.lines
    with duckdb.connect(str(tmp_path / "warehouse" / f"{expected.source}.duckdb"), read_only=True) as connection:
        query = """select reason, sum(line_count)::bigint from cleaned.line_counts
            where table_name = 'transactions' group by reason"""
        reasons = dict(connection.execute(query).fetchall())
    assert reasons.items() >= expected.reasons.items()
    judge_lists(tmp_path / "published" / expected.as_of, expected, file)


def judge_lists(version: Path, expected: Expected, file: Path) -> None:
    """Every customer is in every list once, and the scores order them as their purchases of the horizon did."""
    with duckdb.connect() as connection:
        connection.execute(f"create table purchases as {expected.purchases}", {"path": str(file)})
        connection.execute(
            """create table truth as
            select
                customer_id,
                count(distinct day) filter (where day >= $as_of::date) as bought,
                coalesce(sum(amount) filter (where day >= $as_of::date), 0) as spent
            from purchases where day < $as_of::date + 90
            group by customer_id having min(day) < $as_of::date""",
            {"as_of": expected.as_of},
        )
        assert connection.execute("select count(*) from truth").fetchall() == [(expected.customers,)]
        for name in A_ROW_A_CUSTOMER:
            found = connection.execute(
                f"select count(*), count(truth.customer_id) from '{version / name}.parquet' as list "
                "left join truth on truth.customer_id = list.customer_id"
            ).fetchall()
            assert found == [(expected.customers, expected.customers)]
        judged = connection.execute(
            f"""select p_buy, expected_purchases, expected_amount, bought, spent from truth
            join '{version}/recommended_customers.parquet' using (customer_id)
            join '{version}/demand_forecast.parquet' using (customer_id)"""
        ).df()
    assert roc_auc_score(judged["bought"] > 0, judged["p_buy"]) >= expected.least_auc
    assert judged["p_buy"].between(0, 1).all()
    assert (judged["expected_purchases"] >= 0).all()
    assert (judged["expected_amount"] >= 0).all()
    for foretold, happened in (("expected_purchases", "bought"), ("expected_amount", "spent")):
        assert judged[foretold].corr(judged[happened], method="spearman") > 0.3
        assert 0.5 < judged[foretold].sum() / judged[happened].sum() < 2
