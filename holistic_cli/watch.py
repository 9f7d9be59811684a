"""`holistic watch`"""

from typing import Annotated, Literal

import typer


def watch(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on (HOLISTIC_HTTP_HOST, else 127.0.0.1: this machine alone).")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on (HOLISTIC_HTTP_PORT, else 8086); 0: any.")
    ] = None,
    history_s: Annotated[
        float | None,
        typer.Option("--history", min=0, help="Seconds of events to read back (HOLISTIC_FEED_HISTORY_S, else 300)."),
    ] = None,
    events_topic: Annotated[
        str | None, typer.Option(help="Topic of events (HOLISTIC_EVENTS_TOPIC, else the suite's own).")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Topic of frames (HOLISTIC_TOPIC, else the suite's own).")] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    log_format: Annotated[Literal["human", "json"] | None, typer.Option(help="Form of log lines.")] = None,
) -> None:
    """Watch what analytics finds, as it is found: a page with events, timelines and skeletons, and a feed for programs.

    The page is at http://localhost:8086/. `curl -N http://localhost:8086/v1/events` prints events as Server-Sent
    Events, `?stream=`, `?category=`, `?kind=` and `?hand=` choose among them, and docs/live-feed.md says the rest.

    It reads Kafka without a consumer group: it commits nothing, takes nothing from anybody, and may run any number of
    times. Where others than this machine reach it, set HOLISTIC_FEED_KEY. Ends on Ctrl-C or SIGTERM.
    """
    import webbrowser

    from consumers.analytics.feed.run import run_feed
    from consumers.analytics.feed.settings import read_feed_settings
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from observability.logs import configure_logging

    settings = read_feed_settings(
        http_host=host,
        http_port=port,
        feed_history_s=history_s,
        events_topic=events_topic,
        topic=topic,
        log_format=log_format,
    )
    use_stack()
    configure_logging(settings.log_format)

    def show(address: str) -> None:
        if open_page:
            webbrowser.open(address)

    raise typer.Exit(run_feed(settings, read_kafka_settings(), on_listening=show))
