"""`holistic serve`"""

from pathlib import Path
from typing import Annotated, Literal

import typer


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on (HOLISTIC_HTTP_HOST, else 127.0.0.1: this machine alone).")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on (HOLISTIC_HTTP_PORT, else 5000).")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that find landmarks (HOLISTIC_WORKERS, else one for each core)."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of API keys (HOLISTIC_API_KEYS_FILE); `holistic keys` makes it."),
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Topic to publish to (HOLISTIC_TOPIC, else the suite's own).")
    ] = None,
    log_format: Annotated[Literal["human", "json"], typer.Option(help="Form of log lines.")] = "human",
) -> None:
    """Take pictures over HTTP and WebSocket, and cameras by their address, and publish what is seen to Kafka.

    `curl -X POST http://localhost:5000/upload -F file=@demo.jpg` sends a picture, http://localhost:5000/ is a page that
    sends your camera, and http://localhost:5000/docs says what else there is. Ends on Ctrl-C or SIGTERM, once what was
    taken in is published.
    """
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from observability.logs import configure_logging
    from producer_service.gateway.settings import read_gateway_settings
    from producer_service.serve import run_service
    from producer_service.settings import read_producer_settings

    settings = read_gateway_settings(http_host=host, http_port=port, workers=workers, api_keys_file=keys)
    producer = read_producer_settings(topic=topic)
    use_stack()
    configure_logging(log_format)
    raise typer.Exit(run_service(settings, producer, read_kafka_settings()))
