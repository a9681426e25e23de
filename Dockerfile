# pushgrasp on a CPU, without a display:
#   docker build -t pushgrasp .
#   docker run --rm -v "$PWD/out:/out" pushgrasp demo --out /out/demo
# Another build of PyTorch:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 -t pushgrasp .

FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src src
RUN python -m venv /opt/pushgrasp \
    && /opt/pushgrasp/bin/pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" \
        -c constraints.txt '.[looks]'

FROM python:3.11-slim-bookworm
# libEGL and Mesa: for --camera opengl and videos; the default camera casts rays without them.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libegl1 libgl1-mesa-dri libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/pushgrasp /opt/pushgrasp
ENV PATH=/opt/pushgrasp/bin:$PATH MUJOCO_GL=egl OMP_WAIT_POLICY=PASSIVE
RUN useradd --create-home robot
USER robot
WORKDIR /home/robot
ENTRYPOINT ["pushgrasp"]
CMD ["info"]
