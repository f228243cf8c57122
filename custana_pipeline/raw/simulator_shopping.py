"""What the simulated customers buy and send back."""

from dataclasses import dataclass, replace

import numpy as np

from custana_pipeline.raw.simulator_people import FAVOURITES, People
from custana_pipeline.raw.simulator_world import (
    CATEGORIES,
    PRODUCT_CATEGORY,
    PRODUCT_COUNT,
    Calendar,
    World,
    complements,
    product_cents,
    shelf_rows,
)

PLAIN_DAY_MASS = 100.0  # Calendar.mass of one ordinary day
HOUR_WEIGHTS = np.array([1, 1, 0, 0, 0, 1, 3, 5, 7, 8, 9, 9, 10, 9, 8, 8, 8, 9, 11, 13, 14, 12, 7, 3])
FIRST_ORDER_SHARE, FIRST_ORDER_DAYS = 0.85, 5.0
FAVOURITE_SHARE, COMPLEMENT_SHARE = 0.38, 0.15
MOST_LINES = 12
VOUCHER_SHARE, VOUCHER_PERCENT = 0.12, 85
PRICE_STEP_DAYS, PRICE_STEP_PERCENT = 182, 2
RETURN_MEAN_DAYS = 9.0
DAY = 86_400


@dataclass(frozen=True)
class Visits:
    """Moments at which somebody comes to the shop: the row of the customer, and seconds since midnight of day 0."""

    person: np.ndarray
    moment: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Lines:
    """Order lines in time order, the lines of one order together; `order` counts from 0, returns by themselves."""

    person: np.ndarray
    order: np.ndarray
    product: np.ndarray
    moment: np.ndarray
    quantity: np.ndarray
    cents: np.ndarray
    is_return: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    def take(self, rows: np.ndarray) -> "Lines":
        """The same columns at these rows."""
        return Lines(**{name: column[rows] for name, column in vars(self).items()})


def draw_visits(people: People, per_day: np.ndarray, calendar: Calendar, rng: np.random.Generator) -> Visits:
    """Comings of each customer while interested: a Poisson process in shop time, which runs faster in season."""
    starts = calendar.period_starts[None, :]
    ends = np.append(calendar.period_starts[1:], calendar.days)[None, :]
    opens = np.maximum(starts, people.signup_day[:, None])
    closes = np.maximum(np.minimum(ends, people.stop_day[:, None]), opens)
    opens, closes = np.minimum(opens, calendar.days), np.minimum(closes, calendar.days)
    mass = calendar.mass[closes] - calendar.mass[opens]
    cell = np.repeat(np.arange(mass.size), rng.poisson(per_day * mass / PLAIN_DAY_MASS).ravel())
    within = calendar.mass[opens].ravel()[cell] + rng.random(len(cell)) * mass.ravel()[cell]
    day = np.searchsorted(calendar.mass, within, side="right") - 1
    day = np.clip(day, opens.ravel()[cell], closes.ravel()[cell] - 1)
    return Visits(person=cell // mass.shape[1], moment=day * DAY + time_of_day(len(cell), rng))


def time_of_day(count: int, rng: np.random.Generator) -> np.ndarray:
    """Seconds since midnight, most of them at noon and in the evening."""
    cumulated = HOUR_WEIGHTS.cumsum()
    hour = np.searchsorted(cumulated, rng.random(count) * cumulated[-1], side="right")
    return np.minimum(hour, 23) * 3_600 + (rng.random(count) * 3_600).astype(np.int64)


def draw_lines(people: People, world: World, rng: np.random.Generator) -> Lines:
    """All order lines of a block: purchases, and the returns that fall within the calendar."""
    orders = _orders(people, world.calendar, rng)
    bought = _bought(people, orders, world, rng)
    returned = _returned(bought, people, world.calendar, rng)
    both = (np.concatenate(pair) for pair in zip(vars(bought).values(), vars(returned).values(), strict=True))
    lines = Lines(*both)
    return lines.take(np.lexsort((lines.order, lines.is_return, lines.moment)))


def _orders(people: People, calendar: Calendar, rng: np.random.Generator) -> Visits:
    """The usual orders, and for most of the newly signed up one within the first days, by time."""
    usual = draw_visits(people, people.orders_per_day, calendar, rng)
    is_first = (people.signup_day >= 0) & (rng.random(len(people)) < FIRST_ORDER_SHARE)
    delay = (rng.standard_exponential(len(people)) * FIRST_ORDER_DAYS / 2).astype(np.int64)
    first = np.flatnonzero(is_first & (people.signup_day + delay < calendar.days))
    moment = (people.signup_day + delay)[first] * DAY + time_of_day(len(first), rng)
    person, moment = np.concatenate([usual.person, first]), np.concatenate([usual.moment, moment])
    by_time = np.lexsort((person, moment))
    return Visits(person=person[by_time], moment=moment[by_time])


def _bought(people: People, orders: Visits, world: World, rng: np.random.Generator) -> Lines:
    sizes = np.minimum(1 + rng.poisson(people.basket[orders.person]), MOST_LINES)
    order = np.repeat(np.arange(len(orders)), sizes)
    product = draw_products(people, Visits(orders.person[order], orders.moment[order]), world, rng)
    product = _with_complements(order, product, rng)
    # two lines of one order never carry the same product: a repeated line is always planted dirt
    distinct = np.sort(np.unique(order * PRODUCT_COUNT + product, return_index=True)[1])
    order, product = order[distinct], product[distinct]
    moment = orders.moment[order]
    extra_units = np.array([category.extra_units for category in CATEGORIES])[PRODUCT_CATEGORY[product]]
    voucher = np.where(rng.random(len(orders)) < VOUCHER_SHARE, VOUCHER_PERCENT, 100)[order]
    percent = 100 + PRICE_STEP_PERCENT * (moment // DAY // PRICE_STEP_DAYS)
    return Lines(
        person=orders.person[order],
        order=order,
        product=product,
        moment=moment,
        quantity=1 + rng.poisson(extra_units),
        cents=product_cents()[product] * percent * voucher // 10_000,
        is_return=np.zeros(len(order), dtype=bool),
    )


def draw_products(people: People, visits: Visits, world: World, rng: np.random.Generator) -> np.ndarray:
    """What each visit picks: a favourite of the customer, or what taste, season and price level suggest."""
    count, person = len(visits), visits.person
    months = world.calendar.months[visits.moment // DAY]
    rows = shelf_rows(people.taste[person], months, people.level[person])
    suggested = world.shop.pick(rows, rng.random(count))
    # the square prefers the first favourites
    favourite = people.favourites[person, (rng.random(count) ** 2 * FAVOURITES).astype(np.int64)]
    return np.where(rng.random(count) < FAVOURITE_SHARE, favourite, suggested)


def _with_complements(order: np.ndarray, product: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some lines become the companion of the line before them in the same order."""
    follows = np.append(False, order[1:] == order[:-1]) & (rng.random(len(order)) < COMPLEMENT_SHARE)
    return np.where(follows, complements()[np.roll(product, 1)], product)


def _returned(bought: Lines, people: People, calendar: Calendar, rng: np.random.Generator) -> Lines:
    """The lines sent back before the calendar ends, each an order of its own at the price that was paid."""
    shares = np.array([category.return_share for category in CATEGORIES])[PRODUCT_CATEGORY[bought.product]]
    is_sent_back = rng.random(len(bought)) < shares * people.returning[bought.person]
    days = 2 + rng.standard_exponential(len(bought)) * RETURN_MEAN_DAYS
    units = 1 + (rng.random(len(bought)) * bought.quantity).astype(np.int64)
    moment = (bought.moment // DAY + days.astype(np.int64)) * DAY + time_of_day(len(bought), rng)
    rows = np.flatnonzero(is_sent_back & (moment < calendar.days * DAY))
    rows = rows[np.argsort(moment[rows], kind="stable")]
    returned = bought.take(rows)
    return replace(
        returned,
        order=np.arange(len(rows)),
        moment=moment[rows],
        quantity=-units[rows],
        is_return=np.ones(len(rows), bool),
    )
