#!/bin/bash
# Copies the jars of Kafka KAFKA_VERSION from Maven Central into a folder: jars.sh FOLDER. Does nothing when it is there.
set -euo pipefail
version=${KAFKA_VERSION:?} folder=${1:?folder}
[ -d "$folder" ] && exit 0
half=$folder.half-$$
trap 'rm -rf "$half"' EXIT
mvn -q -B -f "$(dirname "$0")/pom.xml" -Dkafka.version="$version" \
  dependency:copy-dependencies -DoutputDirectory="$half"
mv -T "$half" "$folder" # whole or not at all
