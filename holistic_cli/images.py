"""`holistic images`: work as a member of the group that reads images from Kafka; `publish` puts them there."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from producer_service.ledger import Ledger

images = typer.Typer(rich_markup_mode="markdown", add_completion=False)

Topic = Annotated[str | None, typer.Option(help="Topic of the images (HOLISTIC_IMAGES_TOPIC, else the suite's).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@images.callback(invoke_without_command=True)
def work(
    context: typer.Context,
    to_end: Annotated[
        bool, typer.Option("--to-end", help="End when the group has reached where the topic ends now.")
    ] = False,
    topic: Topic = None,
    group: Annotated[str | None, typer.Option(help="Consumer group (HOLISTIC_IMAGES_GROUP).")] = None,
    to_topic: Annotated[
        str | None, typer.Option(help="Topic the frames go to (HOLISTIC_TOPIC, else the suite's own).")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes (HOLISTIC_IMAGES_WORKERS, else one a core).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find people in the images on a Kafka topic, and publish their keypoints, each image's once.

    Start it on as many machines as you like: they share the topic's partitions as a consumer group. It works until
    Ctrl-C or SIGTERM, then finishes what it has begun and commits. What is no picture becomes a dead letter
    (`holistic dlq list images`). Ends 0, or 1 when it could not go on.
    """
    if context.invoked_subcommand is not None:
        return
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from producer_service.image_topic.run import ImageTopicOptions, run_image_topic
    from producer_service.image_topic.settings import read_image_topic_settings
    from producer_service.landmarks.native_noise import native_noise_filtered
    from producer_service.settings import read_producer_settings
    from producer_service.stopping import stop_on_signals

    use_stack()
    settings = read_image_topic_settings(topic=topic, group=group, workers=workers)
    producer = read_producer_settings(topic=to_topic)
    options = ImageTopicOptions(
        to_end=to_end,
        on_listening=lambda port: typer.echo(f"health and metrics: http://{settings.http_host}:{port}", err=True),
    )
    with native_noise_filtered(), stop_on_signals() as stop:
        ledger = run_image_topic(settings, producer, read_kafka_settings(), stop.event, options)
    _print_ledger(ledger, as_json=as_json)


@images.command()
def publish(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE…", help="Pictures, folders of pictures, videos, webcam:0, rtsp://…, http://…"),
    ],
    stream: Annotated[
        str | None, typer.Option(help="Stream name; by default the file's, folder's or camera's own.")
    ] = None,
    captured_at: Annotated[
        str | None, typer.Option(help="When the recording began: ISO 8601, or ms since 1970. By default now.")
    ] = None,
    mirrored: Annotated[bool, typer.Option("--mirrored", help="The person is shown as in a mirror.")] = False,
    png: Annotated[bool, typer.Option("--png", help="Videos as PNG, without loss, and not as JPEG.")] = False,
    topic: Topic = None,
    as_json: AsJson = False,
) -> None:
    """Put pictures on the topic of images: JPEG, PNG and WebP files as they are, videos as JPEG of quality 95.

    Ends 0 when all that was read is on the topic, 1 when something was refused or not acknowledged.
    """
    import orjson
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from producer_service.capture.capture_time import parse_capture_time
    from producer_service.capture.open_source import SourceOptions
    from producer_service.image_topic.publish_pictures import PictureOptions, publish_pictures
    from producer_service.image_topic.settings import read_image_topic_settings
    from producer_service.pipeline import wall_clock_us
    from producer_service.settings import read_producer_settings
    from producer_service.stopping import stop_on_signals

    use_stack()
    limits = read_producer_settings().image_limits()
    started_at_us = None if captured_at is None else parse_capture_time(captured_at)
    options = PictureOptions(read_image_topic_settings(topic=topic).topic, "png" if png else "jpeg", mirrored)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn())
    with (
        stop_on_signals() as stop,
        Progress(*columns, console=Console(emoji=False, stderr=True), transient=True) as progress,
    ):
        bar = progress.add_task("publishing pictures", total=None)
        published = publish_pictures(
            sources,
            SourceOptions(stream, started_at_us, limits),
            options,
            read_kafka_settings(),
            wall_clock_us,
            stop.event,
            lambda: progress.advance(bar),
        )
    if as_json:
        typer.echo(orjson.dumps(published.as_dict(), option=orjson.OPT_INDENT_2))
    else:
        for refused in published.refused:
            typer.echo(f"refused: {refused.name}: {refused.message}", err=True)
        if published.error is not None:
            typer.echo(f"{published.failed} pictures are not on the topic: {published.error}", err=True)
        typer.echo(f"{published.acknowledged} pictures are on {options.topic}")
    raise typer.Exit(0 if published.clean else 1)


def _print_ledger(ledger: "Ledger", *, as_json: bool) -> None:
    import orjson

    counts = ledger.counts()
    if as_json:
        typer.echo(orjson.dumps(counts.as_dict(), option=orjson.OPT_INDENT_2))
        return
    rejected, dropped = sum(counts.rejected.values()), sum(counts.dropped.values())
    typer.echo(
        f"{counts.received} images: {counts.acknowledged} frames acknowledged, {rejected} rejected, "
        f"{dropped} left for whoever reads them next"
    )
