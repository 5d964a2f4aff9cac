"""Page 4, shown: models on the ambiguous pairs, and what context decides there."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rvernet_book import alt, charts, grids, html, style
from rvernet_book.answer_grid import Answered, answer_grid, answer_size, in_words
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.pages.rvernet import frozen_why, trained_otherwise
from rvernet_book.photo_grid import grid_size, photo_grid
from rvernet_book.tables import AT_POWER, interval, tidy
from rvernet_core.evaluation.comparisons import model_name
from rvernet_core.experiments.ketchup_vs_chili import Ambiguous, GridOnPair, Verdict
from rvernet_core.experiments.rvernet import Otherwise
from rvernet_core.experiments.study import Modules

SHOWN = 8  # samples in the first picture
CASES = 3  # sauces of either kind that are shown where context decides


def sample_photos(page: Page, pair: Ambiguous) -> Bundle:
    """Samples of the pair: photo, ROI and extra-ROI. Glues the pair, its counts and the law."""
    for name, key, count in zip(pair.classes, ("first", "second"), pair.counts, strict=True):
        page.glue(key, name)
        page.glue(f"{key}-count", count)
    for name, number in {"d": pair.d, "rho": pair.rho}.items():
        page.glue(name, "unknown" if number is None else f"{number:g}")
    test, few = page.study.data.test, pair.samples[:SHOWN]
    photos = [[test.photo(i) for i in few], *[[test.cutouts(i)[part] for i in few] for part in (0, 1)]]
    names = [test.samples[i].class_name for i in few]
    titles = [[""] * len(few), [""] * len(few), names]
    return page.figure(
        "sauces",
        lambda ax: photo_grid(
            ax, photos, titles=titles, row_labels=["photo", "ROI", "extra-ROI"], title_lines=0
        ),
        pd.DataFrame({"sample": few, "class": names}),
        alt=alt.of_photos([names], what="samples of the ambiguous pair: photo, ROI and extra-ROI cut-out"),
        caption=f"Samples of {pair.both} in the test set: photo, ROI and extra-ROI.",
        size=grid_size(3, len(few), labels=0.8),
    )


def score_table(page: Page, pair: Ambiguous, scores: pd.DataFrame) -> Bundle:
    """F1 and accuracy on the pair of all models."""
    return page.table(
        "sauces-f1",
        scores.drop(columns=["pair_f1_spread", "pair_accuracy_spread", "parameters", "seconds", "seeds"]),
        caption=f"F1 and accuracy on {pair.both}, with 95 % intervals over {page.over}.",
        labels={"pair_f1": "F1 of the pair", "pair_accuracy": "accuracy on the pair"},
        intervals=["pair_f1", "pair_accuracy"],
        best={"pair_f1": "max", "pair_accuracy": "max"},
        data=scores,
    )


def score_chart(page: Page, pair: Ambiguous, scores: pd.DataFrame) -> Bundle:
    """The same as dots, against the best that any model could reach."""
    columns = {"label": "model", "value": "pair_f1", "low": "pair_f1_low", "high": "pair_f1_high"}
    return page.figure(
        "sauces-f1-chart",
        lambda ax: charts.dots(ax, scores, **columns, references=pair.ceilings, xlabel=f"F1 of {pair.both}"),
        scores[["model", "kind", "pair_f1", "pair_f1_low", "pair_f1_high"]],
        alt=alt.of_dots(scores, what=f"F1 of {pair.both} by model", references=pair.ceilings, **columns),
        caption=f"F1 on {pair.both}: single models see the ROI alone, RveRNets also its surroundings."
        + (" Dashed: the best that any model could reach." if pair.ceilings else ""),
        size=(7.4, 0.34 * len(scores) + 1.1),
    )


def gain_table(page: Page, gains: pd.DataFrame, otherwise: Sequence[Otherwise]) -> Bundle | None:
    """Gain in F1 from the extra-ROI module; nothing where there are no pairs. Glues who is trained otherwise."""
    page.glue("trained-otherwise", trained_otherwise(otherwise))
    if gains.empty:
        return None
    return page.table(
        "sauces-gain",
        gains,
        caption="Gain in the F1 of the pair from the extra-ROI module; the counts are samples of the pair per "
        f"seed. The smallest gain {AT_POWER}.",
        labels={"gain": "gain in F1", "McNemar p": "McNemar's p, largest over seeds"},
        formats={
            "gain": "{:+.3f}",
            "only RveRNet right": "{:.0f}",
            "only single right": "{:.0f}",
            "McNemar p": "{:.2g}",
        },
        intervals=["gain"],
        best={"gain": "max"},
    )


def answer(page: Page, pair: Ambiguous, verdict: Verdict) -> html.Html | None:
    """How much RveRNet gains on the pair over the single model with the highest F1."""
    gain = interval(*verdict.gain, "{:+.3f}") if verdict.gain else "none"
    page.glue("best-single", style.label(verdict.single))
    page.glue("best-single-f1", verdict.single_f1, "{:.3f}")
    page.glue("best-pair", style.label(verdict.pair or "none"))
    page.glue("best-gain", gain)
    page.glue("leading-singles", style.unbeaten(verdict.singles) if verdict.singles else "none")
    page.glue("leading-pairs", style.unbeaten(verdict.pairs) if verdict.pairs else "none")
    share = verdict.relative_gain
    unknown = "no share, as that is zero," if verdict.gain else "none"
    page.glue("relative-gain", unknown if share is None else f"{share:+.0%}")
    page.glue("significant", verdict.significant)
    page.glue("compared", verdict.compared)
    for name, value in zip(("roi-ceiling", "roi-context-ceiling"), pair.ceilings.values(), strict=False):
        page.glue(name, value, "{:.3f}")
    if verdict.pair is None or verdict.pairs is None:
        return None
    single, best = (style.label(name) for name in (verdict.single, verdict.pair))
    against = f"On {pair.classes[0]} against {pair.classes[1]}"
    if not verdict.significant:
        return page.headline(
            f"{against}, none of {verdict.compared} RveRNets is shown to gain F1: the highest, **{best}**, stands {gain} "
            f"from the highest single model, {single}."
        )
    group = verdict.pairs.group
    lead = (
        ""
        if len(group) == 1
        else f" (not shown to be behind the highest RveRNet: {style.unbeaten(verdict.pairs)})"
    )
    return page.headline(
        f"{against}, **{best}**{lead} gains {gain} F1 over the single model with the highest F1, {single}; "
        f"{verdict.significant} of {verdict.compared} RveRNets are shown to gain."
    )


def grid_chart(page: Page, grid: GridOnPair) -> Bundle:
    """F1 of the pair for every combination of modules."""
    frozen = page.study.profile.grid_frozen
    page.glue("grid-pair-best", style.label("+".join(grid.best.group[0])))
    page.glue("grid-pair-leading", len(grid.best.group))
    page.glue("grid-pair-cells", grid.f1.size)
    page.glue("grid-pair-f1", grid.f1.to_numpy().max(), "{:.3f}")
    page.glue("grid-pair-extra", style.unbeaten(grid.best_extra_roi))
    page.glue("grid-pair-how", "with frozen backbones" if frozen else "fine-tuned as a whole")
    page.glue("grid-pair-why", frozen_why(grid.against, "F1 on the pair"))
    return page.figure(
        "sauces-grid",
        lambda ax: grids.heat(ax, grid.f1),
        tidy(grid.scores, profile=page.profile, seeds=len(page.seeds)),
        alt=alt.of_heat(grid.f1, what="F1 of the ambiguous pair"),
        caption="F1 of the ambiguous pair for every pair of modules.",
        size=(6.4, 4.6),
    )


def confusion_chart(page: Page, confusions: dict[str, pd.DataFrame]) -> Bundle:
    """What is taken for what, one matrix a model."""
    matrices = {style.label(name): matrix for name, matrix in confusions.items()}
    counts = pd.concat(
        matrix.rename_axis("truth")
        .reset_index()
        .melt("truth", var_name="predicted", value_name="count")
        .assign(model=name)
        for name, matrix in matrices.items()
    )

    def draw(axes) -> None:
        for ax, (name, matrix) in zip(axes if len(matrices) > 1 else [axes], matrices.items(), strict=True):
            grids.confusion(ax, matrix, title=name)

    return page.figure(
        "sauces-confusion",
        draw,
        counts,
        alt=" ".join(alt.of_confusion(m, what=f"the pair by {name}") for name, m in matrices.items()),
        caption="What the samples of the pair are taken for by the single model and by the RveRNet with the highest F1 on it: "
        "counts over all seeds, rows the truth.",
        grid=(1, len(matrices)),
        size=(7.4, 2.9),
    )


def case_photos(page: Page, cases: pd.DataFrame, best: Modules | None) -> Bundle | None:
    """Sauces that context rescues or loses, and what each model calls them; nothing where there are none."""
    for case in ("rescued", "lost"):
        page.glue(case, int((cases["case"] == case).sum()))
    if cases.empty:
        return None
    test, models = page.study.data.test, cases.columns[3:]
    name = style.label(model_name(best or ()))
    titles = {
        "rescued": f"rescued by {name}",
        "lost": f"lost by {name}",
    }
    captions = {
        "rescued": "Rescued: samples of the pair that most runs of every single model get wrong and every run of the RveRNet "
        "with the highest F1 right.",
        "lost": "Lost: samples of the pair that most runs of every single model get right and every run of the RveRNet with "
        "the highest F1 wrong.",
    }
    groups = [
        Answered(
            titles[case],
            {
                "photo": [test.photo(i) for i in part["sample"]],
                "ROI": [test.cutouts(i)[0] for i in part["sample"]],
            },
            list(part["truth"]),
            {model: list(part[model]) for model in models},
            [[test.mask(i)] for i in part["sample"]],
        )
        for case, whole in cases.groupby("case", sort=False)
        for part in [whole.iloc[:CASES]]
    ]
    what = f"Samples of the pair that {name} rescues or loses, photo above and ROI below, and each model's answer"
    return page.figure(
        "rescued",
        lambda ax: answer_grid(ax, groups),
        cases,
        alt=in_words(groups, what),
        caption=" ".join(text for case, text in captions.items() if (cases["case"] == case).any())
        + " Below each: the truth, and the most common answer of each model over its seeds, ticked where it is right.",
        size=answer_size(groups),
    )
