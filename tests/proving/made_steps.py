"""Steps with made-up figures."""

from proving.report import DATAGRAM, EVENT, FILE, ROW, SAVED, Effect, Step


def make_effect(mean_ms: float = 20.0, p99_ms: float = 30.0) -> Effect:
    """An effect that everything had in time."""
    return Effect(
        count=800, share=1.0, per_s=800.0, mean_ms=mean_ms, p50_ms=mean_ms, p99_ms=p99_ms, worst_ms=p99_ms,
        lag_first=10.0, lag_last=10.0, lag_most=20, never=0,
    )  # fmt: skip


def make_step(rate: float, behind: tuple[str, ...] = (), machine: float = 1.5, avatar_p99_ms: float = 30.0) -> Step:
    """A step of one second."""
    effects = {name: make_effect() for name in (ROW, FILE, SAVED, EVENT)}
    return Step(
        asked_rate=rate, achieved_rate=rate, streams=40, seconds=1.0, frames=round(rate), late=0,
        effects=effects | {DATAGRAM: make_effect(p99_ms=avatar_p99_ms)},
        cores={"machine": machine, "archive": 0.3, "analytics": 0.3, "avatar": 0.3},
        memory_mb={}, behind=behind, course=[],
    )  # fmt: skip
