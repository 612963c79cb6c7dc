# Session family `datascience`: the scientific stack, and a compiler for what pip builds.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y build-essential python3-dev \
 && rm -rf /var/lib/apt/lists/*
COPY images/session/datascience.lock /opt/carrel/datascience.lock
RUN /opt/carrel/venv/bin/pip install --no-cache-dir --require-hashes -r /opt/carrel/datascience.lock
