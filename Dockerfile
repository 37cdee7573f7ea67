# What a worker needs: the pinned packages and Reelstore itself, without its tests.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    REELSTORE_CONFIG=/opt/reelstore/reelstore.toml \
    REELSTORE_ROOT=/var/lib/reelstore

# Kept in every commit's provenance: --build-arg GIT_REVISION=$(git rev-parse HEAD)
ARG GIT_REVISION
ENV REELSTORE_GIT_REVISION=$GIT_REVISION

RUN useradd --create-home --uid 10001 reelstore \
    && install --directory --owner=reelstore --group=reelstore /var/lib/reelstore

WORKDIR /opt/reelstore
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --require-hashes --requirement requirements.lock

COPY pyproject.toml README.md reelstore.toml ./
COPY warehouse warehouse
COPY featurestore featurestore
COPY modeling modeling
COPY flows flows
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation .

USER 10001
WORKDIR /home/reelstore
CMD ["prefect", "worker", "start", "--pool", "reelstore", "--type", "process"]
