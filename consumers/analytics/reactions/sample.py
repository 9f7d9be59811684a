"""A message that tells of nothing, to try a receiver with."""

import time
import uuid
from collections.abc import Callable

from consumers.analytics.finding import Category, Finding, Phase
from consumers.analytics.reactions.deliveries import make_body
from consumers.analytics.reactions.rule import Rule
from consumers.analytics.reactions.rules_file import make_rules
from consumers.analytics.reactions.sending import Answer, make_client, send
from consumers.analytics.reactions.signing import Route
from consumers.analytics.results import Performance, announce

_ANSWER_S = 15.0


def make_sample_rule(webhook: str, secret_variable: str) -> Rule:
    """A rule that only says where to. Raises InvalidRule."""
    written = {"name": "sample", "when": "wave", "then": {"webhook": webhook, "secret_variable": secret_variable}}
    [rule] = make_rules({"rules": [written]}, "this message")
    return rule


async def send_sample(route: Route, wall_clock: Callable[[], float] = time.time) -> Answer:
    """Send one message of the route's rule, as if it had fired just now."""
    now_s = wall_clock()
    at_us = int(now_s * 1_000_000)
    finding = Finding(
        category=Category.REACTION,
        kind=route.rule.name,
        subject="right",
        started_us=at_us,
        last_us=at_us,
        first_offset=0,
        last_offset=0,
        confidence=1.0,
        observed=1.0,
        evidence={"kind": "wave", "seconds": 0.0},
        made_by=route.rule.version,
    )
    body = make_body(announce(Performance("sample", at_us, "sample", 0), Phase.OCCURRED, finding))
    async with make_client(_ANSWER_S) as client:
        return await send(client, route, str(uuid.uuid4()), body, now_s=now_s, answer_s=_ANSWER_S)
