"""The analytics service: frames of the tracking topic → facts → findings → Postgres and the topic of events."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connect_runtime.config_keys import InvalidConfig
from connect_runtime.courtesy import stand_back
from connect_runtime.durable_log import open_durable_log
from connect_runtime.forgetting.ledger import LedgerFollower
from connect_runtime.forgetting.sink import FORGOTTEN_RECORDS, ForgettingSink
from connect_runtime.offsets.bounded import BoundedReplay, name_replay
from connect_runtime.service import ConnectorSpec, ServiceOptions, read_connector, run_connectors
from connect_runtime.sink import Sink
from consumers.analytics.database import connect
from consumers.analytics.outbox import EventPublisher
from consumers.analytics.reactions.courier import CourierOptions, WebhookCourier
from consumers.analytics.reactions.rule import InvalidRule
from consumers.analytics.reactions.rules_file import read_rules
from consumers.analytics.reactions.signing import Route, SecretUnusable, find_routes
from consumers.analytics.replaying import LeadIn, ReplaySink
from consumers.analytics.retention import Retention
from consumers.analytics.settings import (
    CONNECTOR_NAME,
    EVENTS_TOPIC_KEY,
    RETENTION_KEY,
    RULES_FILE_KEY,
    SINK_KEYS,
    SNAPSHOT_KEY,
    WEBHOOK_TIMEOUT_KEY,
    AnalyticsSettings,
)
from consumers.analytics.sink import AnalyticsSink, SinkOptions
from kafka_io.admin import create_topics, topic_id
from kafka_io.settings import KafkaSettings
from keypoints.topics import GESTURE_TOPIC, SUITE_TOPICS, TopicSpec
from observability.metrics import Metrics

_PLUGIN_CLASS: Final = "holistic.analytics.GestureSinkConnector"


def run_analytics(settings: AnalyticsSettings, kafka: KafkaSettings, overrides: Mapping[str, str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code.

    `overrides` are flat connector settings; `name` is the consumer group. Raises InvalidConfig before anything starts.
    """
    metrics = Metrics()
    spec = make_connector(settings, kafka, overrides, metrics)
    read_routes(str(read_connector(spec).sink[RULES_FILE_KEY]))
    stand_back(settings.nice)
    options = ServiceOptions(
        http_port=settings.http_port,
        http_host=settings.http_host,
        metrics=metrics,
        on_durable=open_durable_log(settings.durable_log),
    )
    return run_connectors([spec], kafka, options)


def make_connector(
    settings: AnalyticsSettings,
    kafka: KafkaSettings,
    overrides: Mapping[str, str] | None = None,
    metrics: Metrics | None = None,
) -> ConnectorSpec:
    """The connector that finds gestures. Raises InvalidConfig."""
    given = settings.connector_config(overrides or {})
    counted = metrics or Metrics()
    name = str(given.pop("name", CONNECTOR_NAME))

    def build(config: Mapping[str, object]) -> ConnectorSpec:
        def make_courier() -> WebhookCourier | None:
            routes = read_routes(str(sink_settings[RULES_FILE_KEY]))
            timeout_ms = int(str(sink_settings[WEBHOOK_TIMEOUT_KEY]))
            options = CourierOptions(retry_timeout_s=None if timeout_ms < 0 else timeout_ms / 1_000)
            engine = connect(settings.database_url.get_secret_value())
            return WebhookCourier(engine, routes, counted, options) if routes else None

        def make_sink() -> Sink:
            sink = AnalyticsSink(
                connect(settings.database_url.get_secret_value()),
                make_publisher=lambda: connect_events_topic(kafka, events_topic),
                topic_id=lambda topic: topic_id(kafka, topic),
                options=SinkOptions(
                    snapshot_records=int(str(sink_settings[SNAPSHOT_KEY])),
                    courier=make_courier(),
                    retention=Retention(int(str(sink_settings[RETENTION_KEY])), lambda: datetime.now(UTC)),
                    metrics=counted,
                ),
            )
            kept_back = counted.counter(FORGOTTEN_RECORDS, connector=name)
            # Nothing is kept by record here, so there is nothing to put on record.
            return ForgettingSink(sink, LedgerFollower(kafka), lambda _rows: None, kept_back.inc)

        spec = ConnectorSpec(name, config, make_sink, SINK_KEYS, build, _PLUGIN_CLASS)
        sink_settings = read_connector(spec).sink
        events_topic = str(sink_settings[EVENTS_TOPIC_KEY])
        return spec

    return build(given)


def make_bounded_replay(settings: AnalyticsSettings, kafka: KafkaSettings) -> BoundedReplay:
    """How a range is worked out again while the connector goes on. Raises InvalidConfig or StoreRefused."""
    live = make_connector(settings, kafka)
    database_url = settings.database_url.get_secret_value()
    lead_in = LeadIn(connect(database_url))

    def make_sink() -> Sink:
        sink = ReplaySink(connect(database_url), lead_in)
        return ForgettingSink(sink, LedgerFollower(kafka), note_erased=lambda _rows: None)

    return BoundedReplay(
        replace(live, name=name_replay(live.name), make_sink=make_sink),
        lead_in.passed_by_live,
        f"{live.name} has not come so far, and works it out itself",
        lead_in=lead_in.find,
    )


def read_routes(rules_file: str) -> Mapping[str, Route]:
    """Whom the rules of a file tell, by their names; none without a file. Raises InvalidConfig.

    Secrets are this process's environment's.
    """
    try:
        return find_routes(read_rules(Path(rules_file)), os.environ) if rules_file else {}
    except (InvalidRule, SecretUnusable) as error:
        raise InvalidConfig(error.message, hint=error.hint, key=RULES_FILE_KEY, value=rules_file) from error


def connect_events_topic(kafka: KafkaSettings, events_topic: str) -> EventPublisher:
    """A publisher to the topic of events, which is created as the suite's where it is not there yet."""
    suite = next(spec for spec in SUITE_TOPICS if spec.name == GESTURE_TOPIC)
    create_topics(kafka, [TopicSpec(events_topic, suite.partitions, suite.configs)])
    return EventPublisher(kafka, events_topic)
