# Session family `pytorch`: the scientific stack with PyTorch; its wheels bring CUDA along.
ARG BASE
FROM ${BASE}
COPY images/session/pytorch.lock /opt/carrel/pytorch.lock
RUN /opt/carrel/venv/bin/pip install --no-cache-dir --require-hashes -r /opt/carrel/pytorch.lock
