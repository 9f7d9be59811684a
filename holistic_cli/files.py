"""`holistic files`"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holistic_cli.archive_stores import Directory

if TYPE_CHECKING:
    from consumers.archive.parquet.manifest import ListedFile


def files(
    directory: Directory = None,
    footers: Annotated[
        bool, typer.Option("--footers", help="Read each file's footer too: its streams, versions and order.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the Parquet files that exist: what the manifest says of each. No other file is part of the archive.

    Other programs are given these and no others: `holistic files --json | jq -r '.files[].url'`.
    """
    import orjson

    from consumers.archive.parquet.chain import list_chains
    from consumers.archive.parquet.footer import read_footer
    from consumers.archive.parquet.location import open_storage
    from consumers.archive.parquet.restoring import refuse_half_restored
    from holistic_cli.archive_stores import find_store

    storage = open_storage(find_store("parquet", directory).archive_dir)
    refuse_half_restored(storage)
    listed = sorted((file for chain in list_chains(storage) for file in chain.files), key=lambda file: file.path)
    said = [read_footer(storage, file) if footers else {} for file in listed]
    if as_json:
        plain = [
            {"url": storage.url(file.path), **_as_plain(file), **({"footer": footer} if footers else {})}
            for file, footer in zip(listed, said, strict=True)
        ]
        typer.echo(orjson.dumps({"files": plain}, option=orjson.OPT_INDENT_2))
        return
    if not listed:
        typer.echo(f"No files: nothing is archived in {storage.url('')}", err=True)
    _print_table(listed, said, with_footers=footers)


def _as_plain(file: "ListedFile") -> dict[str, Any]:
    from consumers.archive.parquet.footer import show_time

    return {
        "path": file.path,
        "topic": file.identity.topic,
        "topic_id": file.identity.topic_id,
        "partition": file.identity.partition,
        "offsets": file.offsets,
        "rows": file.rows,
        "bytes": file.bytes,
        "captured_from": show_time(file.captured_from_us),
        "captured_to": show_time(file.captured_to_us),
        "sorted_by_stream": file.sorted_by_stream,
    }


def _print_table(listed: "list[ListedFile]", said: list[dict[str, Any]], *, with_footers: bool) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    from consumers.archive.parquet.footer import show_time

    table = Table(header_style="bold", caption="captured: in UTC; order: by stream once it is compacted")
    for name in ("path", "captured from", "to"):
        table.add_column(name, overflow="fold")
    for name in ("part", "offsets", "rows", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("order", *(("streams", "by") if with_footers else ())):
        table.add_column(name, overflow="fold")
    for file, footer in zip(listed, said, strict=True):
        first, last = file.offsets[0][0], file.offsets[-1][1]
        table.add_row(
            file.path, show_time(file.captured_from_us), show_time(file.captured_to_us)[11:],
            str(file.identity.partition), f"{first}–{last}", f"{file.rows:,}", f"{file.bytes / 1e6:.1f}",
            "by stream" if file.sorted_by_stream else "as it came",
            *((str(footer.get("stream_count", "")), str(footer.get("software", ""))) if with_footers else ()),
        )  # fmt: skip
    console = Console(emoji=False) if sys.stdout.isatty() else Console(emoji=False, width=200)
    console.print(table)
    total = sum(file.bytes for file in listed) / 1e6
    console.print(f"{len(listed)} files, {sum(file.rows for file in listed):,} rows, {total:,.1f} MB", style="dim")
