"""gRPC's settings, as an operator writes them."""

from pathlib import Path

import pytest

from keypoints.errors import Terminal
from producer_service.capture.still_image import ImageLimits
from producer_service.rpc.settings import read_rpc_settings


@pytest.mark.parametrize("off", ["", "0"])
def test_no_port_turns_it_off(monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    monkeypatch.setenv("HOLISTIC_GRPC_PORT", off)
    assert read_rpc_settings().options(ImageLimits()) is None


def test_it_listens_to_this_machine_alone_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLISTIC_GRPC_PORT", raising=False)
    options = read_rpc_settings().options(ImageLimits(max_pixels=5))
    assert options is not None
    assert (options.host, options.port, options.limits.max_pixels) == ("127.0.0.1", 5001, 5)


def test_a_certificate_without_its_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLISTIC_GRPC_TLS_CERTFILE", "cert.pem")
    with pytest.raises(Terminal, match="HOLISTIC_GRPC_TLS_KEYFILE"):
        read_rpc_settings()
    assert read_rpc_settings(tls_keyfile=Path("key.pem")).tls_certfile == Path("cert.pem")
