"""Page 6, shown: what permutation and translocation cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.photo_grid import grid_size, photo_grid
from rvernet_book.tables import AT_POWER, interval, with_bounds
from rvernet_core.data import noise
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments import noises
from rvernet_core.experiments.noise_robustness import Examples, NoiseFacts, ShiftFacts, Sweep
from rvernet_core.experiments.noises import INPUTS, PARTS
from rvernet_core.models.backbones import input_size

GROUPS = {"single": "single models", "RveRNet": "RveRNet, noise on both inputs"}
CURVE: dict[str, Any] = {"y": "value", "series": "model"}
BAND: dict[str, Any] = {"low": "low", "high": "high", "ylabel": "accuracy"}


def banner(page: Page) -> html.Html:
    """How many photos are behind the tables and the curves."""
    many, few = noises.photo_counts(page.study)
    size = input_size(page.study.profile.scale)
    page.glue("photos", many)
    page.glue("few", few)
    page.glue("input", size)
    page.glue("tile", noise.scaled(noise.RELEASE_PATCH, size))
    return page.banner(
        "The fine-tuned models of the pages before are evaluated again; only the section on making them robust trains "
        "models, with noise."
    )


def example_images(page: Page, examples: Examples) -> Bundle:
    """One sample under every noise."""
    names = [list(group) for group in examples.noises]
    titles = [row for group in names for row in ([""] * len(group), group)]
    noises = [(name, str(noise)) for group in examples.noises for name, noise in group.items()]
    return page.figure(
        "noisy-examples",
        lambda ax: photo_grid(
            ax, examples.images, titles=titles, row_labels=["ROI", "extra-ROI"] * 2, title_lines=0
        ),
        pd.DataFrame(noises, columns=["noise", "settings"]),
        alt=alt.of_photos(names, what="One sample under each noise, as a ROI and an extra-ROI module see it"),
        caption="One sample under both noises, at the nets' input size; tiles and shifts as at 224 px, shares are those of the image's side.",
        size=grid_size(4, len(examples.images[0]), title_lines=1, labels=0.8),
    )


# --- at the release's settings ------------------------------------------------------------------------


def single_table(page: Page, kind: str, costs: pd.DataFrame, pair: tuple[str, str]) -> Bundle | None:
    """What a noise costs the single models."""
    return _cost_table(page, f"{kind}-single", costs, "Single models, which see the ROI alone,", kind, pair)


def rvernet_table(page: Page, kind: str, costs: pd.DataFrame, pair: tuple[str, str]) -> Bundle | None:
    """What a noise costs the RveRNets."""
    return _cost_table(page, f"{kind}-rvernet", costs, "RveRNets", kind, pair)


def _cost_table(
    page: Page, name: str, costs: pd.DataFrame, who: str, kind: str, pair: tuple[str, str]
) -> Bundle | None:
    """The accuracy and the two drops; the file holds the other scores, too."""
    if costs.empty:
        return None
    values = ["accuracy", "accuracy_drop", "pair_f1_drop"]
    tests = {"accuracy_drop_p": "p, Holm", "accuracy_drop_smallest": "smallest found"}
    columns = with_bounds(values)
    columns = ["noise on"] * ("noise on" in costs) + columns[:6] + list(tests) + columns[6:]
    return page.table(
        name,
        costs[["model", *columns]],
        caption=f"{who} under {kind} at the release's setting; the pair is {' and '.join(pair)}. p after Holm's "
        "correction over the drops of all scores in the table's file, which holds them; and the smallest drop of "
        f"accuracy {AT_POWER}.",
        data=costs,
        labels={c: c.replace("_f1", "-F1").replace("_", " ") for c in columns} | tests,
        formats={"accuracy_drop_p": "{:.2g}"},
        intervals=values,
        best={value: "min" if "drop" in value else "max" for value in values},
    )


def glue_facts(page: Page, facts: dict[str, NoiseFacts]) -> None:
    """What each noise costs, for the prose."""
    for kind, f in facts.items():
        page.glue(f"{kind}-worst", style.label(f.worst))
        page.glue(f"{kind}-best", style.label(f.best))
        page.glue(f"{kind}-most", f.most, "{:.3f}")
        page.glue(f"{kind}-least", f.least, "{:.3f}")
        page.glue(f"{kind}-spread", interval(f.spread.value, f.spread.low, f.spread.high))
        page.glue(f"{kind}-losing", style.listed(f.losing.group[1:]) or "none")
        page.glue(f"{kind}-keeping", style.listed(f.keeping.group[1:]) or "none")
        ends = (
            f"{style.label(name)} {clean:.3f} to {noisy:.3f}" for name, (clean, noisy) in f.levels.items()
        )
        page.glue(f"{kind}-levels", ", ".join(ends))
        page.glue(f"{kind}-test", f"F = {f.test.statistic:.1f}, p = {f.test.p:.2g}")
        page.glue(
            f"{kind}-depends",
            "depends on the architecture" if f.depends else "does not show to depend on the architecture",
        )
        for name in INPUTS:
            page.glue(f"{kind}-{name}", f.pairs[name], "{:.3f}")
        for name, count in f.models.items():
            page.glue(f"{kind}-{name}-shown", f"{f.shown[name]} of {count}")


def omnibus_table(page: Page, facts: dict[str, NoiseFacts]) -> Bundle:
    """One test for each noise of whether the single models lose alike."""
    rows = pd.DataFrame(
        {
            "noise": list(facts),
            "models": [f.test.models for f in facts.values()],
            "F": [f.test.statistic for f in facts.values()],
            "df, models": [f.test.df[0] for f in facts.values()],
            "df, rest": [f.test.df[1] for f in facts.values()],
            "p": [f.test.p for f in facts.values()],
            "smallest": [f.spread.smallest for f in facts.values()],
        }
    )
    formats = {"F": "{:.1f}", "df, models": "{:.1f}", "df, rest": "{:.1f}"}
    return page.table(
        "robustness-omnibus",
        rows,
        caption="Do the single models lose alike? One F test over all of them for each noise, p after Holm's "
        "correction over the noises; and the smallest difference between two models that is found with a power of "
        "80 %.",
        formats=formats,
    )


# --- over severity ------------------------------------------------------------------------------------


def permutation_curves(page: Page, sweep: Sweep) -> Bundle:
    """Accuracy over ever smaller tiles."""
    sides = [name.split()[2] for name in noises.tiles()]
    ticks = dict(enumerate(["clean", *sides]))
    rows = [sweep.curves["permutation", group].drop(columns="share") for group in sweep.groups]
    return _curves(
        page,
        "permutation-curves",
        sweep,
        pd.concat(rows, ignore_index=True),
        "permutation",
        {"x": "step"},
        {"ticks": ticks, "xlabel": "side of a tile, px of 224"},
        what="accuracy over ever smaller tiles, step 0 being clean",
        caption="Accuracy under permutation with ever smaller tiles.",
    )


def translocation_curves(page: Page, sweep: Sweep) -> Bundle:
    """Accuracy over the shift."""
    rows = [sweep.curves["translocation", group] for group in sweep.groups]
    return _curves(
        page,
        "translocation-curves",
        sweep,
        pd.concat(rows, ignore_index=True),
        "translocation",
        {"x": "share"},
        {"xlabel": "shift upwards, share of the image's side"},
        what="accuracy over the shift",
        caption="Accuracy under translocation over the shift upwards; the shift to the right is 60/85 of it.",
        fmt="{:.2f}",
    )


def _curves(
    page: Page,
    name: str,
    sweep: Sweep,
    rows: pd.DataFrame,
    kind: str,
    at: dict[str, str],
    axis: dict[str, Any],
    *,
    what: str,
    caption: str,
    fmt: str = "{:.3f}",
) -> Bundle:
    """Single models above, RveRNets below."""

    def draw(axes) -> None:
        for ax, group in zip(np.atleast_1d(axes), sweep.groups, strict=True):
            charts.curves(ax, sweep.curves[kind, group], **at, **CURVE, **BAND, **axis, title=GROUPS[group])

    return page.figure(
        name,
        draw,
        rows,
        alt=alt.of_curves(rows, what=what, **at, **CURVE, fmt=fmt),
        caption=caption,
        grid=(len(sweep.groups), 1),
        size=(7.4, 2.9 * len(sweep.groups)),
    )


def rank_table(page: Page, ranks: pd.DataFrame, crossings: pd.DataFrame) -> Bundle:
    """Ranks of the single models at each severity, and who changes the order."""
    lines = [
        f"under {row['kind']}, {style.label(row['first'])} is ahead of {style.label(row['second'])} at “{row['ahead_at']}” and behind at “{row['behind_at']}”"
        for row in crossings.to_dict("records")
    ]
    page.glue("crossings", len(crossings))
    page.glue(
        "crossing-lines", "; ".join(lines) or "no two single models change places beyond their intervals"
    )
    steps = list(dict.fromkeys(ranks["noise"]))
    texts = ranks.drop_duplicates(["noise", "model"]).pivot(index="noise", columns="model", values="text")
    return page.table(
        "ranks",
        texts.loc[steps, list(page.study.backbones)].reset_index(),
        caption="Ranks of the single models by accuracy at each severity; an equals sign marks a shared rank.",
        data=ranks,
    )


# --- translocation, taken apart -----------------------------------------------------------------------


def surviving_table(page: Page, shares: pd.DataFrame) -> Bundle:
    """How much of the ROI stays in the frame."""
    released = shares.iloc[list(noises.SHIFTS).index(1)]
    page.glue("kept", released["ROI kept"], "{:.0%}")
    page.glue("kept-whole", released["kept whole"], "{:.0%}")
    return page.table(
        "surviving-share",
        shares,
        caption="Share of the ROI's pixels that stay in the frame (mean; in brackets the 10 % and 90 % quantiles), share of the ROIs that stay whole, and accuracy of the single models.",
        formats={column: "{:.0%}" for column in ("up by", "ROI kept", "kept whole")},
        keys=["up by"],
        intervals=["ROI kept"],
    )


def apart_table(page: Page, apart: pd.DataFrame, facts: ShiftFacts) -> Bundle:
    """Accuracy of the single models under the parts of the shift."""
    lost = facts.lost
    for key, name in zip(("gray", "black", "rolled", "covered"), PARTS, strict=True):
        page.glue(f"lost-{key}", lost[name], "{:.3f}")
    page.glue("larger-part", _larger_part_on_average(facts))
    page.glue("canvas-part", lost["moved on gray"] - lost["moved on black"], "{:+.3f}")
    page.glue("canvas-harm", _canvas_harm(facts))
    page.glue("rolled-most", style.label(facts.rolled_most))
    page.glue("rolled-least", style.label(facts.rolled_least))
    for end, cost in zip(("most", "least"), facts.rolled_costs, strict=True):
        page.glue(f"rolled-{end}-cost", cost, "{:+.3f}")
    wide = comparisons.widened(apart, ["model"], "noise").loc[list(page.study.backbones)]
    names = ["clean", *PARTS]
    return page.table(
        "taken-apart",
        wide[with_bounds(names)].reset_index(),
        caption="Accuracy of the single models under the release's shift and its parts: rolled is shift without loss, covered is loss without shift.",
        intervals=names,
        best={name: "max" for name in names},
        data=apart,
    )


def _larger_part_on_average(facts: ShiftFacts) -> str:
    """Which part is the larger one on average, and the models for which that is otherwise."""
    whole = _larger_part(facts.lost["rolled"], facts.lost["covered in black"])
    others = [name for name, parts in facts.apart.items() if _larger_part(*parts) != whole]
    return (
        f"on average {whole}, but not for {style.listed(others)}" if others else f"{whole}, for every model"
    )


def _larger_part(shift: float, loss: float) -> str:
    """Which of the two costs more accuracy, if either does, as far as three decimals tell."""
    shift, loss = round(shift, 3), round(loss, 3)
    if max(shift, loss) <= 0:
        return "neither costs accuracy"
    if shift == loss:
        return "the two cost alike"
    return f"{'the shift' if shift > loss else 'the loss'} is the larger part"


def _canvas_harm(facts: ShiftFacts) -> str:
    """Which model the gray canvas harms most, if it harms any, as far as three decimals tell."""
    if round(facts.canvas_cost, 3) <= 0:
        return "it harms none of them by itself"
    return f"it harms {style.label(facts.canvas_most)} most, by {facts.canvas_cost:.3f}"


# --- RveRNet against its ROI module -------------------------------------------------------------------


def against_table(page: Page, against: pd.DataFrame) -> Bundle | None:
    """How much more accuracy RveRNet loses than its ROI module alone; nothing where there are no pairs."""
    for verdict in ("more robust", "less robust", "undecided"):
        count = int((against["verdict"] == verdict).sum()) if len(against) else 0
        page.glue(verdict.replace(" ", "-"), count)
    page.glue("against", len(against))
    if against.empty:
        return None
    return page.table(
        "rvernet-against-single",
        against,
        caption="How much more accuracy RveRNet loses than its ROI module alone; below zero, RveRNet is the more "
        f"robust one. Verdicts by p after Holm's correction; the smallest difference {AT_POWER}.",
        intervals=["loses more by"],
        formats={"loses more by": "{:+.3f}"},
    )


def answer(page: Page, facts: dict[str, NoiseFacts]) -> html.Html:
    """Which architectures lose most and least."""
    parts: list[str] = []
    said = False  # whether the verb was said: what follows leaves it out
    for kind, f in facts.items():
        if not f.depends:
            parts.append(f"under {kind} the architectures are not shown to differ")
            continue
        words = "most" if said else "loses most accuracy"
        said = True
        most, least = (
            _extreme(f, group, rest)
            for group, rest in (
                (f.losing.group, "not shown to lose less"),
                (f.keeping.group, "not shown to lose more"),
            )
        )
        first, last = (style.label(group[0]) for group in (f.losing.group, f.keeping.group))
        parts.append(f"under {kind} **{first}** {words} ({most}) and {last} least ({least})")
    sentence = "; ".join(parts) + "."
    return page.headline(sentence[0].upper() + sentence[1:])


def _extreme(facts: NoiseFacts, group: Sequence[str], rest: str) -> str:
    """What the first of a group loses, from where to where, and who is not told from it."""
    clean, noisy = facts.levels[group[0]]
    lost = f"{clean - noisy:.3f}, from {clean:.3f} to {noisy:.3f}"
    return f"{lost}; {rest}: {style.listed(group[1:])}" if group[1:] else lost
