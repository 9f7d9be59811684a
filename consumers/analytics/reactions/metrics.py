"""The courier's metrics, one definition each. Rules are few and written by hand, so they may be a label."""

from collections.abc import Iterable
from typing import Final

from observability.metrics import CounterDef, GaugeDef, Metrics

# Messages a receiver answered with 2xx.
DELIVERED: Final = CounterDef("holistic_webhooks_delivered", "Webhook messages a receiver took.", ("rule",))
# Attempts that came to nothing, and are made again.
RETRIED: Final = CounterDef("holistic_webhooks_retried", "Attempts that failed and are made again.", ("rule",))
# Messages that were given up; each has a line in the log.
FAILED: Final = CounterDef("holistic_webhooks_failed", "Webhook messages given up.", ("rule",))
# Messages that were too old for their rule when they could be sent.
EXPIRED: Final = CounterDef("holistic_webhooks_expired", "Webhook messages not sent because of their age.", ("rule",))
# Messages of the whole database that are still to be delivered; counted once a minute.
PENDING: Final = GaugeDef("holistic_webhooks_pending", "Webhook messages still to be delivered.")


def show_from_the_start(metrics: Metrics, rules: Iterable[str]) -> None:
    """Let each rule's counts be seen before they grow: what appears at 1 was never seen to grow."""
    for rule in rules:
        for counter in (DELIVERED, RETRIED, FAILED, EXPIRED):
            metrics.counter(counter, rule=rule)
