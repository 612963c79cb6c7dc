# Session family `base`: JupyterLab, Notebook 7, ipykernel, papermill, git.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y \
      bash-completion bzip2 curl git less nano openssh-client procps unzip xz-utils \
 && rm -rf /var/lib/apt/lists/*
COPY images/session/base.lock /opt/carrel/base.lock
RUN python3 -m venv /opt/carrel/venv \
 && /opt/carrel/venv/bin/pip install --no-cache-dir --require-hashes -r /opt/carrel/base.lock \
 && mkdir -p /content
COPY images/session/skel/ /
# The session's own programs are on the path of its Python; `carrel` is a command. A course's
# repository belongs to the hub's user, and git reads no stranger's without being told.
RUN python=/opt/carrel/venv/bin/python \
 && echo /opt/carrel/lib > "$($python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/carrel.pth" \
 && $python -m compileall -q /opt/carrel/lib \
 && ln -s /opt/carrel/bin/carrel /opt/carrel/bin/carrel-drive /usr/local/bin/ \
 && git config --system --add safe.directory '/opt/carrel/courses/*'
# A CPU session sees no GPU, also where the NVIDIA runtime is the engine's default.
ENV PATH=/opt/carrel/venv/bin:$PATH \
    VIRTUAL_ENV=/opt/carrel/venv \
    HOME=/content \
    SHELL=/bin/bash \
    NVIDIA_VISIBLE_DEVICES=void
WORKDIR /content
ENTRYPOINT ["/opt/carrel/bin/session"]
CMD ["jupyterhub-singleuser"]
