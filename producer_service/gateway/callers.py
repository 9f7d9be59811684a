"""Who sends a request, by the key it carries, and what every route of the gateway works with."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from producer_service.access.caller import Caller
from producer_service.access.key_file import Right
from producer_service.access.keys import ApiKeys
from producer_service.gateway.bodies import Pace
from producer_service.gateway.errors import refuse_while_away
from producer_service.gateway.limits import CallerRates, UploadRoom
from producer_service.gateway.open_streams import OpenStreams
from producer_service.gateway.settings import GatewaySettings
from producer_service.live.opening import OpenStudio
from producer_service.settings import ProducerSettings


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the routes share."""

    open: OpenStudio
    keys: ApiKeys
    settings: GatewaySettings
    producer: ProducerSettings
    streams: OpenStreams
    rates: CallerRates
    uploads: UploadRoom
    clock_s: Callable[[], float] = field(default=time.monotonic)

    @property
    def pace(self) -> Pace:
        """How slowly bodies may come."""
        return Pace(self.settings.body_timeout_s, self.settings.body_bytes_per_s)

    def admit(self, caller: Caller, right: Right) -> None:
        """Raises Forbidden, or ComeBackLater when the caller sends too often."""
        caller.check_may(right)
        self.rates.take(caller.name, self.clock_s())

    def check_kafka(self) -> None:
        """Raises ComeBackLater while Kafka is away: a picture that cannot be published is not taken in."""
        if not self.open.publisher.reachable:
            raise refuse_while_away()


def ask_caller(keys: ApiKeys) -> Callable[..., object]:
    """The dependency that gives a route its Caller. Raises Unauthorized or KeysUnavailable in it."""
    if not keys.asks_who:

        async def everybody() -> Caller:
            return keys.authenticate(None)

        return everybody
    bearer = HTTPBearer(auto_error=False, description="A key made by `holistic keys create`.")

    async def by_key(
        shown: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Caller:
        return keys.authenticate(None if shown is None else shown.credentials)

    return by_key
