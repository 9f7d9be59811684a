"""Everything that can be set about gRPC, in one place."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kafka_io.environment import read_settings
from producer_service.capture.still_image import ImageLimits
from producer_service.rpc.options import RpcOptions


class RpcSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `HOLISTIC_GRPC_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="HOLISTIC_GRPC_", extra="ignore", frozen=True)

    port: int = Field(default=5001, ge=0, le=65535, description="Port of gRPC; 0 or nothing: none.")
    host: str = Field(default="127.0.0.1", min_length=1, description="Address it listens on.")
    max_streams: int = Field(default=32, ge=1, le=1000, description="Streams that may be open over gRPC at once.")
    tls_certfile: Path | None = Field(default=None, description="PEM file of the certificate: TLS only.")
    tls_keyfile: Path | None = Field(default=None, description="PEM file of its key.")

    @field_validator("port", mode="before")
    @classmethod
    def take_nothing_for_none(cls, value: object) -> object:
        """An empty variable turns gRPC off."""
        return 0 if value == "" else value

    @model_validator(mode="after")
    def check_pair(self) -> Self:
        """A certificate needs a key, and the other way round."""
        if (self.tls_certfile is None) != (self.tls_keyfile is None):
            raise ValueError("HOLISTIC_GRPC_TLS_CERTFILE and HOLISTIC_GRPC_TLS_KEYFILE are set together or not at all")
        return self

    def options(self, limits: ImageLimits) -> RpcOptions | None:
        """How to serve, or None when it is turned off."""
        if self.port == 0:
            return None
        return RpcOptions(
            host=self.host,
            port=self.port,
            limits=limits,
            max_streams=self.max_streams,
            tls_certfile=self.tls_certfile,
            tls_keyfile=self.tls_keyfile,
        )


def read_rpc_settings(**given: object) -> RpcSettings:
    """The settings of this process's environment; what is given and not None wins over it. Raises Terminal."""
    return read_settings(RpcSettings, "gRPC", given)
