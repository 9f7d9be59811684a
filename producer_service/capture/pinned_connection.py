"""A connection to an address that was checked, and to no other."""

import socket
import ssl

from keypoints.errors import Transient
from producer_service.capture.address_policy import CheckedAddress


class ConnectionFailed(Transient):
    """Nobody answered at an address, or the connection broke. Fields: address (without its secrets)."""


def connect_pinned(checked: CheckedAddress, timeout_s: float) -> socket.socket:
    """A connected socket to the first of the checked IP addresses that answers, encrypted where the scheme says so.

    The certificate must be valid for the address's own host, by the authorities this machine trusts (SSL_CERT_FILE
    names others). The socket waits at most `timeout_s` for each of its answers. Raises ConnectionFailed.
    """
    address = checked.address
    reason: OSError | None = None
    for ip in checked.addresses:
        try:
            connected = socket.create_connection((str(ip), address.port), timeout_s)
        except OSError as error:
            reason = error
            continue
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not address.secure:
            return connected
        try:
            return ssl.create_default_context().wrap_socket(connected, server_hostname=address.host)
        except OSError as error:
            connected.close()
            reason = error
    raise connection_failed(checked, reason)


def connection_failed(checked: CheckedAddress, error: OSError | None) -> ConnectionFailed:
    """What to raise for an error of a socket."""
    shown = checked.address.shown
    hint = None
    if isinstance(error, ssl.SSLCertVerificationError):
        what, hint = f"its certificate is not valid: {error.verify_message}", "SSL_CERT_FILE names other authorities"
    elif isinstance(error, TimeoutError):
        what = "it does not answer"
    else:
        what = "it hung up" if error is None else str(error.strerror or error).lower()
    return ConnectionFailed(f"{shown}: {what}", hint=hint, address=shown)
