"""Page 2, shown: what twice the epochs change."""

from __future__ import annotations

from rvernet_book import style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER
from rvernet_core import uncertainty
from rvernet_core.experiments.doubled_epochs import Doubled
from rvernet_core.experiments.recipe_search import BAR


def gain_table(page: Page, found: Doubled) -> Bundle | None:
    """One row a model; glues what was seen, also where the profile spares the check."""
    page.glue("doubled-epochs", sentence(page.profile, found))
    if found.table.empty:
        return None
    count = int(found.table["seeds"].iloc[0])
    over = f"{count} seeds and photos" if count > 1 else uncertainty.over(count)
    return page.table(
        "doubled-epochs",
        found.table.drop(columns="seeds"),
        data=found.table,
        caption="Accuracy as trained and after twice the epochs, each a training of its own whose cosine ends with "
        f"its last epoch; the gain is paired over {over}. The smallest gain {AT_POWER}.",
        keys=["epochs"],
        formats={"gain": "{:+.3f}"},
        intervals=["gain"],
    )


def sentence(profile: str, found: Doubled) -> str:
    """What twice the epochs change, against the bar of the search, in plain words."""
    if found.table.empty:
        return f"The {profile} profile spares this check."
    more, less = (style.listed(names) or "none of them" for names in (found.more, found.less))
    before, after = (style.listed(names) for names in found.order)
    order = "stays the same" if before == after else f"changes: it was {before}, and becomes {after}"
    return (
        f"The gain is shown to be more than {BAR:g} for {more} and less than {BAR:g} for {less}. "
        f"The order of the means {order}."
    )
