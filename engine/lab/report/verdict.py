"""What a comparison comes to, in a sentence that says how much it is worth."""

from __future__ import annotations

from engine.lab.report.comparison import FALSE_ALARMS, Compared, Comparison, Seen
from engine.lab.report.numbers import between, change

_NAMED = 4


def verdict(comparison: Comparison) -> str:
    """One line."""
    if comparison.seen is Seen.TOO_FEW:
        return "too few turns to tell: hold more calls"
    if comparison.seen is Seen.NOTHING:
        return f"{Seen.NOTHING.value} in {comparison.tested} comparisons"
    parts = [
        f"B is {word}: {_listed(comparison.having(seen))}"
        for seen, word in ((Seen.WORSE, "worse"), (Seen.CHANGED, "changed"), (Seen.BETTER, "better"))
        if comparison.having(seen)
    ]
    return "; ".join(parts)


def how(comparison: Comparison) -> str:
    """How the verdict was found."""
    basis = (
        "turn by turn: both runs have the same seed and script"
        if comparison.paired
        else "as wholes: their seeds or scripts differ, which needs more turns for the same certainty"
    )
    return (
        f"Compared {basis}. The intervals of all {comparison.tested} comparisons hold the truth together with "
        f"{1 - FALSE_ALARMS:.0%}; a difference is said to be seen where its interval does not hold zero."
    )


def described(compared: Compared) -> str:
    """model_ttfa mean +80.1 ms (78.0 to 82.2 ms)."""
    found, kind = compared.difference, compared.measure.kind
    if found.difference is None or found.interval is None:
        return compared.name
    return f"{compared.name} {change(found.difference, kind)} ({between(found.interval, kind)})"


def _listed(found: tuple[Compared, ...]) -> str:
    """Each measure once, by what is surest of it."""
    surest: dict[str, Compared] = {}
    for each in found:
        surest.setdefault(each.measure.name, each)
    named = ", ".join(described(each) for each in list(surest.values())[:_NAMED])
    return named if len(surest) <= _NAMED else f"{named} and {len(surest) - _NAMED} more"
