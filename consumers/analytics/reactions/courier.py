"""Brings messages to their receivers: at least once, again after failures, and none held up by another's."""

import asyncio
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, ParamSpec, TypeVar

import httpx
from sqlalchemy import Engine

from connect_runtime.retry import Backoff
from consumers.analytics.reactions.deliveries import Delivery, DeliveryStore
from consumers.analytics.reactions.metrics import DELIVERED, EXPIRED, FAILED, PENDING, RETRIED, show_from_the_start
from consumers.analytics.reactions.rule import Rule
from consumers.analytics.reactions.sending import Answer, make_client, send
from consumers.analytics.reactions.signing import Route
from keypoints.errors import HolisticError
from observability.metrics import Metrics

log = logging.getLogger(__name__)

_LONGEST_RETRY_AFTER_S: Final = 3_600.0
_TIDY_EVERY_S: Final = 60.0
_LEASE_MARGIN_S: Final = 30.0
_LAST_WORDS_S: Final = 2.0
"""How long messages under way have when the courier is told to stop."""

_Given = ParamSpec("_Given")
_Gives = TypeVar("_Gives")


@dataclass(frozen=True, slots=True)
class CourierOptions:
    """How patient a courier is, and what it takes from the world."""

    retry_timeout_s: float | None = 86_400.0
    """After so long a message is given up; None: never."""
    backoff: Backoff = field(default_factory=lambda: Backoff(5.0, 3_600.0))
    answer_s: float = 15.0
    """How long a receiver has to answer."""
    at_once: int = 4
    """Messages of a rule under way at a time."""
    look_s: float = 1.0
    """How often it looks for messages nobody woke it for."""
    wall_clock: Callable[[], float] = time.time
    dice: random.Random = field(default_factory=random.Random)


class WebhookCourier:
    """A thread of its own, which any number of replicas may have: they share the messages."""

    def __init__(
        self, engine: Engine, routes: Mapping[str, Route], metrics: Metrics, options: CourierOptions | None = None
    ) -> None:
        """`engine` becomes the courier's own; `routes` are by the rules' names."""
        self._engine = engine
        self._store = DeliveryStore(engine)
        self._routes = routes
        self._metrics = metrics
        self._options = options or CourierOptions()
        self._expires_us = {name: route.rule.expires_us for name, route in routes.items() if route.rule.expires_us}
        self._thread = threading.Thread(target=self._work, name="webhook-courier", daemon=True)
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake = asyncio.Event()
        self._database = asyncio.Lock()
        self._under_way: dict[asyncio.Task[None], Delivery] = {}
        self._tidied_s = -_TIDY_EVERY_S
        show_from_the_start(metrics, routes)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those whose messages it brings."""
        return tuple(route.rule for route in self._routes.values())

    def start(self) -> None:
        """Begin, if it has not begun; the tables are there."""
        # It would name each receiver's address, which may be a secret.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        if self._thread.ident is None:
            self._thread.start()

    def wake(self) -> None:
        """There may be new messages: look at once. Safe from any thread, and before and after its time."""
        if self._loop is not None:
            # A loop that is closed says so: there is nobody to wake.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._awake.set)

    def stop(self, timeout_s: float = 10.0) -> bool:
        """End, and give back what is under way so that another courier sends it. False: it did not end in time."""
        self._stopping.set()
        self.wake()
        if self._thread.ident is None:
            self._engine.dispose()
        else:
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("the courier of webhook messages did not end in time; what it has is sent again")
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            asyncio.run(self._deliver())
        finally:
            self._engine.dispose()

    async def _deliver(self) -> None:
        self._loop = asyncio.get_running_loop()
        is_cut_off = False
        async with make_client(self._options.answer_s) as client:
            while not self._stopping.is_set():
                self._awake.clear()
                try:
                    await self._look(client)
                    is_cut_off = False
                except Exception as error:  # noqa: BLE001 - nothing ends a courier, or messages wait without a word
                    if not is_cut_off:
                        _complain("webhook messages are not sent for now", error)
                    is_cut_off = True
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), self._options.look_s)
            await self._give_back()

    async def _look(self, client: httpx.AsyncClient) -> None:
        """Take what is due and begin to send it."""
        options, now_s = self._options, self._options.wall_clock()
        await self._tidy(now_s)
        for rule, count in (await self._ask(self._store.expire, self._expires_us, now_s)).items():
            if count:
                log.warning("%d webhook messages of rule %s were too old to be sent", count, rule)
                self._metrics.counter(EXPIRED, rule=rule).inc(count)
        busy = Counter(delivery.rule for delivery in self._under_way.values())
        rooms = {rule: options.at_once - busy[rule] for rule in self._routes if busy[rule] < options.at_once}
        if not rooms:
            return
        until_s = now_s + options.answer_s + _LEASE_MARGIN_S
        for delivery in await self._ask(self._store.claim, rooms, now_s, until_s):
            task = asyncio.create_task(self._carry(client, delivery))
            self._under_way[task] = delivery
            task.add_done_callback(self._finish)

    async def _carry(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        """Send one message, and note what came of it."""
        options, route = self._options, self._routes[delivery.rule]
        answer = await send(
            client,
            route,
            str(delivery.event_id),
            delivery.body,
            now_s=options.wall_clock(),
            answer_s=options.answer_s,
        )
        now_s = options.wall_clock()
        if answer.is_taken:
            await self._ask(self._store.note_delivered, delivery.event_id, now_s)
            self._metrics.counter(DELIVERED, rule=delivery.rule).inc()
            return
        delay_s = self._delay_s(delivery, answer)
        gives_up = answer.is_final or (
            options.retry_timeout_s is not None and now_s + delay_s > delivery.first_tried_s + options.retry_timeout_s
        )
        said = {"rule": delivery.rule, "event_id": str(delivery.event_id), "attempts": delivery.attempts}
        if gives_up:
            await self._ask(self._store.note_failed, delivery.event_id, now_s, answer.reason)
            self._metrics.counter(FAILED, rule=delivery.rule).inc()
            log.error("a webhook message of rule %s is given up: %s", delivery.rule, answer.reason, extra=said)
            return
        await self._ask(self._store.put_off, delivery.event_id, now_s + delay_s, answer.reason)
        self._metrics.counter(RETRIED, rule=delivery.rule).inc()
        if delivery.attempts == 1:
            log.warning("a webhook message of rule %s is sent again: %s", delivery.rule, answer.reason, extra=said)

    def _delay_s(self, delivery: Delivery, answer: Answer) -> float:
        drawn_s = self._options.backoff.delay_s(delivery.attempts, self._options.dice)
        return max(drawn_s, min(answer.retry_after_s, _LONGEST_RETRY_AFTER_S))

    def _finish(self, task: asyncio.Task[None]) -> None:
        """There is room for another message. One whose fate could not be noted is sent again when its time is up."""
        delivery = self._under_way.pop(task)
        self._awake.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _complain(f"what became of webhook message {delivery.event_id} is not noted", error)

    async def _give_back(self) -> None:
        """Let messages under way end, and hand over those that do not."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=_LAST_WORDS_S)
        deliveries = [self._under_way[task] for task in late]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        try:
            for delivery in deliveries:
                now_s = self._options.wall_clock()
                await self._ask(self._store.put_off, delivery.event_id, now_s, "the service stopped meanwhile")
        except HolisticError as error:
            log.warning("webhook messages under way are sent again when their time is up: %s", error.message)

    async def _tidy(self, now_s: float) -> None:
        """Drop old messages, give up those without a rule, and count those to be sent: once a minute."""
        if 0.0 <= now_s - self._tidied_s < _TIDY_EVERY_S:
            return
        timeout_s = self._options.retry_timeout_s
        await self._ask(self._store.prune, now_s)
        if timeout_s is not None:
            abandoned = await self._ask(self._store.abandon, list(self._routes), now_s - timeout_s, now_s)
            if abandoned:
                log.error("%d webhook messages are given up: their rules are in the file no more", abandoned)
        self._metrics.gauge(PENDING).set(await self._ask(self._store.count_pending))
        self._tidied_s = now_s

    async def _ask(self, call: Callable[_Given, _Gives], *given: _Given.args, **named: _Given.kwargs) -> _Gives:
        """Ask the database beside the loop, one question at a time: there is one connection."""
        async with self._database:
            return await asyncio.to_thread(call, *given, **named)


def _complain(what: str, error: BaseException) -> None:
    """Log an error; with its traceback when nobody foresaw it."""
    log.error("%s: %s", what, error, exc_info=None if isinstance(error, HolisticError) else error)
