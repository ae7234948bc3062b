#!/bin/bash
# Copies the jars of Kafka KAFKA_VERSION from Maven Central into a folder: jars.sh FOLDER. Does nothing when they are there.
set -euo pipefail
version=${KAFKA_VERSION:?} folder=${1:?folder}
[ -f "$folder/kafka-streams-$version.jar" ] && exit 0 # the one that the list got last
half=$folder.half-$$
trap 'rm -rf "$half"' EXIT
mvn -q -B -f "$(dirname "$0")/pom.xml" -Dkafka.version="$version" \
  dependency:copy-dependencies -DoutputDirectory="$half"
if [ -d "$folder" ]; then
  mv -n "$half"/*.jar "$folder" # filled by a shorter list: brokers may be running from it, so it only grows
else
  mv -T "$half" "$folder" # whole or not at all
fi
