"""Cameras on a network, by their address: `rtsp://`, `rtsps://`, `http://`, `https://`."""

from producer_service.capture.address_policy import AddressPolicy, Resolve, check_address, resolve_host
from producer_service.capture.feed import Feed
from producer_service.capture.ffmpeg_feed import FfmpegFeed
from producer_service.capture.http_video import open_http_video
from producer_service.capture.rtsp_relay import RtspRelay
from producer_service.capture.still_image import ImageLimits


class NetworkCamera:
    """One address, resolved and checked anew each time it is connected to: cameras move, and so do names."""

    def __init__(
        self,
        url: str,
        policy: AddressPolicy,
        limits: ImageLimits,
        timeout_s: float,
        resolve: Resolve = resolve_host,
    ) -> None:
        self._url = url
        self._policy = policy
        self._limits = limits
        self._timeout_s = timeout_s
        self._resolve = resolve

    def connect(self) -> Feed:
        """Connect to where the address is now. Raises as `Camera.connect` says."""
        checked = check_address(self._url, self._policy, self._resolve)
        if checked.address.scheme in ("http", "https"):
            return open_http_video(checked, self._limits, self._timeout_s)
        relay = RtspRelay(checked, self._timeout_s)
        try:
            relay.check()
            return FfmpegFeed(relay.open_door(), checked.address.shown, self._limits, self._timeout_s, relay)
        except BaseException:
            relay.close()
            raise
