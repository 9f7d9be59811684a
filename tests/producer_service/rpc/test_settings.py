"""gRPC's settings, as an operator writes them."""

from pathlib import Path

import pytest

from keypoints.errors import Terminal
from producer_service.capture.still_image import ImageLimits
from producer_service.gateway.settings import GatewaySettings
from producer_service.rpc.settings import read_rpc_settings


@pytest.mark.parametrize("off", ["", "0"])
def test_no_port_turns_it_off(monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    monkeypatch.setenv("HOLISTIC_GRPC_PORT", off)
    assert read_rpc_settings().options(GatewaySettings(), ImageLimits()) is None


def test_what_is_not_set_is_as_it_is_for_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLISTIC_GRPC_PORT", raising=False)
    http = GatewaySettings(http_host="127.0.0.9", tls_certfile=Path("http.pem"), tls_keyfile=Path("http-key.pem"))
    options = read_rpc_settings().options(http, ImageLimits(max_pixels=5))
    assert options is not None
    assert (options.host, options.port, options.limits.max_pixels) == ("127.0.0.9", 5001, 5)
    assert (options.tls_certfile, options.tls_keyfile) == (Path("http.pem"), Path("http-key.pem"))
    own = read_rpc_settings(host="127.0.0.8", tls_certfile=Path("both.pem")).options(http, ImageLimits())
    assert own is not None
    assert (own.host, own.tls_certfile, own.tls_keyfile) == ("127.0.0.8", Path("both.pem"), None)


def test_a_key_without_its_certificate_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLISTIC_GRPC_TLS_KEYFILE", "key.pem")
    with pytest.raises(Terminal, match="HOLISTIC_GRPC_TLS_CERTFILE"):
        read_rpc_settings()
