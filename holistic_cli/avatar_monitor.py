"""`holistic avatar monitor`"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from consumers.avatar.monitor.seen import Seen

_DRAWN_EVERY_S: Final = 0.25
_LINE_EVERY_S: Final = 1.0


def monitor(
    port: Annotated[
        list[int] | None,
        typer.Option(min=0, max=65535, help="UDP port to listen on; may be repeated (39539; iFacialMocap's is 49983)."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 hears other machines too.")] = "127.0.0.1",
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after so long; else at Ctrl-C.")] = None,
    record: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write every packet to this new file, with its time.")
    ] = None,
    play: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Send what was recorded to --target again, at its own speed.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(metavar="HOST:PORT", help="Where --play sends to; may be repeated.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Of --play: 2 is twice as fast.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is seen as a line of JSON every second.")] = False,
) -> None:
    """Watch what an avatar is sent, as a receiver would get it: VMC and iFacialMocap.

    Shows how much comes and how old it is, every bone and shape, and what is wrong: packets too large, addresses and
    types that VMC does not have, numbers that are none, bones without a place, rotations that are not of length 1.
    It listens where the receiver would, so close that first, or give the avatar a second target.

    With --play nothing is listened to. Ends 0; 1 when nothing came, or something that was wrong.
    """
    if play is not None:
        if not target or record is not None:
            raise typer.BadParameter("--play needs a --target, and records nothing", param_hint="--play")
        raise typer.Exit(_play(play, target, speed))
    if target:
        raise typer.BadParameter("is where --play sends to", param_hint="--target")
    raise typer.Exit(_watch(port or [39539], host, seconds, record, as_json))


def _watch(ports: list[int], host: str, seconds: float | None, record: Path | None, as_json: bool) -> int:
    from consumers.avatar.monitor.listener import Listener
    from consumers.avatar.monitor.recording import open_recording
    from consumers.avatar.monitor.watch import watch_packets
    from performers.clock import SteadyClock

    clock = SteadyClock()

    def now_s() -> float:
        return clock.now_us() / 1e6

    newest: list[Seen] = []
    with ExitStack() as held:
        listener = Listener(host, ports, now_s)
        held.callback(listener.close)
        recorder = None if record is None else held.enter_context(open_recording(record, clock.now_us()))
        show = held.enter_context(_print_lines() if as_json else _draw_live(listener.ports))

        def keep(seen: "Seen", at_s: float) -> None:
            newest[:] = [seen]
            show(seen, at_s)

        with suppress(KeyboardInterrupt):
            watch_packets(listener, now_s, None if seconds is None else now_s() + seconds, keep, recorder)
    if recorder is not None and not as_json:
        typer.echo(f"{recorder.packets} packets are in {record}.")
    return 0 if newest and newest[0].datagrams and not newest[0].problems else 1


@contextmanager
def _print_lines() -> "Iterator[Callable[[Seen, float], None]]":
    """Prints a line of JSON every second, and at the end the only one of less than that."""
    import json

    from consumers.avatar.monitor.summary import summarise

    began_at_s: list[float] = []
    newest: list[tuple[Seen, float]] = []
    printed = 0

    def show(seen: "Seen", at_s: float) -> None:
        nonlocal printed
        newest[:] = [(seen, at_s)]
        if not began_at_s:
            began_at_s.append(at_s)
        elif at_s - began_at_s[0] >= _LINE_EVERY_S * (printed + 1):
            printed += 1
            typer.echo(json.dumps(summarise(seen, at_s)))

    yield show
    if newest and not printed:
        typer.echo(json.dumps(summarise(*newest[0])))


@contextmanager
def _draw_live(ports: list[int]) -> "Iterator[Callable[[Seen, float], None]]":
    """Draws the view again four times a second, and leaves the last one standing."""
    from rich.live import Live

    from consumers.avatar.monitor.screen import draw
    from consumers.avatar.monitor.seen import Seen

    drawn_at_s: list[float] = [0.0]
    with Live(draw(Seen(), ports, 0.0), auto_refresh=False, vertical_overflow="ellipsis") as live:

        def show(seen: Seen, at_s: float) -> None:
            if at_s - drawn_at_s[0] >= _DRAWN_EVERY_S:
                drawn_at_s[0] = at_s
                live.update(draw(seen, ports, at_s), refresh=True)

        yield show
    if not live.console.is_terminal:
        live.console.print()


def _play(recording: Path, targets: list[str], speed: float) -> int:
    from rich.console import Console
    from rich.progress import track

    from consumers.avatar.monitor.recording import read_packets
    from consumers.avatar.monitor.watch import play_packets
    from consumers.avatar.outputs.udp import UdpSender, parse_address
    from performers.clock import SteadyClock

    clock = SteadyClock()
    packets = list(read_packets(recording))
    sender = UdpSender([parse_address(target) for target in targets])
    console = Console(emoji=False, stderr=True)
    try:
        with suppress(KeyboardInterrupt):
            shown = track(packets, "Playing", console=console, transient=True, disable=not console.is_terminal)
            left = play_packets(shown, sender, lambda: clock.now_us() / 1e6, clock.sleep, speed)
            typer.echo(f"{left} datagrams sent, {sender.refused} refused.")
            return 0 if left and not sender.refused else 1
    finally:
        sender.close()
    return 0
