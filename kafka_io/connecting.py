"""Making a kafka-python client so that one that cannot connect leaves nothing behind, and says why it cannot."""

import socket
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from kafka import errors as kafka_errors
from kafka.net.compat import KafkaNetClient
from kafka.net.connection import KafkaConnection
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from kafka_io.errors import KafkaUnavailable, TlsRefused, explain_kafka_error
from kafka_io.last_words import hear_last_words
from kafka_io.no_connection import SILENT, UnreachableBrokers, hint_at, list_causes, say_why
from kafka_io.oauth import ClientCredentials

Client = TypeVar("Client")

# What a broker says that wants a certificate and got none, or one of an authority it does not know.
_CERTIFICATE_ALERTS = ("CERTIFICATE_REQUIRED", "UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN")

_LOGIN_REFUSED: tuple[type[Exception], ...] = (
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
)


def connect_client(make: Callable[..., Client], options: Mapping[str, object], doing: str, **fields: object) -> Client:
    """`make(**options)`, connected.

    Raises KafkaUnavailable when no broker answers; KafkaRefused for rights and settings, as soon as every broker to
    start from has refused the login or the certificate.

    A constructor of kafka-python's that fails leaves its thread running and its sockets open, for good; a service that
    tries again until its broker is back would fill up with them.
    """
    hear_last_words()
    begun: list[KafkaNetClient] = []
    refusals: dict[object, Exception] = {}
    troubles: dict[str, str] = {}

    def make_net_client(**given: Any) -> KafkaNetClient:
        net = _TidySelector(**given)
        client = KafkaNetClient(net=net, manager=_WatchfulManager(refusals, troubles, net, **given), **given)
        begun.append(client)
        return client

    try:
        _check_tls_files(options)
        _check_token(options)
        return make(**options, kafka_client=make_net_client)
    except (kafka_errors.KafkaError, OSError, ValueError) as error:
        for client in begun:
            client.close()
        if not refusals and troubles and isinstance(error, kafka_errors.KafkaTimeoutError):
            told = ", ".join(f"{address}: {reason}" for address, reason in troubles.items())
            raise KafkaUnavailable(
                f"{doing}: no broker could be reached ({told})", hint=hint_at(list(troubles.values())), **fields
            ) from error
        reason = next(iter(refusals.values()), error)
        raise explain_kafka_error(reason, doing, **fields) from error


class _TidySelector(NetworkSelector):  # type: ignore[misc]
    """Leaves nothing to the garbage collector that kafka-python would leave to it.

    The socket of a connection that is given up before it stands is closed; the collector would warn of it. And whoever
    waited in vain is let go of: kafka-python keeps the exception such a wait ends in where the frames in its traceback
    hold it, and they the records that were in hand. A service that makes little other garbage has that collected once
    in some minutes; a consumer with some polls a second that bring nothing kept the batches of all that time.
    """

    def run(self, coro: Any, *arguments: Any) -> Any:
        try:
            return super().run(coro, *arguments)
        except kafka_errors.KafkaTimeoutError as error:
            error.__traceback__ = None
            kind, why = type(error), error.args
        # Raised without a name of its own here, by which this frame would hold what holds it.
        raise kind(*why)

    async def wait_write(self, fileobj: socket.socket, timeout_at: float | None = None) -> None:
        try:
            await super().wait_write(fileobj, timeout_at)
        except (GeneratorExit, kafka_errors.KafkaTimeoutError):
            fileobj.close()
            raise


class _WatchfulManager(KafkaConnectionManager):  # type: ignore[misc]
    """Gives up starting once every broker to start from has refused us; kafka-python asks them again until its time is
    over, and then says only that none answered.

    It also keeps why each of them could not be reached, and warns of a broker that the cluster names and that cannot.
    """

    def __init__(
        self, refusals: dict[object, Exception], troubles: dict[str, str], net: NetworkSelector, **given: Any
    ) -> None:
        super().__init__(net, **given)
        self._refusals = refusals
        self._troubles = troubles
        self._speaks_tls = "SSL" in str(self.config["security_protocol"])
        self._unreachable = UnreachableBrokers(self._speaks_tls)

    def get_connection(self, node_id: object, *args: Any, **given: Any) -> KafkaConnection:
        first_brokers = {broker.node_id: broker for broker in self.cluster.bootstrap_brokers()}
        if node_id in first_brokers and self._refusals.keys() >= first_brokers.keys():
            raise self._refusals[node_id]
        connection = super().get_connection(node_id, *args, **given)
        broker = first_brokers.get(node_id) or self.cluster.broker_metadata(node_id)
        if broker is not None:
            address = f"{broker.host}:{broker.port}"
            note = (
                partial(self._note, node_id, address)
                if node_id in first_brokers
                else partial(self._unreachable.note, address)
            )
            connection.init_future.add_errback(note)
            connection.init_future.add_callback(lambda _: self._forget(node_id, address))
        return connection

    def _note(self, node_id: object, address: str, error: Exception) -> None:
        refusal = _read_refusal(error, address)
        if refusal is not None:
            self._refusals[node_id] = refusal
        reason = say_why(error, self._speaks_tls)
        # The last try is cut short, and what an earlier one met is still what is wrong.
        if reason != SILENT or address not in self._troubles:
            self._troubles[address] = reason

    def _forget(self, node_id: object, address: str) -> None:
        self._refusals.pop(node_id, None)
        self._troubles.pop(address, None)
        self._unreachable.forget(address)


def _read_refusal(error: Exception, address: str) -> Exception | None:
    """The refusal an error of a connection stands for; None: the broker may yet take us."""
    if isinstance(error, _LOGIN_REFUSED):
        return error
    for cause in list_causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TlsRefused(f"the certificate of {address} is not to be trusted: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError) and any(alert in str(cause) for alert in _CERTIFICATE_ALERTS):
            return TlsRefused(f"{address} does not take our certificate: {cause.reason or cause.args[-1]}")
    return None


def _check_tls_files(options: Mapping[str, Any]) -> None:
    """Raise TlsRefused naming a file that cannot be used; kafka-python meets it on each connection, in silence."""
    if options.get("security_protocol") not in {"SSL", "SASL_SSL"}:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    cafile, certfile, keyfile = (options.get(f"ssl_{name}file") for name in ("ca", "cert", "key"))
    try:
        if cafile:
            context.load_verify_locations(cafile)
    except OSError as error:
        raise TlsRefused(f"{cafile} holds no authority's certificate: {error.strerror or error}") from error
    try:
        if certfile:
            # A function: without a password OpenSSL would ask for it on the terminal.
            context.load_cert_chain(certfile, keyfile, lambda: options.get("ssl_password") or "")
    except (OSError, ValueError) as error:
        files = f"{certfile} and {keyfile}" if keyfile else certfile
        raise TlsRefused(f"{files} hold no usable certificate and key: {error}") from error


def _check_token(options: Mapping[str, Any]) -> None:
    """Raise KafkaUnavailable or KafkaRefused where no token is to be had, before kafka-python wraps that in its own."""
    provider = options.get("sasl_oauth_token_provider")
    if isinstance(provider, ClientCredentials):
        provider.token()
