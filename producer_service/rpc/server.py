"""The gRPC listener: its services, its limits, and its end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Self

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from keypoints.errors import HolisticError, Terminal
from producer_service.access.keys import ApiKeys
from producer_service.live.opening import OpenStudio
from producer_service.rpc import messages
from producer_service.rpc.failures import CallContext, end_call
from producer_service.rpc.health import HealthFollower
from producer_service.rpc.options import MAX_MESSAGE_BYTES, RpcOptions
from producer_service.rpc.schema import SERVICE, message_class
from producer_service.rpc.service import LandmarkService, read_token

_GRACE_S: Final = 10.0


class RpcServer:
    """Listens until closed. `port` is the one really taken."""

    def __init__(self, server: Any, port: int, service: LandmarkService, follower: HealthFollower) -> None:
        self.port = port
        self._server = server
        self._service = service
        self._follower = follower

    def close(self, grace_s: float = _GRACE_S) -> None:
        """Take no more calls; pictures that were taken are answered, for up to `grace_s`. Then nobody is connected."""
        self._follower.stop()
        ended = self._server.stop(grace_s)
        self._service.stop()
        ended.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve_rpc(opened: OpenStudio, access: ApiKeys, options: RpcOptions) -> RpcServer:
    """Serve HolisticLandmarks, reflection and health.

    Raises Terminal when the port is taken or a certificate cannot be used, and NoInterface.
    """
    message_class("PictureMessage")  # A missing interface is noticed now.
    service = LandmarkService(opened.studio, access, options)
    threads = options.max_streams + options.other_calls
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="rpc"),
        options=_channel_options(options),
        interceptors=(KeyGuard(access),),
        maximum_concurrent_rpcs=threads,
    )
    server.add_generic_rpc_handlers(
        (_describe(service, messages.Reader(options.limits, opened.studio.equipment.now_us)),)
    )
    port = _listen(server, options)
    follower = HealthFollower(opened.readiness, options.health_every_s)
    health_pb2_grpc.add_HealthServicer_to_server(follower.servicer, server)
    reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    server.start()
    return RpcServer(server, port, service, follower)


class KeyGuard:
    """Asks for the key where neither our own calls do nor health must not: reflection."""

    _OPEN: Final = (f"/{SERVICE}/", f"/{health.SERVICE_NAME}/")

    def __init__(self, access: ApiKeys) -> None:
        self._access = access

    def intercept_service(self, proceed: Callable[[Any], Any], call: Any) -> Any:
        """Called by gRPC before a call's first message is read."""
        if call.method.startswith(self._OPEN):
            return proceed(call)
        try:
            self._access.authenticate(read_token(call.invocation_metadata))
        except HolisticError as error:
            return _refusing(error)
        return proceed(call)


def _refusing(error: HolisticError) -> Any:
    def refuse(_messages: object, context: CallContext) -> object:
        end_call(context, error)

    return grpc.stream_stream_rpc_method_handler(refuse)


def _describe(service: LandmarkService, read: messages.Reader) -> Any:
    """Single requests are read by their handlers as well, which look at the key before: on the wire it is the same."""
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "TrackStream": grpc.stream_stream_rpc_method_handler(
                service.track_stream, read.track_message, messages.write_outcome
            ),
            "FindInPicture": grpc.stream_unary_rpc_method_handler(
                service.find_in_picture, read.still_picture, messages.write_outcome
            ),
            "ListStreams": grpc.stream_unary_rpc_method_handler(
                service.list_streams, read.list_request, messages.write_streams
            ),
            "CloseStream": grpc.stream_unary_rpc_method_handler(
                service.close_stream, read.close_request, messages.write_closed
            ),
        },
    )


def _channel_options(options: RpcOptions) -> list[tuple[str, int]]:
    milliseconds = int(options.keepalive_s * 1000)
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_concurrent_streams", options.max_streams + options.other_calls),
        # A second server on the port is an error, not half of the callers.
        ("grpc.so_reuseport", 0),
        # A client that vanished without a word is noticed; one that pings more often than thrice as fast is sent away.
        ("grpc.keepalive_time_ms", milliseconds),
        ("grpc.keepalive_timeout_ms", milliseconds // 3),
        ("grpc.http2.min_ping_interval_without_data_ms", milliseconds // 3),
        ("grpc.http2.max_ping_strikes", 2),
    ]


def _listen(server: Any, options: RpcOptions) -> int:
    address = f"[{options.host}]:{options.port}" if ":" in options.host else f"{options.host}:{options.port}"
    try:
        if options.tls_certfile is None:
            return int(server.add_insecure_port(address))
        key = options.tls_keyfile or options.tls_certfile
        pair = (key.read_bytes(), options.tls_certfile.read_bytes())
        return int(server.add_secure_port(address, grpc.ssl_server_credentials([pair])))
    except OSError as error:
        raise Terminal(f"gRPC's certificate cannot be read: {error}", hint="HOLISTIC_GRPC_TLS_CERTFILE") from error
    except RuntimeError as error:
        raise Terminal(
            f"gRPC cannot listen on {address}: {error}",
            hint="is the port taken, or the certificate no PEM? HOLISTIC_GRPC_PORT sets another, 0 turns it off",
        ) from error
