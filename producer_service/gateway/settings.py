"""Everything that can be set about the HTTP API and the service around it."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kafka_io.environment import read_settings
from observability.own_names import check_host, check_origin
from producer_service.capture.address_policy import AddressPolicy, IpNetwork
from producer_service.landmarks.pool.options import PoolOptions, count_cores

Listed = Annotated[tuple[str, ...], NoDecode]
Origins = Annotated[tuple[Annotated[str, AfterValidator(check_origin)], ...], NoDecode]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(check_host)], ...], NoDecode]
"""Several values in one variable, separated by commas."""

FORM_BYTES = 64 * 1024
"""What a form may weigh beyond its file: boundaries, headers, and the fields beside it."""


class GatewaySettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="HOLISTIC_", extra="ignore", frozen=True)

    http_host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 is every interface.")
    http_port: int = Field(default=5000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    tls_certfile: Path | None = Field(default=None, description="PEM file of the listener's certificate: HTTPS only.")
    tls_keyfile: Path | None = Field(default=None, description="PEM file of its key, where that is another file.")
    api_keys_file: Path | None = Field(
        default=None, description="File of API keys (`holistic keys`); without it whoever reaches the port may use it."
    )
    allowed_origins: Origins = Field(
        default=(), description="Origins of web pages that may use the API besides its own, as https://host:port."
    )
    allowed_hosts: Hosts = Field(
        default=(), description="Names browsers know this service by, needed for its page where no keys are asked for."
    )
    streams_a_key: int = Field(default=16, ge=1, description="Streams one key may have open at once.")
    requests_per_s: float = Field(default=200, gt=0, description="Pictures and orders a second that one key may send.")
    uploads_at_once: int = Field(default=32, ge=1, description="Pictures that are received over HTTP at once.")
    connections_at_once: int = Field(default=1024, ge=1, description="Connections that may be open at once.")
    body_timeout_s: float = Field(default=30, gt=0, description="Time a request's body may take to come in.")
    body_bytes_per_s: int = Field(
        default=16 * 1024, ge=1, description="Rate at which a body must come in, after two seconds of grace."
    )
    header_timeout_s: float = Field(default=10, gt=0, description="Time a request's headers may take to come in.")
    idle_stream_s: float = Field(
        default=60, gt=0, description="A stream that gets pictures by HTTP is closed when none came for so long."
    )
    socket_pictures_per_s: float = Field(default=60, gt=0, description="Pictures a second one WebSocket may send.")
    socket_send_timeout_s: float = Field(
        default=10, gt=0, description="A WebSocket whose client does not read its answers for so long is closed."
    )
    sources_dir: Path | None = Field(
        default=None, description="Folder whose files may be sources over the API; without it none may."
    )
    address_sources: bool = Field(
        default=False, description="Whether addresses of cameras (rtsp://, http://) may be sources over the API."
    )
    address_networks: Listed = Field(
        default=(), description="Networks of cameras beyond the public internet, as 192.168.1.0/24."
    )
    address_hosts: Listed = Field(default=(), description="Names of cameras that may be at private addresses.")
    webcam_sources: bool = Field(
        default=False, description="Whether this machine's own cameras (webcam:0) may be sources over the API."
    )
    workers: int | None = Field(
        default=None, ge=1, description="Processes that find landmarks; by default one for each core."
    )
    streams_a_worker: int = Field(default=8, ge=1, description="Streams one of them tracks at most.")
    drain_delay_s: float = Field(
        default=0, ge=0, description="Time to go on answering after SIGTERM, so that load balancers notice."
    )
    drain_timeout_s: int = Field(
        default=20, ge=1, description="Time that requests under way have to be finished after that."
    )

    @field_validator("allowed_origins", "allowed_hosts", "address_networks", "address_hosts", mode="before")
    @classmethod
    def split_listed(cls, value: Any) -> Any:
        """Values are separated by commas."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("address_networks")
    @classmethod
    def check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Each must be a network."""
        for network in value:
            ipaddress.ip_network(network)
        return value

    @model_validator(mode="after")
    def check_pair(self) -> Self:
        """A key needs its certificate."""
        if self.tls_keyfile is not None and self.tls_certfile is None:
            raise ValueError("HOLISTIC_TLS_KEYFILE needs HOLISTIC_TLS_CERTFILE")
        return self

    def address_policy(self) -> AddressPolicy:
        """Which addresses may be given as sources."""
        networks: tuple[IpNetwork, ...] = tuple(ipaddress.ip_network(network) for network in self.address_networks)
        return AddressPolicy(self.address_sources, networks, frozenset(host.lower() for host in self.address_hosts))

    def pool_options(self) -> PoolOptions:
        """How many worker processes there are, and what each takes on."""
        return PoolOptions(workers=self.workers or count_cores(), streams_a_worker=self.streams_a_worker)


def read_gateway_settings(**given: object) -> GatewaySettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(GatewaySettings, "service", given)
