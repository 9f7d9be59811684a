# One image per service, one target each: docker build --target archive -t holistic-stream/archive .
# BASE_IMAGE is any Debian-like image with python3 3.11 or 3.12 and its venv module.
ARG BASE_IMAGE=python:3.11-slim

# The rooms of the house that every service uses, and the one that consumers share.
FROM scratch AS shared-rooms
COPY keypoints/ /keypoints/
COPY kafka_io/ /kafka_io/
COPY observability/ /observability/

FROM shared-rooms AS consumer-rooms
COPY connect_runtime/ /connect_runtime/
COPY consumers/__init__.py /consumers/

# What every image shares: the interpreter's environment, the unprivileged user, the way in and the health check.
FROM ${BASE_IMAGE} AS common
RUN groupadd --gid 10001 holistic \
 && useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin holistic \
 && python3 -m venv --without-pip /opt/venv
COPY deploy/install_requirements.sh requirements/common.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/common.txt
COPY deploy/container/ /opt/container/
LABEL org.opencontainers.image.title="Holistic Stream" \
      org.opencontainers.image.description="Human motion as a data stream" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/holistic \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HOLISTIC_LOG_FORMAT=json \
    HOLISTIC_HTTP_HOST=0.0.0.0
WORKDIR /opt/holistic
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/venv/bin/python", "/opt/container/entrypoint.py"]

# Creates the suite's topics once, and ends.
FROM common AS topics
COPY --from=shared-rooms / /opt/holistic/
RUN python -m compileall -q /opt/holistic
LABEL org.opencontainers.image.title="Holistic Stream topics"
USER 10001:10001
CMD ["python", "-m", "kafka_io.topics"]

# The avatar viewer's page, made by Node and npm, of which the image keeps nothing else.
FROM common AS avatar-page
COPY requirements/page.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/page.txt
WORKDIR /opt/holistic/web/avatar
COPY web/avatar/package.json web/avatar/package-lock.json web/avatar/.npmrc ./
RUN --mount=type=secret,id=npm_config \
    --mount=type=secret,id=ca_certificates \
    NPM_CONFIG_USERCONFIG=/run/secrets/npm_config NODE_EXTRA_CA_CERTS=/run/secrets/ca_certificates \
    npm ci --cache /tmp/npm --loglevel=error
COPY web/avatar/ ./
RUN npm run build

FROM common AS avatar
COPY requirements/avatar.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/avatar.txt
COPY --from=consumer-rooms / /opt/holistic/
COPY consumers/avatar/ consumers/avatar/
COPY --from=avatar-page /opt/holistic/consumers/avatar/viewer/page/ consumers/avatar/viewer/page/
RUN python -m compileall -q /opt/holistic
LABEL org.opencontainers.image.title="Holistic Stream avatar"
ENV HOLISTIC_HTTP_PORT=8085
EXPOSE 8085
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/healthcheck.py"]
CMD ["python", "-m", "consumers.avatar"]

FROM common AS analytics
COPY requirements/analytics.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/analytics.txt
COPY --from=consumer-rooms / /opt/holistic/
COPY performers/ performers/
COPY consumers/analytics/ consumers/analytics/
RUN python -m compileall -q /opt/holistic
LABEL org.opencontainers.image.title="Holistic Stream analytics"
ENV HOLISTIC_HTTP_PORT=8084
EXPOSE 8084
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/healthcheck.py"]
CMD ["python", "-m", "consumers.analytics"]

FROM common AS archive
COPY requirements/archive.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/archive.txt
COPY --from=consumer-rooms / /opt/holistic/
COPY consumers/archive/ consumers/archive/
# A named volume takes its owner from this directory when it is first mounted.
RUN python -m compileall -q /opt/holistic \
 && install -d -o 10001 -g 10001 /var/lib/holistic/archive
LABEL org.opencontainers.image.title="Holistic Stream archive"
ENV HOLISTIC_HTTP_PORT=8083 \
    HOLISTIC_ARCHIVE_DIR=/var/lib/holistic/archive
EXPOSE 8083
VOLUME /var/lib/holistic/archive
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/healthcheck.py"]
CMD ["python", "-m", "consumers.archive"]

FROM common AS producer
COPY requirements/producer.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/producer.txt
COPY --from=shared-rooms / /opt/holistic/
COPY producer_service/ producer_service/
COPY protos/ producer_service/protos/
RUN python -m compileall -q /opt/holistic
LABEL org.opencontainers.image.title="Holistic Stream producer"
# Where waiting frames and the progress of files are kept: mount a volume there to keep them.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/holistic/producer
ENV MPLCONFIGDIR=/tmp/matplotlib \
    HOLISTIC_STATE_DIR=/var/lib/holistic/producer \
    HOLISTIC_HTTP_PORT=5000 \
    HOLISTIC_GRPC_PORT=5001
EXPOSE 5000 5001
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/healthcheck.py"]
CMD ["python", "-m", "producer_service.gateway"]
