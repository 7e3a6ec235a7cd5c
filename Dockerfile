# syntax=docker/dockerfile:1
# The program with everything that renders on the runner need: Node.js, the engine, Chromium's headless shell, FFmpeg and fonts.
#
# The images are named by tags, since no digest could be verified where this file was written. To pin them, pass digests:
# docker build --build-arg BASE=node@sha256:… --build-arg RUST=rust@sha256:… .
ARG RUST=rust:1.89-slim-trixie
ARG BASE=node:24-trixie-slim

FROM ${RUST} AS program
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin hyperframes-ci

FROM ${BASE} AS packages
COPY docker/packages.sh /tmp/packages.sh
RUN sh /tmp/packages.sh

FROM packages AS engine
COPY --from=program /src/target/release/hyperframes-ci /usr/local/bin/hyperframes-ci
COPY docker/engine.sh /tmp/engine.sh
COPY examples/launch-card /tmp/launch-card
RUN sh /tmp/engine.sh /opt/hyperframes-ci /tmp/launch-card

# The parts that change often come last, so that an update replaces small layers.
FROM packages
COPY --from=engine /opt/hyperframes-ci /opt/hyperframes-ci
COPY --from=program /src/target/release/hyperframes-ci /usr/local/bin/hyperframes-ci
ENV HYPERFRAMES_CI_CACHE=/opt/hyperframes-ci \
    HYPERFRAMES_CI_LEDGER=/tmp/hyperframes-ci/ledger.jsonl \
    HYPERFRAMES_BROWSER_PATH=/usr/bin/chromium-headless-shell
USER node
WORKDIR /work
# No entry point: CI services start a shell.
CMD ["hyperframes-ci", "--help"]
