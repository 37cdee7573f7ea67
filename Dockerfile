# A worker's image: docker build --target cpu (or cuda) --build-arg GIT_REVISION=$(git rev-parse HEAD) .
FROM python:3.11.14-slim-bookworm AS base

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DO_NOT_TRACK=1 \
    REELSTORE_CONFIG=/opt/reelstore/reelstore.toml \
    REELSTORE_ROOT=/var/lib/reelstore \
    PREFECT_HOME=/var/cache/reelstore/prefect \
    XDG_CACHE_HOME=/var/cache/reelstore \
    VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:$PATH \
    UV_COMPILE_BYTECODE=1 \
    UV_NO_CACHE=1

# All else can be mounted read-only: the store, the cache and /tmp are what is written.
RUN useradd --uid 10001 --home-dir /var/cache/reelstore reelstore \
    && install --directory --owner=reelstore --group=reelstore /var/lib/reelstore /var/cache/reelstore

WORKDIR /opt/reelstore
RUN python -m pip install --no-cache-dir uv==0.13.9 && python -m venv "$VIRTUAL_ENV"
COPY pyproject.toml README.md LICENSE requirements.lock ./


FROM base AS packages-cpu

# PyTorch's builds without CUDA, of the versions that the lock file names; its hashes are of those with CUDA.
RUN uv pip install --torch-backend cpu \
    "$(grep --only-matching '^torch==[^ ;]*' requirements.lock)" \
    "$(grep --only-matching '^torchvision==[^ ;]*' requirements.lock)"
RUN uv pip install --constraint requirements.lock --requirement pyproject.toml --extra openvino


FROM base AS packages-cuda

# The packages bring CUDA's libraries along; the driver is the host's.
RUN uv pip install --constraint requirements.lock --requirement pyproject.toml


FROM packages-cuda AS cuda

ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY warehouse warehouse
COPY featurestore featurestore
COPY modeling modeling
COPY flows flows
RUN uv pip install --no-deps .
COPY reelstore.toml prefect.yaml ./

# Kept in every commit's provenance.
ARG GIT_REVISION
ENV REELSTORE_GIT_REVISION=$GIT_REVISION
USER 10001
CMD ["prefect", "worker", "start", "--pool", "reelstore", "--with-healthcheck"]


# The last one is what is built where no target is named.
FROM packages-cpu AS cpu

COPY warehouse warehouse
COPY featurestore featurestore
COPY modeling modeling
COPY flows flows
RUN uv pip install --no-deps .
COPY reelstore.toml prefect.yaml ./

# Kept in every commit's provenance.
ARG GIT_REVISION
ENV REELSTORE_GIT_REVISION=$GIT_REVISION
USER 10001
CMD ["prefect", "worker", "start", "--pool", "reelstore", "--with-healthcheck"]
