"""What the service answers on its port besides: roles, and the viewer with its states, replays and page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import Depends, FastAPI, Request

from connect_runtime.rest.routes import ServiceRoutes
from connect_runtime.rest.security import read_rest_settings
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.models import NoSuchModel, find_model_of_target, models_router
from consumers.avatar.cast.rest import roles_router
from consumers.avatar.cast.role import TargetCheck
from consumers.avatar.mannequin.model import build_mannequin
from consumers.avatar.metrics import WATCHERS
from consumers.avatar.outputs.target import Kind, parse_target
from consumers.avatar.outputs.udp import BadTarget
from consumers.avatar.settings import AvatarSettings, split_listed
from consumers.avatar.stage.stage import Stage, StageOptions
from consumers.avatar.viewer.access import PageRules
from consumers.avatar.viewer.app import Viewer, ViewerOptions
from consumers.avatar.viewer.hub import Hub
from consumers.avatar.viewer.replay.from_kafka import replay_from_kafka
from consumers.avatar.viewer.replay.sessions import Replays
from kafka_io.settings import KafkaSettings
from observability.metrics import Metrics


@contextmanager
def open_viewer(
    settings: AvatarSettings, kafka: KafkaSettings, book: RoleBook, metrics: Metrics, now_us: Callable[[], int]
) -> Iterator[tuple[Hub, ServiceRoutes]]:
    """Where the sinks' states go, and the routes; replays that are watched end with the block."""
    hub = Hub(book)

    def make_stage() -> Stage:
        return Stage(StageOptions(stale_after_s=None, most=settings.avatar_performers))

    options = _read_options(settings, metrics)

    def check(request: Request) -> None:
        """A page of another site may neither read nor give roles, by whatever name it reaches this port."""
        options.rules.check(request.scope)

    replays = Replays(replay_from_kafka(kafka, settings.topic, make_stage, book, now_us, hub.partitions))
    viewer = Viewer(hub, replays, build_mannequin, now_us, options).routes()

    def add(app: FastAPI) -> None:
        for router in (
            roles_router(book, _make_check(settings), lambda: now_us() // 1000),
            models_router(settings.avatar_models),
        ):
            app.include_router(router, dependencies=[Depends(check)])
        # Last, for what is none of the others is a file of the page.
        viewer.add(app)

    try:
        yield hub, ServiceRoutes(add, viewer.is_open)
    finally:
        replays.close()


def _make_check(settings: AvatarSettings) -> TargetCheck:
    """Raises BadTarget for what is no target, names a model there is not, or is for those alone who start us."""
    own = settings.own_models()

    def check(text: str) -> None:
        target = parse_target(text)
        if target.kind is Kind.IFACIALMOCAP_PHONE:
            raise BadTarget(
                f"{text} opens a port of this service's own, which a role may not",
                hint="Set it where the service is started: HOLISTIC_VMC_TARGETS.", target=text,
            )  # fmt: skip
        if target.vrm is not None:
            try:
                find_model_of_target(settings.avatar_models, own, target.vrm)
            except NoSuchModel as missing:
                raise BadTarget(f"{text}: {missing.message}", hint=missing.hint or "", target=text) from missing

    return check


def _read_options(settings: AvatarSettings, metrics: Metrics) -> ViewerOptions:
    rules = PageRules(
        origins=frozenset(one.rstrip("/").lower() for one in split_listed(settings.avatar_origins)),
        hosts=frozenset(one.lower() for one in split_listed(settings.avatar_hosts)),
        asks_key=read_rest_settings().asks_who,
        only_loopback=settings.http_host in {"127.0.0.1", "::1", "localhost"},
    )
    return ViewerOptions(rules, settings.avatar_watchers, on_connections=metrics.gauge(WATCHERS).set)
