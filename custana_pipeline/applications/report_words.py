"""Numbers and judgements in the words of somebody who sells things and trains no models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from custana_pipeline.applications.report_facts import ModelFacts

TARGET_WORDS: Mapping[str, str] = {
    "is_recommended": "Who will buy",
    "future_purchase": "How often they will buy",
    "future_amount": "How much they will spend",
    "segment": "Who is alike",
}
REASON_WORDS: Mapping[str, str] = {
    "exact_duplicate": "the same line twice",
    "no_customer": "no customer named",
    "not_a_product": "no product: postage, fees, vouchers, tests",
    "unknown_customer": "a customer that no order or customer line names",
    "superseded": "replaced by a later line of the same id",
    "unparsable_date": "a date that cannot be read",
    "date_out_of_range": "a date out of range",
    "unparsable_quantity": "a quantity that cannot be read",
    "zero_quantity": "a quantity of zero",
    "missing_quantity": "no quantity",
    "unparsable_price": "a price that cannot be read",
    "negative_price": "a negative price",
    "zero_price": "a price of zero",
    "bad_debt_adjustment": "an adjustment of bad debt",
    "unparsable_amount": "an amount that cannot be read",
    "missing_amount": "no amount",
    "missing_event_type": "no kind of event",
    "missing_id": "no id",
    "unreadable_id": "an id with invisible characters, or far too long",
}
TOPIC_WORDS: Mapping[str, str] = {
    "pace": "their usual pace, if nothing changes",
    "recency": "how lately they bought",
    "frequency": "how often they bought",
    "money": "how much they spent",
    "basket": "how much they spend at a time",
    "rhythm": "the pauses between purchases",
    "trend": "more or less than a quarter ago",
    "season": "what they did a year ago",
    "tenure": "how long they have been customers",
    "returns": "what they returned",
    "range": "the range of products",
    "browsing": "what they looked at",
}
_MODEL_WORDS: Mapping[str, str] = {
    "svr": "SVR",
    "rfm": "RFM",
    "dbscan": "DBSCAN",
    "kmeans": "k-means",
    "blend": "blend of models",
}
_WHOLE_NAMES: Mapping[str, str] = {
    "levelled_blend": "blend of models with season",
    "bg_nbd": "BG/NBD, everybody at their usual pace",
    "base_rate": "the same rate for everybody",
    "mean": "the mean customer",
    "recency_rule": "how lately they bought",
    "frequency_rule": "how often they bought lately",
    "year_ago_rule": "what they did a year ago",
    "last_window": "as much as lately",
    "last_year_pace": "as much as in the last year",
    "year_ago_window": "as much as a year ago",
    "two_column_forest": "a forest on two columns",
    "two_column_linear": "a line on two columns",
}


@dataclass(frozen=True)
class Comparison:
    """One figure of the serving model beside that of the best naive rule, both in words."""

    label: str
    model: str
    naive: str


@dataclass(frozen=True)
class _Measure:
    metric: str
    label: str
    shown: Callable[[float], str]


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _points(value: float) -> str:
    return f"{100 * value:.1f} points"


_MEASURES: Mapping[str, tuple[_Measure, ...]] = {
    "is_recommended": (
        _Measure("roc_auc", "puts a buyer before a non-buyer", _percent),
        _Measure("lift_10", "buyers in its best tenth, times the average", lambda value: f"{value:.1f} ×"),
        _Measure("accuracy", "right about yes or no", _percent),
        _Measure("ece", "gap between said and seen probability", _points),
    ),
    "future_purchase": (
        _Measure("mae", "purchases missed per customer", lambda value: f"{value:.2f}"),
        _Measure("rmse", "the same, large misses weighing more", lambda value: f"{value:.2f}"),
        _Measure("total_ratio", "foreseen of what came, in total", _percent),
        _Measure("spearman", "agreement in the order of customers, 1 is full", lambda value: f"{value:.2f}"),
    ),
    "future_amount": (
        _Measure("mae", "money missed per customer", lambda value: f"{value:,.0f}"),
        _Measure("total_ratio", "foreseen of what came, in total", _percent),
        _Measure("spearman", "agreement in the order of customers, 1 is full", lambda value: f"{value:.2f}"),
        _Measure("interval_coverage", "customers within the stated 80% bounds", _percent),
    ),
    "segment": (
        _Measure("silhouette", "how apart the segments lie, 1 is full", lambda value: f"{value:.2f}"),
        _Measure("stability", "same segments on other customers, 1 is full", lambda value: f"{value:.2f}"),
        _Measure("smallest_share", "smallest segment", _percent),
        _Measure("davies_bouldin", "spread against distance, less is better", lambda value: f"{value:.2f}"),
        _Measure("calinski_harabasz", "variance between over within", lambda value: f"{value:,.0f}"),
        _Measure("eta2_log_spend", "of the later spend told by the segment (log)", _percent),
        _Measure("eta2_spend", "the same of the amount itself", _percent),
        _Measure("kept_id_share", "customers whose segment has the number of the last list", _percent),
        _Measure("kept_name_share", "customers whose segment has the name of the last list", _percent),
    ),
}


def comparisons(model: ModelFacts) -> list[Comparison]:
    """The figures that both words and numbers are known for; a naive figure that is not known is a dash."""
    found = []
    for measure in _MEASURES.get(model.target, ()):
        value, naive = _metric(model.metrics, measure.metric), _metric(model.naive_metrics, measure.metric)
        if value is not None:
            found.append(
                Comparison(measure.label, measure.shown(value), "–" if naive is None else measure.shown(naive))
            )
    return found


def reason_words(code: str) -> str:
    """A reason code in words; an unknown one with its underscores taken out."""
    return REASON_WORDS.get(code, code.replace("_", " "))


def topic_words(topic: str) -> str:
    """A topic of features in words; an unknown one with its underscores taken out."""
    return TOPIC_WORDS.get(topic, topic.replace("_", " "))


def money(value: float | None, currency: str, *, whole: bool = False) -> str:
    """An amount for reading: whole from 1,000 on or where `whole` is asked for, in millions from a million on.

    >>> money(1234567.0, "£"), money(12345.4, "£"), money(12.5, "EUR")
    ('£1.23 million', '£12,345', 'EUR 12.50')
    """
    if value is None:
        return "–"
    sign = f"{currency} " if currency.isalpha() else currency
    if value >= 999_500:
        return f"{sign}{value / 1_000_000:,.2f} million"
    return f"{sign}{value:,.0f}" if whole or value >= 1000 else f"{sign}{value:,.2f}"


def count(value: float | None) -> str:
    """A number of things, whole.

    >>> count(1234.6)
    '1,235'
    """
    return "–" if value is None else f"{value:,.0f}"


def _metric(metrics: Mapping[str, float], name: str) -> float | None:
    return metrics.get(f"holdout_{name}", metrics.get(name))


def model_words(name: str) -> str:
    """The name of a candidate or naive rule in words.

    >>> model_words("levelled_blend"), model_words("svr")
    ('blend of models with season', 'SVR')
    """
    whole = _WHOLE_NAMES.get(name)
    return whole or " ".join(_MODEL_WORDS.get(word, word) for word in (name or "none").split("_"))


def titled(words: str) -> str:
    """The words with a capital first letter."""
    return words[:1].upper() + words[1:]
