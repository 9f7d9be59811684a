"""What a camera's answer means for whoever wanted its pictures, over RTSP and HTTP alike."""

from producer_service.capture.captured import RefusalReason
from producer_service.capture.source_address import StreamAddress, mask_address
from producer_service.capture.stream_errors import FeedLost, SourceRefused

_OK = 200
_UNAUTHORIZED, _FORBIDDEN, _TIMEOUT, _TOO_MANY = 401, 403, 408, 429


def judge_status(address: StreamAddress, status: int, location: str | None) -> None:
    """Return where the status is 200. Raises SourceRefused, or FeedLost when another try may have another answer."""
    if status == _OK:
        return
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        wants = "it wants a user and a password" if address.user is None else "it refuses the user or the password"
        hint = f"write them as {address.scheme}://user:password@host/path"
        raise refused(address, wants, RefusalReason.WRONG_CREDENTIALS, hint)
    if 300 <= status < 400:
        elsewhere = mask_address(location) if location else "another place"
        what = f"it redirects to {elsewhere}, which is not followed"
        raise refused(address, what, RefusalReason.REFUSED_ADDRESS, "name the address it redirects to")
    if 400 <= status < 500 and status not in (_TIMEOUT, _TOO_MANY):
        raise refused(address, f"it has no such video (status {status})")
    raise FeedLost(f"{address}: it cannot answer now (status {status})", source=address.shown)


def refused(
    address: StreamAddress,
    what: str,
    reason: RefusalReason = RefusalReason.UNREADABLE_STREAM,
    hint: str | None = None,
) -> SourceRefused:
    """What to raise for an address that gives no video."""
    return SourceRefused(reason, f"{address}: {what}", hint, source=address.shown)
