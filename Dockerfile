# One image per service, one target each: docker build --target archive -t holistic-stream/archive .
# BASE_IMAGE is any Debian-like image with python3 3.11 or 3.12 and its venv module.
ARG BASE_IMAGE=python:3.11-slim

# What changes most often and every image has comes last: the way in, the health check, and the rooms of the house that
# every service uses; beside them the one that consumers share.
FROM scratch AS shared-rooms
COPY deploy/container/ /container/
COPY keypoints/ /holistic/keypoints/
COPY kafka_io/ /holistic/kafka_io/
COPY observability/ /holistic/observability/

FROM shared-rooms AS consumer-rooms
COPY connect_runtime/ /holistic/connect_runtime/
COPY consumers/__init__.py /holistic/consumers/

# Where libraries are installed: here alone are pip and all of the base. Images take the results.
FROM ${BASE_IMAGE} AS workshop
RUN python3 -m venv --without-pip /opt/venv && python3 -m venv /opt/pip
ENV PATH=/opt/venv/bin:$PATH
COPY deploy/install_requirements.sh deploy/trim_libraries.py requirements/common.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/common.txt

# The base without what no service runs. Nobody but root owns a file that is in it.
FROM ${BASE_IMAGE} AS pruned-base
COPY deploy/prune_base.sh /opt/
RUN groupadd --gid 10001 holistic \
 && useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin holistic \
 && /opt/prune_base.sh && rm /opt/prune_base.sh

# What every image shares: the pruned base as one layer, and the libraries.
FROM scratch AS common
COPY --from=pruned-base / /
COPY --from=workshop /opt/venv/ /opt/venv/
LABEL org.opencontainers.image.title="Holistic Stream" \
      org.opencontainers.image.description="Human motion as a data stream" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
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
COPY --from=shared-rooms / /opt/
RUN python -m compileall -q /opt/holistic
LABEL org.opencontainers.image.title="Holistic Stream topics"
USER 10001:10001
CMD ["python", "-m", "kafka_io.topics"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

# The avatar viewer's page, made by Node and npm, of which the image keeps nothing else.
FROM workshop AS avatar-page
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

FROM workshop AS avatar-libraries
COPY requirements/avatar.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/avatar.txt /opt/added

FROM common AS avatar
COPY --from=avatar-libraries /opt/added/ /
COPY --from=consumer-rooms / /opt/
COPY consumers/avatar/ consumers/avatar/
COPY --from=avatar-page /opt/holistic/consumers/avatar/viewer/page/ consumers/avatar/viewer/page/
RUN python -m compileall -q /opt/holistic
LABEL org.opencontainers.image.title="Holistic Stream avatar"
ENV HOLISTIC_HTTP_PORT=8085
EXPOSE 8085
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/healthcheck.py"]
CMD ["python", "-m", "consumers.avatar"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM workshop AS analytics-libraries
COPY requirements/analytics-service.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/analytics-service.txt /opt/added

FROM common AS analytics
COPY --from=analytics-libraries /opt/added/ /
COPY --from=consumer-rooms / /opt/
COPY performers/ performers/
COPY consumers/analytics/ consumers/analytics/
# Reports are made by people, with the image of tools.
RUN rm -r consumers/analytics/report && python -m compileall -q /opt/holistic
LABEL org.opencontainers.image.title="Holistic Stream analytics"
ENV HOLISTIC_HTTP_PORT=8084
EXPOSE 8084
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/healthcheck.py"]
CMD ["python", "-m", "consumers.analytics"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM workshop AS archive-libraries
COPY requirements/archive-service.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/archive-service.txt /opt/added

FROM common AS archive
COPY --from=archive-libraries /opt/added/ /
COPY --from=consumer-rooms / /opt/
COPY consumers/archive/ consumers/archive/
# People ask, audit, export and restore with the image of tools, which has DuckDB for it.
# A named volume takes its owner from this directory when it is first mounted.
RUN cd consumers/archive \
 && rm -r audit*.py capture_range.py export restore sql*.py streams.py parquet/reading.py \
 && python -m compileall -q /opt/holistic \
 && install -d -o 10001 -g 10001 /var/lib/holistic/archive
LABEL org.opencontainers.image.title="Holistic Stream archive"
ENV HOLISTIC_HTTP_PORT=8083 \
    HOLISTIC_ARCHIVE_DIR=/var/lib/holistic/archive
EXPOSE 8083
VOLUME /var/lib/holistic/archive
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/healthcheck.py"]
CMD ["python", "-m", "consumers.archive"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM workshop AS producer-libraries
COPY requirements/producer.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/producer.txt /opt/added

FROM common AS producer
COPY --from=producer-libraries /opt/added/ /
COPY --from=shared-rooms / /opt/
COPY producer_service/ producer_service/
COPY protos/ producer_service/protos/
RUN python -m compileall -q /opt/holistic
LABEL org.opencontainers.image.title="Holistic Stream producer"
# Where waiting frames and the progress of files are kept: mount a volume there to keep them.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/holistic/producer
ENV MPLCONFIGDIR=/tmp/matplotlib \
    HOLISTIC_STATE_DIR=/var/lib/holistic/producer \
    HOLISTIC_HTTP_PORT=5000 \
    HOLISTIC_GRPC_PORT=5001 \
    HOLISTIC_IMAGES_HTTP_HOST=0.0.0.0 \
    HOLISTIC_IMAGES_HTTP_PORT=5000 \
    HOLISTIC_IMAGES_LOG_FORMAT=json
EXPOSE 5000 5001
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/container/healthcheck.py"]
CMD ["python", "-m", "producer_service.gateway"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

# The verbs of `holistic` that people run beside the services: docker run --rm … tools sql "SELECT …"
FROM workshop AS tools-libraries
COPY requirements/tools.txt /opt/requirements/
RUN --mount=type=secret,id=pip_config,target=/etc/pip.conf \
    --mount=type=secret,id=ca_certificates \
    /opt/requirements/install_requirements.sh /opt/requirements/tools.txt /opt/added

FROM common AS tools
COPY --from=tools-libraries /opt/added/ /
COPY --from=consumer-rooms / /opt/
COPY performers/ performers/
COPY consumers/ consumers/
COPY local_stack/ local_stack/
COPY holistic_cli/ holistic_cli/
RUN python -m compileall -q /opt/holistic \
 && install -d -o 10001 -g 10001 /var/lib/holistic/archive
LABEL org.opencontainers.image.title="Holistic Stream tools"
ENV HOLISTIC_ARCHIVE_DIR=/var/lib/holistic/archive \
    HOLISTIC_LOG_FORMAT=human \
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
ENTRYPOINT ["/opt/venv/bin/python", "/opt/container/entrypoint.py", "python", "-m", "holistic_cli"]
CMD ["--help"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
