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
    """One row a model; glues what was seen, also where the profile spares the check."""
    page.glue("doubled-epochs", sentence(page.profile, found))
    if found.table.empty:
        return None
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
    gains = found.table.set_index("model")["gain"]
    sure = list(found.table.loc[comparisons.shown(found.table, "gain") > 0, "model"])
    if len(sure) == len(gains):
        answer = f"Every net gains, by {gains.min():+.3f} to {gains.max():+.3f}: none is trained to its end"
    elif sure:
        answer = f"A gain is shown for {style.listed(sure)}; by the means it is {gains.min():+.3f} to {gains.max():+.3f}"
    else:
        answer = f"No net is shown to gain; by the means it is {gains.min():+.3f} to {gains.max():+.3f}"
    more, less = (style.listed(names) or "none of them" for names in (found.more, found.less))
    before, after = (style.listed(names) for names in found.order)
    order = (
        "is the same"
        if before == after
        else f"changes, which no test has asked about: {before} becomes {after}"
    )
    return (
        f"{answer}. The whole interval of the gain is above {BAR:g} for {more} and below {BAR:g} for {less}. "
        f"The order of the means {order}."
    )
