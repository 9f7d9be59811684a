"""The producer as a process whose landmarker needs no model: a right hand where a picture is red top left."""

import sys

from kafka_io.settings import read_kafka_settings
from producer_service.gateway.settings import read_gateway_settings
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.serve import run_service
from producer_service.settings import read_producer_settings
from tests.producer_service.finders import RIGHT_HAND

if __name__ == "__main__":
    pool = PoolOptions(workers=1, standby=0, opener=RIGHT_HAND)
    sys.exit(run_service(read_gateway_settings(), read_producer_settings(), read_kafka_settings(), pool))
