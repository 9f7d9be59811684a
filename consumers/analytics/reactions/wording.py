"""A rule in words."""

from consumers.analytics.reactions.rule import Rule


def tell_in_words(rule: Rule) -> str:
    """What a rule waits for, as a person would say it."""
    condition = rule.condition
    said = " or ".join(condition.kinds)
    if condition.subject is not None:
        said += f" of {condition.subject}"
    if condition.held_us:
        said += f", once it has gone on for {_tell_duration(condition.held_us)}"
    elif condition.times > 1:
        said += f", once it has begun {condition.times} times within {_tell_duration(condition.within_us)}"
    else:
        said += ", as soon as it is seen"
    if rule.at_least is not None:
        said += f"; severity {rule.at_least.value} or worse"
    if rule.cooldown_us:
        said += f"; then not for {_tell_duration(rule.cooldown_us)}"
    if rule.expires_us:
        said += f"; not told when older than {_tell_duration(rule.expires_us)}"
    return said


def _tell_duration(duration_us: int) -> str:
    for unit, unit_us in (("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000)):
        if duration_us % unit_us == 0:
            return f"{duration_us // unit_us} {unit}"
    return f"{duration_us / 1_000:g} ms"
