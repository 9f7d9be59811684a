"""`holistic produce SOURCE…`"""

from typing import Annotated

import typer


def produce(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE…", help="Pictures, folders of pictures, videos, webcam:0, rtsp://…, http://…"),
    ],
    stream: Annotated[
        str | None,
        typer.Option(help="Stream name (HOLISTIC_STREAM, else the file's, folder's or camera's own)."),
    ] = None,
    captured_at: Annotated[
        str | None, typer.Option(help="When the recording began: ISO 8601, or ms since 1970. By default now.")
    ] = None,
    mirrored: Annotated[bool, typer.Option("--mirrored", help="The person is shown as in a mirror.")] = False,
    topic: Annotated[
        str | None, typer.Option(help="Topic to publish to (HOLISTIC_TOPIC, else the suite's own).")
    ] = None,
    afresh: Annotated[
        bool,
        typer.Option("--afresh", help="Publish files from their beginning, as a new epoch, after a kill too."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the ledger as JSON.")] = False,
) -> None:
    """Find body, face and hands in pictures, videos and cameras, and publish them to Kafka.

    Cameras are read until Ctrl-C, and connected to again when they are lost; of their pictures the newest is taken, and
    those it overtook count as dropped. A camera's password is shown nowhere.

    When a run over files is killed, or Kafka goes away, the same command goes on where it ended, under the same epoch;
    after Ctrl-C it begins anew.

    Ends 0 when everything that was read is on the topic, after SIGTERM too; 1 when something was rejected or dropped;
    130 after Ctrl-C.
    """
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from producer_service.capture.capture_time import parse_capture_time
    from producer_service.capture.open_source import SourceOptions
    from producer_service.run import run_producer
    from producer_service.settings import read_producer_settings

    settings = read_producer_settings(topic=topic, stream=stream, mirrored=mirrored or None)
    started_at_us = None if captured_at is None else parse_capture_time(captured_at)
    options = SourceOptions(settings.stream, started_at_us, settings.image_limits(), patience=settings.patience())
    use_stack()
    code = run_producer(sources, options, settings, read_kafka_settings(), as_json=as_json, afresh=afresh)
    raise typer.Exit(code)
