"""The claim ledger: every claim of the paper with its rule, its verdicts and what carries over, as Markdown.

The page `book/claims.md` and the front page hold the marker LEDGER or SUMMARY; the text in its place is
made anew in every build (`book/_ext/claim_ledger.py`), for a page may have become stale. The README holds
the summary between two markers, written by `python -m rvernet_book claims`. That also writes when each rule
was committed, read from git's history, into `book/claims.dates.json`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import yaml

from rvernet_book import claims, site
from rvernet_book.blocks import Block
from rvernet_book.claims import NEEDS, RULES, SOURCES, TESTS, VERDICTS, Claim, Condition, Judgement
from rvernet_book.places import ROOT
from rvernet_core import files
from rvernet_core.errors import RecordError
from rvernet_core.experiments.profiles import settings

DATES = "claims.dates.json"
DEMO = "claims.demo.json"  # the verdicts of the last demo that was kept, for checkouts without one
LEDGER, SUMMARY = "<!-- claim ledger -->", "<!-- claim summary -->"
BLOCK = Block("claims")  # of the README
#: A mark beside each word.
MARKS: dict[str, str] = dict(zip(VERDICTS, ("✔", "◐", "○", "✘", "–", "…"), strict=True))


# --- judging ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Entry:
    """A claim, when its rule was committed, and what each record says of it."""

    claim: Claim
    written: str  # ISO 8601; empty: not committed yet
    judgements: tuple[Judgement, ...]  # the book's own record first


def entries(book: Path, others: Mapping[str, Path] | None = None) -> list[Entry]:
    """The ledger's entries: judged by `book`/experiments, and by other folders of executed pages.

    others: profile -> folder of executed pages.
    """
    records = [book / "experiments", *(others or {}).values()]
    stale = [site.stale(experiments) for experiments in records]
    written = read_dates(book)
    found = []
    for claim in claims.read_claims(book / RULES):
        date = written.get(claim.id, "")
        judged = (
            _judged(claim, experiments, of_record, date)
            for experiments, of_record in zip(records, stale, strict=True)
        )
        found.append(Entry(claim, date, tuple(judged)))
    return found


def _judged(claim: Claim, experiments: Path, stale: Mapping[str, str], date: str) -> Judgement:
    """The verdict; none by a rule without a date, which may have been written after the results."""
    found = claims.judge(claim, experiments, stale, date)
    if date or claim.rule is None:
        return found
    return Judgement(
        claims.UNJUDGED, "the rule, as it is now, is not committed", found.profile, found.executed
    )


def other_records(experiments: Path) -> dict[str, Path]:
    """Executed pages of other profiles that lie in this checkout: the record, and a demo of one's own."""
    known = {"full": ROOT / "book" / "experiments", "demo": ROOT / "_build" / "demo" / "experiments"}
    own = _profile(experiments)
    return {name: path for name, path in known.items() if name != own and _profile(path) == name}


def _profile(experiments: Path) -> str:
    pages = sorted(experiments.glob("files/*.page.json"))
    return json.loads(pages[0].read_text("utf-8"))["provenance"]["profile"] if pages else ""


def keep_demo(book: Path, demo: Path) -> Path:
    """Keep what the executed pages in `demo` say of every claim, beside the rules; returns the file."""
    rules = fingerprints((book / RULES).read_text("utf-8"))
    kept = {
        entry.claim.id: {"rule": rules[entry.claim.id], "judgement": dataclasses.asdict(entry.judgements[-1])}
        for entry in entries(book, {"demo": demo})
        if entry.claim.rule is not None
    }
    for facts in kept.values():
        del facts["judgement"]["rows"]  # all but the one that decides stay in the demo's own tables
        if row := facts["judgement"]["shown"]:  # an omnibus test has no interval, and JSON no NaN
            facts["judgement"]["shown"] = {key: value for key, value in row.items() if value == value}
    return files.write_json(book / DEMO, {"settings": settings("demo"), "claims": kept})


def kept_demo(book: Path) -> dict[str, Judgement]:
    """Claim -> what the kept demo says of it by the rule as it is now; nothing where none was kept."""
    path = book / DEMO
    stored = json.loads(path.read_text("utf-8")) if path.is_file() else {"claims": {}}
    rules = fingerprints((book / RULES).read_text("utf-8"))
    found = {}
    for name, facts in stored["claims"].items():
        if facts["rule"] == rules.get(name):
            row = facts["judgement"].pop("shown")
            shown = row and claims.Row(**{"low": math.nan, "high": math.nan, **row})
            judged = Judgement(**facts["judgement"], shown=shown)
            if stored["settings"] != settings("demo"):
                changed = "the demo's settings have changed since"
                judged = Judgement(claims.UNJUDGED, changed, judged.profile, judged.executed)
            found[name] = judged
    return found


def _with_demo(found: list[Entry], kept: Mapping[str, Judgement]) -> list[Entry]:
    """The entries, each with the kept demo's verdict last where there is one."""
    more = [(kept[entry.claim.id],) if entry.claim.id in kept else () for entry in found]
    return [
        dataclasses.replace(entry, judgements=entry.judgements + own)
        for entry, own in zip(found, more, strict=True)
    ]


# --- the page -----------------------------------------------------------------------------------------


def ledger(found: list[Entry]) -> str:
    """Markdown: a section for each claim; its rule stands before its results."""
    return "\n\n".join(_section(entry) for entry in found)


def _section(entry: Entry) -> str:
    claim = entry.claim
    where = f", {claim.where}" if claim.where else ""
    lines = [
        f"({anchor(claim)})=",
        f"## {claim.says}",
        "",
        f"*Claimed in {SOURCES[claim.source]}{where}.*",
        "",
    ]
    if claim.rule is None:
        lines += [f"**{claims.UNTESTABLE.capitalize()}.** {claim.against}", ""]
    else:
        when = f"committed {entry.written[:10]}" if entry.written else "not committed yet"
        lines += [f"**The rule** ({when}). {_rule(claim.rule)}"]
        if claim.also:
            lines += ["", "It is reproduced only if this holds, too:", ""]
            lines += [f"- {_rule(other)}" for other in claim.also]
        lines += ["", f"**What would count against it.** {claim.against}", ""]
        lines += ["| Profile | Verdict | What decides | Seeds | Page executed |", "|---|---|---|---|---|"]
        lines += [_verdict_row(judgement) for judgement in entry.judgements]
        lines += [""]
    return "\n".join([*lines, f"**What carries over.** {claim.reading}"])


def _rule(condition: Condition) -> str:
    """A condition in words."""
    link = f"[{condition.table}](experiments/{condition.page}.ipynb)"
    rows = ", ".join(f"{column}: {_either(value)}" for column, value in condition.rows.items())
    size = f", and by {condition.size:g} or more" if condition.size else ""
    expected = {
        "above": f"above {condition.than:g}{size}",
        "below": f"below {condition.than:g}{size}",
        "differs": "not the same for all",
    }[condition.direction]
    text = f"{condition.quantity[0].upper()}{condition.quantity[1:]} is {expected} in {NEEDS[condition.need]}"
    text += f" of table {link}{f' with {rows}' if rows else ''}; {TESTS[condition.test]}"
    text += f"; at least {condition.seeds} seeds" if condition.seeds > 1 else ""
    if condition.size:
        text += (
            f". Where that is not shown, and too few intervals reach {condition.size:g}, it is contradicted"
        )
    if condition.negligible:
        text += f". A row that would have found {condition.negligible:g} and found nothing speaks against it"
    return text + "."


def _either(value: object) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def _verdict_row(judgement: Judgement) -> str:
    reason = f" ({judgement.reason})" if judgement.reason else ""
    row = judgement.shown
    number = "" if row is None else f"{row.label}: {_number(row)}"
    seeds = "" if row is None else str(row.seeds)
    cells = [judgement.profile or "-", f"{_marked(judgement.verdict)}{reason}", number, seeds]
    return "| " + " | ".join([*cells, judgement.executed[:10]]) + " |"


def _number(row: claims.Row) -> str:
    if row.low == row.high == row.value:
        return f"{row.value:g}"
    bounds = "" if row.low != row.low else f" [{row.low:.3f}, {row.high:.3f}]"
    return f"{row.value:.3f}{bounds}"


def _marked(verdict: str) -> str:
    return f"{MARKS[verdict]} **{verdict}**"


def anchor(claim: Claim) -> str:
    """The label of a claim's section."""
    return f"claim-{claim.id}"


# --- the summary --------------------------------------------------------------------------------------


def summary(found: list[Entry], page: str = "", label: str = "#{}") -> str:
    """Markdown: a line for each claim with its verdict by the book's own record, and the count of each word.

    page: address of the ledger; in the book the label of a section is enough. label: how that is written.
    """
    lines = []
    for entry in found:
        verdict, address = _marked(entry.judgements[0].verdict), page + label.format(anchor(entry.claim))
        lines.append(f"| {entry.claim.says} | [{verdict}]({address}) |")
    counts = Counter(entry.judgements[0].verdict for entry in found)
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return "\n".join(["| What the paper claims | Verdict here |", "|---|---|", *lines, "", f"*{words}.*"])


def in_readme(book: Path, readme: Path) -> str:
    """The text of `readme` with the summary between its two markers; RecordError where it lacks them."""
    return BLOCK.replaced(readme, summary(entries(book), "book/claims.md", ""))


def readme_is_true(book: Path, readme: Path) -> bool:
    """Whether every verdict in `readme` is the record's, or says that it is not yet judged.

    A page may have become stale since the README was written: then the verdict is the one that the page had.
    """
    fresh = [_lines(summary(found, "book/claims.md", "")) for found in (entries(book), _as_recorded(book))]
    shown = _lines(BLOCK.of(readme))
    if len(shown) != len(fresh[0]):
        return False
    return all(line in allowed for line, *allowed in zip(shown, *fresh, strict=True))


def _as_recorded(book: Path) -> list[Entry]:
    """The entries as if no page were stale."""
    written = read_dates(book)
    return [
        Entry(claim, "", (_judged(claim, book / "experiments", {}, written.get(claim.id, "")),))
        for claim in claims.read_claims(book / RULES)
    ]


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ")]


def filled(text: str, book: Path) -> str:
    """The text of a page of `book` with the ledger and the summary in place of their markers."""
    if LEDGER in text:
        others = other_records(book / "experiments")
        found = entries(book, others)
        if "demo" not in {_profile(book / "experiments"), *others}:
            found = _with_demo(found, kept_demo(book))
        return text.replace(LEDGER, ledger(found))
    if SUMMARY in text:
        return text.replace(SUMMARY, summary(entries(book)))
    return text


# --- when the rules were written ------------------------------------------------------------------------


def read_dates(book: Path) -> dict[str, str]:
    """Claim -> when its rule, as it is now, was committed; those that were changed since have none."""
    path = book / DATES
    stored = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    current = fingerprints((book / RULES).read_text("utf-8"))
    return {
        name: facts["committed"]
        for name, facts in stored.items()
        if facts["rule"] == current.get(name) and facts["committed"]
    }


def fingerprints(text: str) -> dict[str, str]:
    """Claim -> a hash of its rule; what carries over is no part of it."""
    found = {}
    for entry in yaml.safe_load(text) or ():
        rule = {key: value for key, value in entry.items() if key != "reading"}
        digest = hashlib.sha256(json.dumps(rule, sort_keys=True).encode()).hexdigest()
        found[entry["id"]] = digest[:12]
    return found


def dates_from_git(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """Claim -> its rule's hash and when it was committed: since when every commit holds it as it is now.

    Empty dates where git's history does not hold it. Raises RecordError without git or a repository.
    """
    path = f"book/{RULES}"
    log = _git(root, "log", "--format=%H %cI", "--", path).split("\n")
    current = fingerprints((root / path).read_text("utf-8"))
    since = dict.fromkeys(current, "")
    open_rules = set(current)
    for line in filter(None, log):  # from the newest commit back
        commit, _, date = line.partition(" ")
        try:
            then = fingerprints(_git(root, "show", f"{commit}:{path}"))
        except (RecordError, yaml.YAMLError, KeyError, TypeError):
            break
        open_rules = {name for name in open_rules if then.get(name) == current[name]}
        since |= dict.fromkeys(open_rules, date)
    return {name: {"rule": current[name], "committed": since[name]} for name in current}


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RecordError(f"git {arguments[0]} failed in {root}: {error}") from error
    return done.stdout


def write_ledger(book: Path, readme: Path | None = None) -> Path:
    """Write when each rule was committed, and the README's block between its two markers.

    Where a demo was executed in this checkout, its verdicts are kept too.
    """
    path = files.write_json(book / DATES, dates_from_git(book.parent))
    if demo := other_records(book / "experiments").get("demo"):
        keep_demo(book, demo)
    if readme is not None:
        files.write_text(readme, in_readme(book, readme))
    return path
