"""The invented shop of the simulator: what it sells, to which tastes, and when in the year.

All weights are whole numbers, so that the tables drawn from are the same on every machine.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

PRODUCTS_PER_CATEGORY = 20
TIERS = 4  # the four styles of a thing, from cheap to dear
TASTES = 4
PRICE_LEVELS = 3
INTEREST_PERIOD_DAYS = 61

TIER_PERCENT = np.array([60, 100, 160, 260])
TIER_WEIGHTS = np.array([[8, 5, 2, 1], [3, 6, 5, 2], [1, 3, 6, 8]])  # price level of a customer x tier
WEEKDAY_WEIGHTS = np.array([9, 8, 9, 10, 12, 14, 11])  # Monday first
MONTH_WEIGHTS = np.array([9, 9, 9, 10, 10, 9, 8, 9, 10, 11, 13, 13])


@dataclass(frozen=True)
class Category:
    """Twenty products: five things in four styles, of which the later are the dearer."""

    name: str
    cents: int
    styles: tuple[str, str, str, str]
    things: tuple[str, str, str, str, str]
    tastes: tuple[int, int, int, int]
    seasons: tuple[int, int, int, int]  # winter, spring, summer, autumn
    extra_units: float = 0.15
    return_share: float = 0.05


CATEGORIES = (
    Category(
        "Kitchen", 1900, ("Tin", "Enamel", "Oak", "Copper"),
        ("Kettle", "Pan", "Teapot", "Bread Bin", "Ladle"),
        (9, 2, 3, 8), (4, 3, 3, 4), return_share=0.04,
    ),
    Category(
        "Garden", 1500, ("Clay", "Zinc", "Cedar", "Stone"),
        ("Planter", "Trellis", "Bird Bath", "Trowel", "Cloche"),
        (2, 10, 2, 2), (1, 8, 6, 2), extra_units=0.3,
    ),
    Category(
        "Lighting", 2600, ("Paper", "Wicker", "Brass", "Crystal"),
        ("Lantern", "Desk Lamp", "Sconce", "Night Light", "Chandelier"),
        (6, 3, 2, 3), (6, 2, 2, 5), return_share=0.07,
    ),
    Category(
        "Bedding", 3200, ("Cotton", "Flannel", "Linen", "Silk"),
        ("Sheet", "Quilt", "Pillowcase", "Bedspread", "Throw"),
        (8, 1, 4, 1), (5, 3, 2, 4), return_share=0.09,
    ),
    Category(
        "Bath", 1100, ("Plain", "Striped", "Waffle", "Velvet"),
        ("Towel", "Bath Mat", "Robe", "Face Cloth", "Shower Curtain"),
        (7, 2, 3, 2), (3, 3, 3, 3), extra_units=0.4, return_share=0.06,
    ),
    Category(
        "Stationery", 500, ("Pocket", "Ruled", "Bound", "Leather"),
        ("Notebook", "Diary", "Letter Set", "Pencil Case", "Folder"),
        (2, 2, 9, 3), (5, 2, 3, 5), extra_units=0.7, return_share=0.02,
    ),
    Category(
        "Toys", 1300, ("Little", "Painted", "Wooden", "Grand"),
        ("Train", "Puzzle", "Puppet", "Kite", "Doll's House"),
        (1, 2, 10, 1), (7, 2, 3, 3), return_share=0.07,
    ),
    Category(
        "Outdoor", 2900, ("Trail", "Summit", "Ranger", "Expedition"),
        ("Rucksack", "Lantern Hook", "Hammock", "Camp Stove", "Rain Cape"),
        (1, 9, 3, 2), (1, 4, 8, 2), return_share=0.08,
    ),
    Category(
        "Pantry", 450, ("House", "Farm", "Smoked", "Reserve"),
        ("Olive Oil, 500 ml", "Honey, 250 g", "Crème Caramel", "Tea, 100 bags", "Chutney"),
        (3, 2, 4, 11), (5, 3, 3, 4), extra_units=1.0, return_share=0.01,
    ),
    Category(
        "Pets", 900, ("Basic", "Cosy", "Sturdy", "Royal"),
        ("Dog Bed", "Cat Bowl", "Chew Rope", "Rabbit Hutch", "Collar"),
        (2, 6, 4, 2), (3, 3, 3, 3), extra_units=0.3, return_share=0.03,
    ),
)  # fmt: skip
PRODUCT_COUNT = PRODUCTS_PER_CATEGORY * len(CATEGORIES)
PRODUCT_CATEGORY = np.arange(PRODUCT_COUNT) // PRODUCTS_PER_CATEGORY
PRODUCT_TIER = np.arange(PRODUCT_COUNT) % TIERS
PRODUCT_THING = np.arange(PRODUCT_COUNT) % PRODUCTS_PER_CATEGORY // TIERS


@dataclass(frozen=True)
class Shop:
    """What a seed decides about the shop itself: how popular each product is."""

    popularity: np.ndarray

    @staticmethod
    def opened(seed: int) -> "Shop":
        """The shop of this seed: within each category the most popular product sells about ten times the least."""
        draws = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(0,)))).random(PRODUCT_COUNT)
        ranks = draws.reshape(-1, PRODUCTS_PER_CATEGORY).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        return Shop(popularity=(600 // (2 + ranks)).ravel())

    @cached_property
    def shelves(self) -> np.ndarray:
        """Cumulative shares of the products, flattened: row r, of a taste, month and price level, spans r .. r + 1."""
        tastes = np.array([category.tastes for category in CATEGORIES])[PRODUCT_CATEGORY].T
        seasons = np.array([category.seasons for category in CATEGORIES])[PRODUCT_CATEGORY].T
        of_month = seasons[(np.arange(12) + 1) % 12 // 3]
        weights = tastes[:, None, None] * of_month[None, :, None] * TIER_WEIGHTS[:, PRODUCT_TIER][None, None]
        rows = (weights * self.popularity).reshape(-1, PRODUCT_COUNT).cumsum(axis=1)
        return (rows / rows[:, -1:] + np.arange(len(rows))[:, None]).ravel()

    def pick(self, rows: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """One product per draw (0 <= draw < 1) from the shelf `rows` = (taste * 12 + month) * PRICE_LEVELS + level."""
        found = np.searchsorted(self.shelves, rows + draws, side="right")
        return np.minimum(found - rows * PRODUCT_COUNT, PRODUCT_COUNT - 1)


def shelf_rows(taste: np.ndarray, month: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The row of `Shop.shelves` for each taste, month (0 = January) and price level."""
    return (taste * 12 + month) * PRICE_LEVELS + level


def product_names() -> list[str]:
    """The names in the order of the product numbers, such as 'Copper Kettle'."""
    return [f"{style} {thing}" for category in CATEGORIES for thing in category.things for style in category.styles]


def product_cents() -> np.ndarray:
    """List prices in cents on the first day, each ending in 5 or 9."""
    base = np.array([category.cents for category in CATEGORIES])[PRODUCT_CATEGORY]
    cents = base * (70 + 15 * PRODUCT_THING) * TIER_PERCENT[PRODUCT_TIER] // 10_000
    return cents // 10 * 10 + np.where(PRODUCT_THING % 2 == 0, 5, 9)


def complements() -> np.ndarray:
    """For each product the one that is bought along with it: the next thing of its category in its style."""
    next_thing = (PRODUCT_THING + 1) % (PRODUCTS_PER_CATEGORY // TIERS)
    return PRODUCT_CATEGORY * PRODUCTS_PER_CATEGORY + next_thing * TIERS + PRODUCT_TIER


@dataclass(frozen=True)
class Calendar:
    """The simulated days; day 0 is `first_day`."""

    first_day: date
    days: int

    @cached_property
    def months(self) -> np.ndarray:
        """Month (0 = January) of each day."""
        return np.array([(self.first_day + timedelta(day)).month - 1 for day in range(self.days)])

    @cached_property
    def mass(self) -> np.ndarray:
        """Shop time passed before each day (length days + 1): the season's weights, cumulated; 100 is a plain day."""
        weekdays = (self.first_day.weekday() + np.arange(self.days)) % 7
        return np.concatenate([[0], np.cumsum(MONTH_WEIGHTS[self.months] * WEEKDAY_WEIGHTS[weekdays])])

    @cached_property
    def period_starts(self) -> np.ndarray:
        """First day of each period of steady interest."""
        return np.arange(0, self.days, INTEREST_PERIOD_DAYS)

    @property
    def epoch_seconds(self) -> int:
        """Midnight of the first day in seconds since 1970."""
        return (self.first_day - date(1970, 1, 1)).days * 86_400


@dataclass(frozen=True)
class World:
    """The shop and its days: what all blocks of customers share."""

    shop: Shop
    calendar: Calendar
