"""Which days are judged, on which data, and what for."""

import datetime as dt
import zlib
from dataclasses import dataclass

# goods with a price, of a customer, neither fee nor adjustment nor return; whole lines that are equal count once
ONLINE_RETAIL_II = """
    select
        replace("Customer ID", '.0', '') as customer_id,
        cast("InvoiceDate" as date) as day,
        upper(trim("StockCode")) as product_id,
        cast("Quantity" as integer) * cast("Price" as decimal(18, 4)) as amount
    from (select distinct * from read_csv($path, all_varchar = true))
    where
        "Customer ID" is not null and cast("Price" as double) > 0 and cast("Quantity" as integer) > 0
        and regexp_matches("StockCode", '^[0-9]{5}') and not regexp_matches("Invoice", '^[AC]')
"""
CDNOW = """
    select
        fields[1] as customer_id,
        strptime(fields[2], '%Y%m%d')::date as day,
        null::varchar as product_id,
        cast(fields[4] as decimal(18, 4)) as amount
    from (
        select distinct regexp_split_to_array(trim(line), '\\s+') as fields
        from read_csv($path, columns = {'line': 'varchar'}, delim = '\\x01', header = false, quote = '')
        where trim(line) <> ''
    )
"""


@dataclass(frozen=True)
class Source:
    """A data set: the pack that custana reads it with, its file below the folder of data sets, and its purchases."""

    name: str
    short: str
    pack: str
    file: str
    purchases: str


SOURCES = {
    "online_retail_ii": Source(
        "online_retail_ii", "OR2", "online_retail_ii", "online_retail_ii/online_retail_II.csv.gz", ONLINE_RETAIL_II
    ),
    "cdnow": Source("cdnow", "CDNOW", "cdnow", "cdnow/CDNOW_master.txt", CDNOW),
    "cdnow_sample": Source("cdnow_sample", "CDNOW sample", "cdnow", "cdnow/CDNOW_sample.txt", CDNOW),
}


@dataclass(frozen=True)
class Window:
    """Everything before `as_of` is known; [as_of, as_of + horizon_days) is what is foreseen."""

    source: str
    as_of: dt.date
    horizon_days: int
    tables: frozenset[str]
    """The tables that it is a row of: demand, behavior, spend, weeks39, recommendations, segments, further."""

    @property
    def key(self) -> str:
        """A name for files and options, such as online_retail_ii-2011-09-10-90."""
        return f"{self.source}-{self.as_of}-{self.horizon_days}"

    @property
    def title(self) -> str:
        """What the tables call it, such as OR2 2011-09-10 H90."""
        return f"{SOURCES[self.source].short} {self.as_of} H{self.horizon_days}"

    @property
    def seed(self) -> int:
        """The seed of its bootstrap, from its key, so that windows are drawn independently and always alike."""
        return zlib.crc32(self.key.encode())

    @property
    def before(self) -> "Window":
        """The window whose outcomes end where this one's begin: what an anchor may be fitted on."""
        day = self.as_of - dt.timedelta(days=self.horizon_days)
        return Window(self.source, day, self.horizon_days, frozenset())


def _window(source: str, as_of: str, horizon_days: int, *tables: str) -> Window:
    return Window(source, dt.date.fromisoformat(as_of), horizon_days, frozenset(tables))


WINDOWS = (
    _window("online_retail_ii", "2011-09-10", 90, "demand", "behavior", "segments"),
    _window("online_retail_ii", "2011-11-09", 30, "demand", "behavior", "recommendations"),
    _window("online_retail_ii", "2011-06-12", 90, "demand", "behavior"),
    _window("cdnow", "1998-01-01", 90, "demand", "behavior"),
    _window("online_retail_ii", "2011-06-01", 180, "spend"),
    _window("online_retail_ii", "2011-09-01", 90, "spend"),
    _window("cdnow_sample", "1997-10-01", 273, "weeks39"),
    _window("cdnow", "1997-10-01", 273, "weeks39"),
    _window("online_retail_ii", "2011-09-10", 30, "recommendations"),
    _window("online_retail_ii", "2011-09-01", 30, "recommendations"),
    _window("online_retail_ii", "2011-03-01", 90, "further"),
    _window("online_retail_ii", "2011-05-15", 60, "further"),
    _window("online_retail_ii", "2011-07-15", 45, "further"),
    _window("online_retail_ii", "2011-08-20", 90, "further"),
    _window("cdnow", "1997-12-01", 90, "further"),
    _window("cdnow", "1998-02-15", 60, "further"),
)
TABLES = ("demand", "behavior", "spend", "weeks39", "segments", "recommendations", "further")
