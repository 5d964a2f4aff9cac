"""Pages 2 and 3, shown: a comparison again, each net by the second recipe of its search."""

from __future__ import annotations

from rvernet_book import style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, over
from rvernet_core.experiments.second_recipes import FIRST, Again


def difference_table(page: Page, name: str, who: str, again: Again) -> Bundle | None:
    """`who` against each other model by second recipes; glues what was seen, also where nothing was repeated."""
    page.glue("second-recipes", sentence(page.profile, who, again))
    if again.table.empty:
        return None
    return page.table(
        name,
        again.table.drop(columns="seeds"),
        data=again.table,
        caption=f"Accuracy of {who} minus that of each other model, every net trained by the second recipe of its "
        f"search, paired over {over(int(again.table['seeds'].iloc[0]))}; beside it the mean difference by the first recipes. The smallest difference "
        f"{AT_POWER}.",
        formats={"difference": "{:+.3f}", FIRST: "{:+.3f}"},
        intervals=["difference"],
    )


def sentence(profile: str, who: str, again: Again) -> str:
    """What the second recipes change, in plain words."""
    if not again.asked:
        return "There is nothing to compare."
    if again.table.empty:
        return f"The comparison is not repeated here: the {profile} profile has no second recipe for each of these nets."
    others = len(again.table)
    ahead, behind, turned = (
        style.which(names, others, "none of the others")
        for names in (again.ahead, again.behind, again.turned)
    )
    gone = [
        f"{what} {style.which(names, others)}"
        for what, names in (("a lead over", again.leads_gone), ("that it is behind", again.lags_gone))
        if names
    ]
    text = (
        f"By the second recipes {who} is shown to be ahead of {ahead} and behind {behind}. "
        f"The mean difference has another sign than by the first recipes against {turned}."
    )
    if gone:
        seeds = over(int(again.table["seeds"].iloc[0]))
        text += f" Shown by the first recipes and not by the second, over {seeds}: {', and '.join(gone)}."
    return text
