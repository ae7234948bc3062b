# replayd as an image that runs one command and ends with its exit code:
#
#   docker build -t replayd .
#   docker run --rm replayd demo
#
# It holds the program, the certificates of public authorities and nothing else: no shell, no package manager.

ARG GO_IMAGE=golang:1.26

FROM ${GO_IMAGE} AS build
WORKDIR /src
# Modules change less often than sources do.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
# timetzdata puts the time zones into the program: the image has no others.
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags "-s -w -X main.release=${VERSION}" \
    -o /image/usr/bin/replayd ./cmd/replayd
# Any user may write to the folders for spilling and for demo: some clusters run every image as a user of their own.
RUN mkdir -p /image/etc/replayd /image/etc/ssl/certs /image/home/replayd /image/tmp /image/var/tmp/replayd && \
    chmod 1777 /image/tmp /image/var/tmp/replayd && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ && \
    echo 'replayd:x:65532:65532:replayd:/home/replayd:/usr/bin/replayd' >/image/etc/passwd && \
    echo 'replayd:x:65532:' >/image/etc/group

FROM scratch
LABEL org.opencontainers.image.title="replayd" \
      org.opencontainers.image.description="Replays archived events into Kafka: in order, each once, tagged, at a chosen pace" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image/ /
# The home of whatever user: there the AWS configuration is looked for, /home/replayd/.aws.
ENV HOME=/home/replayd PATH=/usr/bin
USER 65532:65532
# What does not fit into memory is spilled here, the default of --spill-dir. The configuration is /etc/replayd/replayd.yaml.
VOLUME /var/tmp/replayd
ENTRYPOINT ["/usr/bin/replayd"]
