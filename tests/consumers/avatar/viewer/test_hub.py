"""States handed on: the newest to everybody, numbers that hold, and a thread that publishes at once."""

import asyncio
import threading
import time
from dataclasses import fields

import orjson

from consumers.avatar.states import AvatarStates
from consumers.avatar.viewer.hub import Hub
from consumers.avatar.viewer.snapshot import choose_rows, write_cast
from tests.consumers.avatar.viewer.made_states import NOW_US, MadeParts, MadePerformer, Part, made_states, publish
from tests.consumers.avatar.viewer.wire_reading import read_message


def test_a_snapshot_holds_the_newest_of_everybody() -> None:
    hub = Hub(MadeParts())
    first, second = hub.open_channel(), hub.open_channel()
    publish(first, {"ada": 0.1, "bob": 0.2, "dan": 0.7})
    publish(second, {"cleo": 0.3})
    publish(first, {"dan": 0.8, "ada": 0.4}, NOW_US + 1000)
    snapshot = hub.snapshot()
    assert [entry.stream_id for entry in snapshot.roster] == ["ada", "bob", "dan", "cleo"]
    at_ms, states = read_message(snapshot.write_binary(None))
    assert at_ms == NOW_US / 1000 + 1
    assert [state.number for state in states] == [entry.number for entry in snapshot.roster]
    assert [round(state.shapes[24], 1) for state in states] == [0.4, 0.2, 0.8, 0.3]
    assert [state.received_at_ms - NOW_US / 1000 for state in states] == [1, 0, 1, 0]
    assert hub.snapshot() is snapshot, "what has not changed is not written again"
    second.close()
    assert [entry.stream_id for entry in hub.snapshot().roster] == ["ada", "bob", "dan"]


def test_a_number_stays_with_its_performer_until_they_leave() -> None:
    hub = Hub(MadeParts())
    channel = hub.open_channel()
    publish(channel, {"ada": 0.1, "bob": 0.2})
    before = {entry.stream_id: entry.number for entry in hub.snapshot().roster}
    channel.dismiss(["ada", "nobody"], NOW_US)
    publish(channel, {"cleo": 0.1})
    after = {entry.stream_id: entry.number for entry in hub.snapshot().roster}
    assert after["bob"] == before["bob"]
    assert after["cleo"] not in before.values(), "nobody gets a number that was another's"
    channel.dismiss(["bob", "cleo"], NOW_US)
    assert hub.snapshot().roster == ()
    assert read_message(hub.snapshot().write_binary(None))[1] == []


def test_a_stream_in_two_channels_has_two_numbers() -> None:
    hub = Hub(MadeParts())
    for channel in (hub.open_channel(), hub.open_channel()):
        publish(channel, {"ada": 0.1})
    assert len({entry.number for entry in hub.snapshot().roster}) == 2


def test_what_is_shown_bit_by_bit_is_sent_as_if_shown_at_once() -> None:
    whole, parted = Hub(MadeParts()), Hub(MadeParts())
    states, performers = made_states(7), [MadePerformer(f"stream-{number}") for number in range(7)]
    whole.open_channel().publish(performers, states, NOW_US)
    channel = parted.open_channel()
    channel.publish(performers, made_states(7, seed=2), NOW_US)
    for rows in ([5, 1, 3], [0], [6, 4, 2]):
        channel.publish([performers[row] for row in rows], pick(states, rows), NOW_US)
    assert parted.snapshot().write_binary(None) == whole.snapshot().write_binary(None)
    assert parted.snapshot().write_binary([4, 2]) == whole.snapshot().write_binary([4, 2])
    assert parted.snapshot().write_json(None) == whole.snapshot().write_json(None)


def pick(states: AvatarStates, rows: list[int]) -> AvatarStates:
    return AvatarStates(*(getattr(states, field.name)[rows] for field in fields(states)))


def test_a_changed_role_changes_the_cast() -> None:
    parts = MadeParts()
    hub = Hub(parts)
    channel = hub.open_channel()
    publish(channel, {"ada": 0.1})
    before = hub.snapshot()
    assert before.roster[0].avatar is None
    parts.give("bob", Part("robot"))
    publish(channel, {"ada": 0.1})
    assert hub.snapshot().roster is before.roster, "somebody else's role is no news"
    parts.give("ada", Part("fox", mirror=True))
    told = orjson.loads(write_cast(hub.snapshot().roster, None))
    assert told["performers"] == [{"number": 0, "stream": "ada", "avatar": "fox", "mirror": True}]


def test_who_asks_for_some_streams_is_sent_those() -> None:
    hub = Hub(MadeParts())
    publish(hub.open_channel(), {"ada": 0.1, "bob": 0.2, "cleo": 0.3})
    snapshot = hub.snapshot()
    rows = choose_rows(snapshot.roster, {"cleo", "ada", "nobody"})
    assert [state.number for state in read_message(snapshot.write_binary(rows))[1]] == [0, 2]
    assert [one["number"] for one in orjson.loads(snapshot.write_json(rows))["states"]] == [0, 2]
    assert [one["stream"] for one in orjson.loads(write_cast(snapshot.roster, rows))["performers"]] == ["ada", "cleo"]
    assert choose_rows(snapshot.roster, None) is None


def test_publishing_from_another_thread_rings_for_everybody_and_waits_for_nobody() -> None:
    hub = Hub(MadeParts())
    channel = hub.open_channel()
    longest_s = 0.0

    def publish_many() -> None:
        nonlocal longest_s
        for number in range(200):
            began_s = time.perf_counter()
            publish(channel, {"ada": number / 255})
            longest_s = max(longest_s, time.perf_counter() - began_s)

    async def watch() -> int:
        with hub.watch() as quick, hub.watch() as asleep:
            assert await quick.wait(1.0), "the bell rings first for what is there already"
            thread = threading.Thread(target=publish_many)
            thread.start()
            # Whoever sleeps holds up neither the thread nor the others.
            asleep.bell.clear()
            seen = 0
            while seen < 199:
                assert await quick.wait(10.0)
                snapshot = hub.snapshot()
                seen = round(snapshot.states.shapes[0, 24] * 255) if snapshot.held else 0
            thread.join(10.0)
            assert not thread.is_alive()
            assert asleep.bell.is_set()
            return seen

    assert asyncio.run(watch()) == 199
    publish(channel, {"ada": 0.5})
    assert longest_s < 1.0


def test_publishing_goes_on_when_the_loop_has_ended() -> None:
    hub = Hub(MadeParts())
    channel = hub.open_channel()
    watching = None

    async def leave_open() -> None:
        nonlocal watching
        watching = hub.watch()
        watching.__enter__()

    asyncio.run(leave_open())
    publish(channel, {"ada": 0.5})
    assert len(hub.snapshot().roster) == 1
