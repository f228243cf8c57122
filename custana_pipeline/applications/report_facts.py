"""What the report is told: plain facts without a customer in them, so that rendering is a pure function."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Headline:
    """The numbers at the top; money is None where the source has none."""

    customers: int
    expected_buyers: float
    expected_purchases: float
    audience: int
    control: int
    audience_buyers: float
    """Buyers expected in the audience: the sum of its p_buy."""
    expected_amount: float | None = None
    lower_amount: float | None = None
    upper_amount: float | None = None
    expected_net_amount: float | None = None


@dataclass(frozen=True)
class ReasonFacts:
    """Lines of one table that were not kept, under one reason code."""

    status: str
    """set_aside or rejected."""
    reason: str
    lines: int


@dataclass(frozen=True)
class TableFacts:
    """What became of the lines of one cleaned table."""

    table: str
    lines: int
    kept: int
    set_aside: int
    rejected: int
    reasons: tuple[ReasonFacts, ...] = ()


@dataclass(frozen=True)
class DecileFacts:
    """A tenth of the holdout's customers by prediction, 1 the best: what was foreseen and what came, per customer."""

    decile: int
    customers: int
    predicted: float
    actual: float


@dataclass(frozen=True)
class OriginFacts:
    """One past day of the backtest: the error of what serves, and of who stands beside it, from that day on."""

    day: dt.date
    served: float
    beside: float


@dataclass(frozen=True)
class ModelFacts:
    """One target: which model serves, and how it did beside the best naive rule on days it had not seen."""

    target: str
    """is_recommended, future_purchase, future_amount or segment."""
    state: str
    """TRAINED, UNJUDGED, NOT_TRAINABLE or LEAKED_FEATURE."""
    reason: str = ""
    champion: str = ""
    best_naive: str = ""
    beats_naive: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of the champion, named as in Evaluated.metrics."""
    naive_metrics: Mapping[str, float] = field(default_factory=dict)
    deciles: tuple[DecileFacts, ...] = ()
    holdout: dt.date | None = None
    """The day from which its predictions were compared with what came."""
    kept_version: str = ""
    """The model_version of the champion so far, where it stays."""
    level: str = ""
    """What its level rests on, as in Champion.level."""
    gains: Mapping[str, float] = field(default_factory=dict)
    """The gate's figures, as in Champion.figures; none for segments, which have no gate."""
    origins: tuple[OriginFacts, ...] = ()
    """The backtest, oldest day first."""
    beside: str = ""
    """Who stands beside it in the backtest: the best naive rule, or the best candidate where a naive rule serves."""


@dataclass(frozen=True)
class AudienceFacts:
    """What an audience of each size is expected to bring, best scores first."""

    kind: str
    """profit, or revenue where no contact cost is given."""
    points: tuple[tuple[float, float], ...]
    """Share of the customers and what they bring in money, from (0, 0) to everybody."""
    chosen: tuple[float, float]
    """The audience of the list."""
    is_best: bool
    """Whether it was chosen for its profit, instead of by a share."""
    caveat: str
    tested: tuple[float, float] | None = None
    """What an audience of that share was expected to bring on the holdout, and what it brought."""


@dataclass(frozen=True)
class OfferFacts:
    """A product that a segment over-buys."""

    product: str
    lift: float
    buyers: int


@dataclass(frozen=True)
class SegmentFacts:
    """One segment; figures are None where fewer than 10 customers stand behind them, or the source lacks them."""

    name: str
    customers: int
    share: float
    meaning: str = ""
    suggested_action: str = ""
    recency_days: float | None = None
    purchase_frequency: float | None = None
    purchase_amount: float | None = None
    age: float | None = None
    gender: tuple[str, float] | None = None
    location: tuple[str, float] | None = None
    expected_purchases: float | None = None
    expected_amount: float | None = None
    offers: tuple[OfferFacts, ...] = ()


@dataclass(frozen=True)
class MoveFacts:
    """Customers of one segment of the last list who are in another one now, or no segment's."""

    before: str
    now: str
    customers: int
    share: float | None = None
    """Of the segment's customers then; None where small cells of several segments are folded."""


@dataclass(frozen=True)
class TotalFacts:
    """The demand expected of one member of a dimension."""

    member: str
    customers: int
    expected_purchases: float
    expected_amount: float | None = None
    expected_net_amount: float | None = None


@dataclass(frozen=True)
class ValueFacts:
    """What all customers are expected to be worth, net of returns."""

    horizon: float
    year: float
    best_tenth: float
    """Share of the year's value that the best tenth of the customers holds."""
    by_days_alone: bool
    """Whether the year goes by the number of days, since no purchase rates could be fitted."""


@dataclass(frozen=True)
class ProductFacts:
    """A product and the number of customers on whose list it stands."""

    product: str
    customers: int
    first_places: int


@dataclass(frozen=True)
class FileFacts:
    """One published list: its file name without ending, rows, one line on its use, and its columns with meanings."""

    name: str
    rows: int
    meaning: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class AbsentFacts:
    """Something that the report does not have, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class ReportFacts:
    """Everything that the report shows."""

    source: str
    description: str
    as_of: dt.date
    horizon_days: int
    headline: Headline
    currency: str = ""
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    tables: tuple[TableFacts, ...] = ()
    repaired_values: int = 0
    warnings: tuple[str, ...] = ()
    """What was noticed about the data and stopped nothing."""
    models: tuple[ModelFacts, ...] = ()
    segments: tuple[SegmentFacts, ...] = ()
    moves: tuple[MoveFacts, ...] = ()
    """Who is elsewhere than on the last list, most customers first; empty where there was none."""
    last_list: dt.date | None = None
    totals: Mapping[str, tuple[TotalFacts, ...]] = field(default_factory=dict)
    """By dimension: segment, category, location."""
    products: Mapping[str, tuple[ProductFacts, ...]] = field(default_factory=dict)
    """By list: buy_again, discover."""
    value: ValueFacts | None = None
    audience: AudienceFacts | None = None
    importances: tuple[tuple[str, float], ...] = ()
    """Topic and by how much the loss of who will buy grows when it is shuffled, the most important first."""
    drift: tuple[str, str] | None = None
    """Level (none, warn, alarm) and note."""
    files: tuple[FileFacts, ...] = ()
    absent: tuple[AbsentFacts, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def model(self, target: str) -> ModelFacts | None:
        """The model of one target, or None."""
        return next((model for model in self.models if model.target == target), None)

    @property
    def has_money(self) -> bool:
        """Whether amounts are known."""
        return self.headline.expected_amount is not None
