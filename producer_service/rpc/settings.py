"""Everything that can be set about gRPC, in one place."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kafka_io.environment import read_settings
from producer_service.capture.still_image import ImageLimits
from producer_service.gateway.settings import GatewaySettings
from producer_service.rpc.options import RpcOptions


class RpcSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_GRPC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="HOLISTIC_GRPC_", extra="ignore", frozen=True)

    port: int = Field(default=5001, ge=0, le=65535, description="Port of gRPC; 0 or nothing: none.")
    host: str | None = Field(default=None, min_length=1, description="Address it listens on; by default HTTP's own.")
    max_streams: int = Field(default=32, ge=1, le=1000, description="Streams that may be open over gRPC at once.")
    max_waiting_bytes: int = Field(
        default=512 * 1024 * 1024,
        gt=0,
        description="Bytes that pictures of all streams may take while they wait.",
    )
    tls_certfile: Path | None = Field(
        default=None, description="PEM file of the certificate: TLS only; by default HTTP's own."
    )
    tls_keyfile: Path | None = Field(default=None, description="PEM file of its key, where that is another file.")

    @field_validator("port", mode="before")
    @classmethod
    def take_nothing_for_none(cls, value: object) -> object:
        """An empty variable turns gRPC off."""
        return 0 if value == "" else value

    @model_validator(mode="after")
    def check_pair(self) -> Self:
        """A key needs a certificate."""
        if self.tls_keyfile is not None and self.tls_certfile is None:
            raise ValueError("HOLISTIC_GRPC_TLS_KEYFILE needs HOLISTIC_GRPC_TLS_CERTFILE")
        return self

    def options(self, http: GatewaySettings, limits: ImageLimits) -> RpcOptions | None:
        """How to serve, or None when it is turned off. What is not set is as it is for HTTP."""
        if self.port == 0:
            return None
        whose = http if self.tls_certfile is None else self
        return RpcOptions(
            host=self.host or http.http_host,
            port=self.port,
            limits=limits,
            max_streams=self.max_streams,
            max_waiting_bytes=self.max_waiting_bytes,
            tls_certfile=whose.tls_certfile,
            tls_keyfile=whose.tls_keyfile,
        )


def read_rpc_settings(**given: object) -> RpcSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(RpcSettings, "gRPC", given)
