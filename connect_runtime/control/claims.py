"""How replicas come to different task ids without asking each other: the log says who claimed one first."""

from collections.abc import Collection, Mapping

UNCONFIRMED = -1
"""Instead of an offset: the claim is not in the log yet, so everybody else's comes before it."""


def settle_claims(
    wanted: int, mine: Mapping[int, int], others: Mapping[int, int], preferred: Collection[int] = ()
) -> dict[int, int]:
    """`wanted` task ids to claim → offset of the claim, keeping what is rightfully ours.

    `mine` and `others` are task ids → offset in the log at which they were first claimed. Of two that claim the same
    the earlier keeps it. New claims go to `preferred` ids that are free, then to the smallest free ones.
    """
    kept = {
        task_id: offset
        for task_id, offset in sorted(mine.items())
        if task_id not in others or UNCONFIRMED < offset < others[task_id]
    }
    claims = dict(list(kept.items())[:wanted])
    free = (task_id for task_id in (*sorted(preferred), *range(wanted + len(others))) if task_id not in others)
    for task_id in free:
        if len(claims) >= wanted:
            break
        claims.setdefault(task_id, UNCONFIRMED)
    return claims
