#!/bin/bash
# Builds stand-ins for two images where none can be pulled. Needs docker and busybox (busybox-static).
#
#   build.sh go TAG PROGRAM     of golang: its go build only checks that the sources are there, and gives out PROGRAM
#   build.sh s3 TAG VERSITYGW   of versity/versitygw: that binary with the libraries it loads
set -euo pipefail
kind=${1:?go or s3} tag=${2:?tag} binary=${3:?binary}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/rootfs

# What the program is built from, as the compiler of this machine sees it: one path a line, relative to the project.
sources() {
  cd "$here/../.."
  go list -deps -f '{{if .Module}}{{if .Module.Main}}{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}
{{end}}{{end}}{{end}}' ./cmd/replayd | sed -n "s|^$PWD/||p"
}

go_image() {
  mkdir -p "$root"/{bin,dev,etc/ssl/certs,proc,sys,tmp,prebuilt,usr/local/go/bin}
  cp "$(readlink -f "$(command -v busybox)")" "$root/bin/busybox"
  for applet in sh cp mkdir chmod cat dirname; do ln -s busybox "$root/bin/$applet"; done
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  cp "$binary" "$root/prebuilt/replayd"
  sources >"$root/prebuilt/sources"
  cp "$here/go.sh" "$root/usr/local/go/bin/go"
  chmod 755 "$root/usr/local/go/bin/go"
  # The label goes on to the stages that are built with it, which have no name to be removed by.
  pack -c 'ENV PATH=/usr/local/go/bin:/bin' -c "LABEL replayd.test.compiler=$tag"
}

s3_image() {
  local file
  mkdir -p "$root"/{dev,proc,sys,tmp,usr/local/bin}
  cp "$binary" "$root/usr/local/bin/versitygw"
  ldd "$binary" | grep -oE '/[^ ]+\.so[^ ]*' | while read -r file; do
    mkdir -p "$root$(dirname "$file")"
    cp -L "$file" "$root$file"
  done
  pack -c 'ENTRYPOINT ["/usr/local/bin/versitygw"]'
}

pack() { tar -C "$root" --numeric-owner --owner=0 --group=0 -c . | docker import "$@" - "$tag" >/dev/null; }

"${kind}_image"
