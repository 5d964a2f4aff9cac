"""Page 4, shown: what was possible on the ambiguous pairs, the drinks, and other laws of the sauces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, interval, over
from rvernet_core.experiments.ketchup_vs_chili import AgainstPaper, Ambiguous
from rvernet_core.experiments.possible import CHANCE, Chance, OtherLaws, Reached

#: `Chance.verdict` of the single models together, in a sentence.
TOGETHER = {
    "at chance": "not shown to differ from it",
    "above chance": "above it",
    "below chance": "below it",
}


def control_table(page: Page, pairs: Sequence[Ambiguous], scores: Sequence[pd.DataFrame]) -> Bundle:
    """Nets and controls on the items of each ambiguous pair, one line a model."""
    names = [" / ".join(pair.classes) for pair in pairs]
    long = pd.concat(
        [table.assign(pair=name) for name, table in zip(names, scores, strict=True)], ignore_index=True
    ).drop(columns=["parameters", "seconds"])
    wide = long[["model", "kind"]].drop_duplicates().reset_index(drop=True)
    labels = {}
    for name, table in zip(names, scores, strict=True):
        columns = {
            f"{m}{end}": f"{name}: {m}{end}"
            for m in ("pair_f1", "pair_accuracy")
            for end in ("", "_low", "_high")
        }
        wide = wide.merge(table[["model", *columns]].rename(columns=columns), on="model", how="left")
        labels |= {f"{name}: pair_f1": f"{name}: F1", f"{name}: pair_accuracy": f"{name}: accuracy"}
    return page.table(
        "controls",
        wide,
        caption="Nets and controls on the items of the ambiguous pairs alone. The companions are the true list of "
        "the other foods; the ideal observers know the law and one cue or both; these are told that an item is one of the two.",
        labels=labels,
        intervals=list(labels),
        data=long,
    )


def possible_table(page: Page, possible: pd.DataFrame, tenth: AgainstPaper | None) -> Bundle | None:
    """Every net against what was possible on the same items; nothing where the law is unknown.

    Glues the comparison with the paper's tenth. What an ideal observer gains is a part of the answer.
    """
    _glue_possible(page, possible)
    page.glue("against-paper", against_paper(tenth))
    if possible.empty:
        return None
    columns = [
        "pair_accuracy",
        "possible pair_accuracy",
        "short",
        "pair_f1",
        "possible pair_f1",
        "gain",
        "possible gain",
    ]
    shown = [c for name in columns for c in (name, f"{name}_low", f"{name}_high") if c in possible]
    return page.table(
        "possible",
        possible[["pair", "model", *shown]],  # the kind shows in the name
        caption="Every net against the ideal observer that sees what it sees, on the same items: single models against "
        "the one of the look, RveRNets against the one of both cues. The gain, in F1, is over the single model of the ROI "
        "module; where that answers mostly one of the two, its F1 lies below its accuracy, and a gain in F1 is larger than "
        f"one in accuracy. The file has the smallest difference and the smallest gain, too, {AT_POWER}.",
        labels={
            "pair_accuracy": "accuracy",
            "possible pair_accuracy": "possible accuracy",
            "short": "accuracy minus possible",
            "pair_f1": "F1",
            "possible pair_f1": "possible F1",
            **({"gain": "gain in F1"} if "gain" in possible else {}),
        },
        formats={c: "{:+.3f}" for c in ("short", "gain", "possible gain") if c in possible},
        intervals=[c for c in ("pair_accuracy", "short", "pair_f1", "gain") if c in possible],
        data=possible,
    )


def _glue_possible(page: Page, possible: pd.DataFrame) -> None:
    """The best single model and the largest gain on the first pair, beside what was possible."""
    numbers = dict.fromkeys(("reached-single", "possible-single", "reached-gain", "possible-gain"), "unknown")
    if not possible.empty:
        first = possible[possible["pair"] == possible["pair"].iloc[0]]
        single = first[first["kind"] == "single"].nlargest(1, "pair_accuracy").iloc[0]
        numbers["reached-single"] = f"{single['pair_accuracy']:.3f}"
        numbers["possible-single"] = f"{single['possible pair_accuracy']:.3f}"
        pairs = first[first["kind"] == "RveRNet"]
        if len(pairs):
            top = pairs.nlargest(1, "gain").iloc[0]
            reached = interval(top["gain"], top["gain_low"], top["gain_high"], "{:+.3f}")
            numbers["reached-gain"] = f"{reached}, of {style.label(top['model'])}"
            numbers["possible-gain"] = f"{top['possible gain']:+.3f}"
            page.headline(
                "On the items of the pair alone an ideal observer gains "
                f"{numbers['possible-gain']} F1 from the company; the gains of the RveRNets over their own ROI module alone are "
                f"{pairs['gain'].min():+.3f} to {pairs['gain'].max():+.3f}."
            )
    for name, text in numbers.items():
        page.glue(name, text)


def against_paper(found: AgainstPaper | None) -> str:
    """Our gain beside the paper's tenth, and why the two differ."""
    if found is None:
        return "There is no RveRNet here whose gain could be compared with the paper's"
    relation = {1: "shown to be above", -1: "shown to be below", 0: "not shown to differ from"}[found.side]
    gain, on_items = (interval(*part, "{:+.3f}") for part in (found.gain, found.on_items))
    share = "no share of that of the single model, which is zero"
    if found.relative is not None:
        share = f"{found.relative:+.0%} as a share of that of the single model"
    text = (
        f"The gain of {style.label(found.pair)} over the single model with the highest F1 is {gain} F1, {relation} the paper's "
        f"tenth, if points are meant; it is {share}. "
    )
    if np.isnan(found.room):
        return (
            text + "Why the two differ cannot be said: what there was to gain is known neither here nor there"
        )
    larger = "the data" if abs(found.by_room) >= abs(found.by_nets) else "the nets"
    return text + (
        f"On the items of the pair alone, over the single model of its own ROI module, it is {on_items}. There an ideal "
        f"observer gains {found.room:+.3f} from the company, so the data account for {found.by_room:+.3f} of the difference "
        f"to a tenth. The single model stays {found.single_short:.3f} behind what the look allows and the RveRNet "
        f"{found.pair_short:.3f} behind what both cues allow, so the nets account for {found.by_nets:+.3f}. The larger part "
        f"is that of {larger}. How much there was to gain on the paper's own photos is unknown"
    )


def drinks(
    page: Page, pairs: Sequence[Ambiguous], chance: Chance | None, tables: Sequence[pd.DataFrame]
) -> html.Html | None:
    """The pair that looks the same: single models against chance, and all models; nothing on other data."""
    if chance is None:
        for name in ("", "-count", "-d", "-rho", "-together", "-verdict", "-pairs"):
            page.glue(f"drinks{name}", "none")
        return None
    pair, scores = pairs[0], tables[0]
    alone = style.which(chance.above, len(chance.table) - 1)
    verdict = f"shown to be above chance by itself: {alone}; together they are {TOGETHER[chance.verdict]}"
    reached = drinks_reached(pair, scores)
    page.glue("drinks-pairs", reached)
    page.headline(f"On {' and '.join(pair.classes)}, which look the same, {reached}.")
    page.glue("drinks", " / ".join(pair.classes))
    page.glue("drinks-count", " and ".join(map(str, pair.counts)))
    page.glue("drinks-d", pair.d, "{:g}")
    page.glue("drinks-rho", pair.rho, "{:g}")
    page.glue("drinks-together", interval(*chance.together))
    page.glue("drinks-verdict", verdict)
    table = page.table(
        "drinks",
        chance.table.drop(columns=["pair_accuracy_spread", "seeds"]),
        caption=f"Single models on {pair.classes[0]} and {pair.classes[1]}, of which the ROI says nothing: accuracy, "
        "p of the null that it is that of chance (of single models after Holm's correction), the smallest distance from "
        f"chance {AT_POWER}, and the verdict; at chance: not shown to differ from it.",
        labels={"pair_accuracy": "accuracy on the pair"},
        formats={"p": "{:.2g}"},
        intervals=["pair_accuracy"],
        data=chance.table,
    )
    columns = {
        "label": "model",
        "value": "pair_accuracy",
        "low": "pair_accuracy_low",
        "high": "pair_accuracy_high",
    }
    references = {"chance": CHANCE, "the best, ROI + context": pair.ceilings["ceiling, ROI + context"]}
    drawn = scores.assign(colours=scores["model"].where(scores["kind"] != "control", "muted"))
    what = f"accuracy on {pair.classes[0]} and {pair.classes[1]}"
    chart = page.figure(
        "drinks-chart",
        lambda ax: charts.dots(ax, drawn, **columns, colours="colours", references=references, xlabel=what),
        scores[["model", "kind", "pair_accuracy", "pair_accuracy_low", "pair_accuracy_high"]],
        alt=alt.of_dots(scores, what=f"{what} by model", references=references, **columns),
        caption="Accuracy on the two drinks: from the ROI alone one can only guess, and the company tells them up to the second "
        "line. Dashed: chance, and the best on average from ROI and context.",
        size=(7.4, 0.34 * len(scores) + 1.1),
    )
    return html.together(table.html, chart.html)


def drinks_reached(pair: Ambiguous, scores: pd.DataFrame) -> str:
    """The accuracies of RveRNets on the items of `pair`, beside what was possible; scores: `possible.scores`."""
    accuracy = scores.set_index("model")["pair_accuracy"]
    ideal = accuracy.get("ideal-both", pair.ceilings["ceiling, ROI + context"])
    nets = scores[scores["kind"] == "RveRNet"]
    if nets.empty:
        return f"an accuracy of {ideal:.3f} is possible from ROI and company, and no RveRNet was trained"
    above = int((nets["pair_accuracy_low"] > CHANCE).sum())
    reached = nets["pair_accuracy"]
    return (
        f"RveRNets have an accuracy of {reached.min():.3f} to {reached.max():.3f}, where {ideal:.3f} was possible from ROI "
        f"and company; with their whole interval above chance: {above} of {len(nets)}"
    )


def law_table(page: Page, laws: pd.DataFrame, facts: OtherLaws) -> Bundle | None:
    """Models under other laws of the sauces, beside what was possible; nothing on other data."""
    exceptions = {
        "told the sauces apart where they look the same": facts.told,
        "gained from company that says nothing": facts.gained,
        "did better than was possible": facts.beyond,
    }
    named = "; ".join(f"{what}: {', '.join(map(_under, who))}" for what, who in exceptions.items() if who)
    page.glue("laws-compared", facts.compared)
    page.glue(
        "laws-verdict",
        "none is shown to gain what it should not"
        if facts.as_it_should
        else f"by tests corrected over all questions, {named}",
    )
    sure = sum(one.shown for one in facts.reached)
    count = f" ({sure} of {len(facts.reached)} gains are shown, after Holm's correction)"
    reached = "; ".join(map(_reached, facts.reached))
    page.glue("laws-reached", reached + count if reached else "there is no such law here")
    if laws.empty:
        return None
    shown = laws.drop(columns=["seeds", *(c for c in laws if c.startswith(("p of ", "smallest ")))])
    pairs = "gain" in laws
    return page.table(
        "other-laws",
        shown,
        keys=["d", "rho"],
        caption="The sauces under other laws, on which models were trained and tested anew: with the same look for both, with companions "
        "that say nothing, and with looks that are nearer and companions that say more, so that an ideal observer gains more than a "
        "tenth. Accuracy on the sauces alone, against the ideal observer on the same items; the gain, in accuracy, is over the single "
        f"model of the ROI module, paired over {over(int(laws['seeds'].min()))}. The file has the smallest difference and the smallest "
        f"gain, too, {AT_POWER}.",
        labels={"pair_accuracy": "accuracy", "short": "accuracy minus possible", "rho": "ρ"},
        formats={"d": "{:g}", "rho": "{:g}", "short": "{:+.3f}"}
        | ({"gain": "{:+.3f}", "possible gain": "{:+.3f}"} if pairs else {}),
        intervals=["pair_accuracy", "short", *(["gain"] if pairs else [])],
        data=laws,
    )


def _under(who: str) -> str:
    """`vit + vit (no context)` for readers."""
    model, law = who.removesuffix(")").split(" (")
    return f"{style.label(model)} ({law})"


def _reached(one: Reached) -> str:
    gain = interval(*one.gain, "{:+.3f}")
    return (
        f"{style.label(one.model)} ({one.law}) {gain} of {one.possible:+.3f}{', shown' if one.shown else ''}"
    )
