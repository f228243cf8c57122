"""The errors that custana raises on purpose.

    CustanaError            says what is wrong, where, and the mend
    |- WrongUse             the command or the settings are off            exit code 2
    |- DataFault            the data is: never retried                     exit code 3
    |  |- BadFile           a file cannot be landed
    |  |- ContractBroken    a table does not keep its contract
    |  |- NotTrainable      too little data, or one class only
    |  |  |- NotConverged   a likelihood without a maximum that can be found
    |  |  `- NoMeanSpend    the spread of spend is so wide that it has no mean
    |  `- Damaged           a file of custana's own is not what was written
    |- NoSpace              the disk takes no more                         exit code 1
    |- TookTooLong          a run that hangs, or needs longer than allowed exit code 1
    |- Superseded           the run was ended, or another took its place   exit code 1
    `- Transient            a lock or an interrupted write: retried        exit code 1

A message names files, lines, columns, counts and reason codes. It never holds a customer's values, nor signs that a
terminal would obey or that hide other text.
"""

import unicodedata

_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Unicode categories that are not shown: control, format (bidi, zero width), surrogates, private use, line ends."""


def shown(text: str, longest: int = 2000) -> str:
    """The text on one line, with ? for every sign that a terminal would obey or that cannot be seen, and not longer.

    >>> shown("orders\\x1b[31m.csv\\n")
    'orders?[31m.csv?'
    """
    plain = "".join("?" if unicodedata.category(sign) in _UNSEEN else sign for sign in text)
    return plain if len(plain) <= longest else f"{plain[:longest]}..."


class CustanaError(Exception):
    """Anything that custana itself reports; `exit_code` is what the command ends with."""

    exit_code = 1
    is_told = False
    """Whether an alert has been written about it already."""

    def __init__(self, message: str = "") -> None:
        super().__init__("\n".join(shown(line) for line in str(message).split("\n")))


class WrongUse(CustanaError):
    """The command line or the settings ask for something that is not there."""

    exit_code = 2


class DataFault(CustanaError):
    """The data cannot be used as it is; trying again changes nothing."""

    exit_code = 3


class BadFile(DataFault):
    """One source file is unreadable, empty, or not shaped as its pack declares."""


class ContractBroken(DataFault):
    """A built table does not keep its contract, so yesterday's stays."""


class NotTrainable(DataFault):
    """A model cannot be trained on what there is, and the message says why."""


class NotConverged(NotTrainable):
    """The likelihood has no maximum that can be found."""


class NoMeanSpend(NotTrainable):
    """The fitted spread of spend has no finite mean, so no expected amount may be told from it."""


class TookTooLong(CustanaError):
    """A run was ended after max_runtime_seconds."""


class Damaged(DataFault):
    """A file that custana wrote is damaged; `custana verify --repair` restores what can be restored."""


class NoSpace(CustanaError):
    """The disk is full, or refuses a file of this size."""


class Superseded(CustanaError):
    """The run may change nothing any more: it was ended, or another has taken its place."""


class Transient(CustanaError):
    """A passing fault, such as a lock that another process holds."""
