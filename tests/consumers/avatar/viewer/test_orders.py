"""What a watcher may say, and what it is told of what it may not."""

import pytest

from consumers.avatar.viewer.orders import BadOrder, ChangeSpeed, GoLive, Pause, Play, Replay, Seek, read_order


def test_every_message_of_the_document_is_understood() -> None:
    assert read_order('{"type": "replay", "from_ms": 1790000000000, "to_ms": 1790000060000, "streams": ["ada"]}') == (
        Replay(type="replay", from_ms=1790000000000.0, to_ms=1790000060000.0, streams=["ada"], speed=1.0)
    )
    assert read_order('{"type": "replay", "from_ms": null, "to_ms": null, "streams": null}') == Replay(type="replay")
    assert read_order('{"type": "pause"}') == Pause(type="pause")
    assert read_order('{"type": "play"}') == Play(type="play")
    assert read_order('{"type": "seek", "at_ms": 1790000030000}') == Seek(type="seek", at_ms=1790000030000.0)
    assert read_order('{"type": "speed", "speed": 2.0}') == ChangeSpeed(type="speed", speed=2.0)
    assert read_order('{"type": "live"}') == GoLive(type="live")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "JSON"),
        ("[]", "the message"),
        ('{"type": "rewind"}', "rewind"),
        ("{}", "type"),
        ('{"type": "seek"}', "at_ms"),
        ('{"type": "seek", "at_ms": "noon"}', "at_ms"),
        ('{"type": "seek", "at_ms": NaN}', "at_ms|JSON"),
        ('{"type": "seek", "at_ms": -1}', "at_ms"),
        ('{"type": "seek", "at_ms": 1e300}', "at_ms"),
        ('{"type": "speed", "speed": 0}', "speed"),
        ('{"type": "speed", "speed": 1000}', "speed"),
        ('{"type": "speed", "speed": true}', "speed"),
        ('{"type": "replay", "streams": []}', "streams"),
        ('{"type": "replay", "streams": ["\\u0000"]}', "streams|U\\+0000"),
        ('{"type": "replay", "from_ms": 2, "to_ms": 1}', "to_ms"),
        ('{"type": "pause", "loud": true}', "loud"),
    ],
)
def test_what_cannot_be_done_is_said(text: str, said: str) -> None:
    with pytest.raises(BadOrder, match=said):
        read_order(text)
