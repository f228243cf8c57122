"""The simulated customers: who they are, what they like, how often they come, and when they stop."""

from dataclasses import dataclass

import numpy as np

from custana_pipeline.raw.simulator_world import TASTES, Calendar, Shop, World, shelf_rows

GENDERS = ("female", "male", "other")
TOWNS = ("Altmoor", "Brackwater", "Corvenna", "Dunhallow", "Eastmere", "Grevenholm", "Halden Bay", "Port Linna")
GENDER_WEIGHTS = np.array([[54, 42, 4]])
TOWN_WEIGHTS = np.array([[30, 14, 12, 10, 10, 9, 8, 7]])
AGE_BANDS = (18, 30, 45, 60, 85)  # the edges of four bands
AGE_WEIGHTS = np.array([[24, 34, 26, 16]])

TASTE_BY_AGE = np.array([[2, 3, 2, 6], [3, 2, 9, 4], [6, 5, 4, 4], [6, 9, 2, 3]])
TASTE_BY_GENDER = np.array([[6, 3, 5, 4], [3, 6, 4, 5], [4, 4, 4, 4]])
TASTE_BY_TOWN = np.array(
    [[4, 2, 4, 8], [5, 3, 5, 4], [3, 7, 4, 2], [4, 6, 5, 2], [5, 4, 5, 3], [3, 8, 3, 2], [4, 5, 3, 7], [5, 3, 4, 6]]
)
LEVEL_BY_AGE = np.array([[6, 3, 1], [3, 5, 2], [2, 4, 4], [2, 4, 5]])
RATE_BY_TASTE = np.array([1.0, 0.8, 1.15, 1.3])
RATE_BY_AGE = np.array([0.8, 1.15, 1.1, 0.9])
BASKET_BY_TASTE = np.array([1.1, 0.8, 1.6, 1.3])  # mean lines of an order beyond the first

EARLIER_SHARE = 0.40  # customers who signed up before the first day
EARLIER_DAYS = 360
RATE_SHAPE, DAYS_BETWEEN_ORDERS = 1.6, 92.0
DROPOUT_SHAPE, DAYS_TO_DROPOUT = 1.3, 900.0
BROWSE_SHAPE, DAYS_BETWEEN_VISITS = 3.0, 76.0
INTEREST_PERSISTENCE, INTEREST_SPREAD = 0.7, 0.8
FAVOURITES = 5


@dataclass(frozen=True)
class People:
    """One block of customers in the order of sign-up; every array has one entry per customer."""

    number: np.ndarray
    birth_year: np.ndarray
    gender: np.ndarray
    town: np.ndarray
    signup_day: np.ndarray  # may lie before day 0
    stop_day: np.ndarray  # the first day without interest
    taste: np.ndarray
    level: np.ndarray
    basket: np.ndarray
    returning: np.ndarray  # how readily things are sent back; 1 is usual
    orders_per_day: np.ndarray  # customers x periods
    visits_per_day: np.ndarray  # customers x periods
    favourites: np.ndarray  # customers x FAVOURITES products

    def __len__(self) -> int:
        return len(self.number)


def weighted(weights: np.ndarray, rows: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """For each draw (0 <= draw < 1) a column of `weights`, in proportion to the weights of its row."""
    cumulated = weights.cumsum(axis=1)[rows]
    return (draws[:, None] * cumulated[:, -1:] >= cumulated).sum(axis=1)


def draw_people(first_number: int, count: int, world: World, rng: np.random.Generator) -> People:
    """`count` customers numbered from `first_number`, with ages as of the calendar's first year."""
    calendar = world.calendar
    signup_day = _signup_days(count, calendar, rng)
    everybody = np.zeros(count, dtype=np.int64)
    band = weighted(AGE_WEIGHTS, everybody, rng.random(count))
    edges = np.array(AGE_BANDS)
    age = edges[band] + (rng.random(count) * (edges[band + 1] - edges[band])).astype(np.int64)
    gender = weighted(GENDER_WEIGHTS, everybody, rng.random(count))
    town = weighted(TOWN_WEIGHTS, everybody, rng.random(count))
    taste = _tastes(band, gender, town, rng)
    level = weighted(LEVEL_BY_AGE, band, rng.random(count))
    orders, visits = _rates(taste, band, len(calendar.period_starts), rng)
    stop_day = _stop_days(signup_day, rng)
    return People(
        number=first_number + np.arange(count),
        birth_year=calendar.first_day.year - age,
        gender=gender,
        town=town,
        signup_day=signup_day,
        stop_day=stop_day,
        taste=taste,
        level=level,
        basket=BASKET_BY_TASTE[taste] * (0.4 + 0.6 * rng.standard_gamma(2.0, count)) / 1.6,
        returning=0.2 + 0.9 * rng.standard_exponential(count),
        orders_per_day=orders,
        visits_per_day=visits,
        favourites=_favourites(taste, level, world.shop, rng),
    )


def _signup_days(count: int, calendar: Calendar, rng: np.random.Generator) -> np.ndarray:
    is_earlier = rng.random(count) < EARLIER_SHARE
    draws = rng.random(count)
    days = np.where(is_earlier, draws * EARLIER_DAYS - EARLIER_DAYS, draws * calendar.days)
    return np.sort(np.floor(days).astype(np.int64))


def _stop_days(signup_day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exponential lifetimes whose hazard differs by customer (gamma), as in Pareto/NBD: Schmittlein et al. 1987."""
    exposure = rng.standard_exponential(len(signup_day)) * DAYS_TO_DROPOUT * DROPOUT_SHAPE
    lifetime = exposure / rng.standard_gamma(DROPOUT_SHAPE, len(signup_day))
    return signup_day + 1 + np.minimum(lifetime, 100_000.0).astype(np.int64)


def _tastes(band: np.ndarray, gender: np.ndarray, town: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weights = TASTE_BY_AGE[band] * TASTE_BY_GENDER[gender] * TASTE_BY_TOWN[town]
    return np.minimum(weighted(weights, np.arange(len(band)), rng.random(len(band))), TASTES - 1)


def _rates(
    taste: np.ndarray, band: np.ndarray, periods: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Orders and visits per plain day in each period: a lasting level times an interest that comes and goes."""
    count = len(taste)
    lasting = rng.standard_gamma(RATE_SHAPE, count) / RATE_SHAPE * RATE_BY_TASTE[taste] * RATE_BY_AGE[band]
    curious = rng.standard_gamma(BROWSE_SHAPE, count) / BROWSE_SHAPE
    interest = np.empty((count, periods))
    interest[:, 0] = rng.standard_normal(count)
    fresh = (1 - INTEREST_PERSISTENCE**2) ** 0.5
    for period in range(1, periods):
        interest[:, period] = INTEREST_PERSISTENCE * interest[:, period - 1] + fresh * rng.standard_normal(count)
    factor = np.exp(INTEREST_SPREAD * interest - INTEREST_SPREAD**2 / 2)
    orders = lasting[:, None] * factor / DAYS_BETWEEN_ORDERS
    visits = ((0.3 + 0.7 * lasting) * curious)[:, None] * factor / DAYS_BETWEEN_VISITS
    return orders, visits


def _favourites(taste: np.ndarray, level: np.ndarray, shop: Shop, rng: np.random.Generator) -> np.ndarray:
    draws = rng.random((len(taste), FAVOURITES))
    months = (np.arange(FAVOURITES) * 12 // FAVOURITES)[None, :]
    return shop.pick(shelf_rows(taste[:, None], months, level[:, None]), draws)
