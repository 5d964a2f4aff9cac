"""Which columns of a published table are found, not asked. All others together name a row.

Two executions of a page are matched by what was asked; a name that holds a result would match nothing.
"""

#: What a tidy table says of one number.
MEASURED = ("value", "low", "high", "spread")
#: Numbers beside it that follow from the answers, but have no interval of their own.
BESIDE = ("p", "smallest")
FOUND = frozenset(
    {*MEASURED, *BESIDE, "seeds", "profile", "verdict", "McNemar p, per seed", "rank", "tied", "text"}
)
