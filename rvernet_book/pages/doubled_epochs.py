"""Page 2, shown: what twice the epochs change."""

from __future__ import annotations

from rvernet_book import style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, over
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.doubled_epochs import Doubled
from rvernet_core.experiments.recipe_search import BAR


def gain_table(page: Page, found: Doubled) -> Bundle | None:
    """One row a model; glues what was seen, also where the profile spares the check. A part of the answer."""
    page.glue("doubled-epochs", sentence(page.profile, found))
    if found.table.empty:
        return None
    page.headline(f"Of {_again(found)}, {_gained(found)}; by the means {_first(found)} among them.")
    return page.table(
        "doubled-epochs",
        found.table.drop(columns="seeds"),
        data=found.table,
        caption="Accuracy as trained and after twice the epochs, each a training of its own whose cosine ends with "
        f"its last epoch; the gain is paired over {over(int(found.table['seeds'].iloc[0]))}. The smallest gain {AT_POWER}.",
        keys=["epochs"],
        formats={"gain": "{:+.3f}"},
        intervals=["gain"],
    )


def sentence(profile: str, found: Doubled) -> str:
    """What twice the epochs change, against the bar of the search, in plain words."""
    if found.table.empty:
        return f"The {profile} profile spares this check."
    answer = _gained(found)
    if (comparisons.shown(found.table, "gain") > 0).all():
        answer += ", so none of them is trained to its end"
    more, less = (style.which(names, len(found.table)) for names in (found.more, found.less))
    return (
        f"Of {_again(found)}, {answer}. The whole interval of the gain is above {BAR:g} for {more} and below "
        f"it for {less}. {_order(found)}."
    )


def _again(found: Doubled) -> str:
    """The nets of this check, which may be some of the page's."""
    return f"{style.listed(found.table['model'])}, trained for twice the epochs"


def _gained(found: Doubled) -> str:
    """Which gains and losses are shown, after Holm's correction over these nets, and how large the means are."""
    names, gains, signs = (found.table["model"], found.table["gain"], comparisons.shown(found.table, "gain"))
    size = f"{gains.min():+.3f} to {gains.max():+.3f}"
    up, down = (names[signs == sign] for sign in (1, -1))
    if len(up) == len(names):
        return f"each gains, by {size}"
    shown = [
        f"a {what} is shown for {style.which(who, len(names))}"
        for what, who in (("gain", up), ("loss", down))
        if len(who)
    ]
    return f"{' and '.join(shown) or 'none is shown to gain'} (mean gains from {size})"


def _first(found: Doubled) -> str:
    before, after = (style.label(names[0]) for names in found.order)
    return f"{after} stays first" if before == after else f"{after} is first instead of {before}"


def _order(found: Doubled) -> str:
    """What becomes of the order of the means; tested are the gains of each net alone."""
    before, after = found.order
    if before == after:
        return "The order of the means is the same"
    start = "the order"
    if before[0] == after[0]:
        start, before, after = f"{_first(found)}; the order of the others", before[1:], after[1:]
    old, new = style.listed(before), style.listed(after)
    return f"By the means {start} changes, which no test has asked about, from {old} to {new}"
