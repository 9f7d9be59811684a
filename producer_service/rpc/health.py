"""gRPC's own health service: what it says follows the studio's readiness."""

import threading
from collections.abc import Callable

from grpc_health.v1 import health, health_pb2

from observability.health import Readiness
from producer_service.rpc.schema import SERVICE


class HealthFollower:
    """Asks for the readiness again and again, on a thread of its own, and says it for the server and its service."""

    def __init__(self, readiness: Callable[[], Readiness], every_s: float) -> None:
        self.servicer = health.HealthServicer()
        self._readiness = readiness
        self._every_s = every_s
        self._stopped = threading.Event()
        self._say(readiness().ready)
        self._thread = threading.Thread(target=self._follow, name="rpc health", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say that it serves no more, whatever comes."""
        self._stopped.set()
        self._thread.join()
        self.servicer.enter_graceful_shutdown()

    def _follow(self) -> None:
        while not self._stopped.wait(self._every_s):
            self._say(self._readiness().ready)

    def _say(self, ready: bool) -> None:
        states = health_pb2.HealthCheckResponse
        for service in ("", SERVICE):
            self.servicer.set(service, states.SERVING if ready else states.NOT_SERVING)
