# Intone in a container.
#
#   docker build -t intone:cpu .
#   docker build -t intone:cuda --build-arg DEVICE=cuda .
#
# DEVICE decides which torch is installed. Its CUDA build brings CUDA itself, so the base needs only
# Python, the driver of the host and a C compiler, which is added: without one a GPU's kernels cannot
# be built at the first start, and frames are slow; any base of the Debian family will do, for example
# --build-arg BASE_IMAGE=nvidia/cuda:13.0.2-runtime-ubuntu24.04. How to run it: docs/deploy.md.

ARG BASE_IMAGE=python:3.12-slim-trixie

FROM ${BASE_IMAGE} AS base
# Bases without Python get the one of their distribution.
RUN command -v python3 >/dev/null || { \
      apt-get update \
      && apt-get install --yes --no-install-recommends python3 python3-venv \
      && rm -rf /var/lib/apt/lists/*; }

FROM base AS build
ARG DEVICE=cpu
# The default build of torch for Linux holds gigabytes of CUDA, which a CPU image does not want.
ARG CPU_TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=server,codecs,wyoming
ENV VENV=/opt/intone
WORKDIR /src
COPY constraints.txt ./
RUN case "$DEVICE" in \
      cpu) index="--index-url $CPU_TORCH_INDEX" ;; \
      cuda) index="" ;; \
      *) echo "DEVICE is '$DEVICE'; allowed: cpu or cuda." >&2; exit 1 ;; \
    esac \
    && python3 -m venv "$VENV" \
    && "$VENV/bin/pip" install --no-cache-dir $index --constraint constraints.txt torch
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN "$VENV/bin/pip" install --no-cache-dir --constraint constraints.txt ".[$EXTRAS]"
# The image must speak: a broken set of packages ends the build, not the first request.
RUN "$VENV/bin/intone" say --model builtin --out /dev/null --format wav "Built." \
    && "$VENV/bin/intone" serve --print-config >/dev/null

FROM base
ARG DEVICE=cpu
ARG USER_ID=10001
ENV VENV=/opt/intone DATA=/data
RUN test "$DEVICE" != cuda || command -v gcc >/dev/null || { \
      apt-get update \
      && apt-get install --yes --no-install-recommends gcc libc6-dev \
        $(test "$(command -v python3)" != /usr/bin/python3 || echo python3-dev) \
      && rm -rf /var/lib/apt/lists/*; }
COPY --from=build ${VENV} ${VENV}
RUN install -d -o "$USER_ID" -g "$USER_ID" "$DATA"
# Everything that outlives a container is under /data: models, built graphs, voices, keys, jobs, and
# a GPU's kernels, which could not be run from a /tmp that is mounted noexec.
ENV PATH=${VENV}/bin:${PATH} \
    HOME=${DATA} \
    HF_HOME=${DATA}/models \
    INTONE_CACHE_DIR=${DATA}/cache \
    TRITON_CACHE_DIR=${DATA}/cache/triton \
    TORCHINDUCTOR_CACHE_DIR=${DATA}/cache/inductor \
    XDG_CONFIG_HOME=${DATA}/config \
    XDG_DATA_HOME=${DATA}/share \
    XDG_STATE_HOME=${DATA}/state \
    PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    INTONE_SERVER__HOST=0.0.0.0 \
    INTONE_SERVER__PORT=8000
USER ${USER_ID}:${USER_ID}
WORKDIR ${DATA}
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:%s/healthz' % os.environ['INTONE_SERVER__PORT'], timeout=4)"]
ENTRYPOINT ["intone"]
CMD ["serve"]
