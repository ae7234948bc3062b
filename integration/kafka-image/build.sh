#!/bin/bash
# Builds a stand-in for the image apache/kafka where none can be pulled: the same jars, Kafka's own KafkaDockerWrapper,
# the JDK of this machine cut down by jlink, busybox and bash.
#
#   KAFKA_VERSION=4.3.1 build.sh JARS
#
# JARS is the folder that jars.sh filled. Needs docker, jlink (openjdk-17-jdk-headless), busybox (busybox-static), bash.
# Does nothing when the image exists; FORCE=1 builds it again.
set -euo pipefail
version=${KAFKA_VERSION:?} jars=${1:?folder of jars}
tag=replayd-test/kafka:$version
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${FORCE:-}" ] && docker image inspect "$tag" >/dev/null 2>&1; then
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/rootfs

folders() {
  mkdir -p "$root"/{bin,dev,etc,home/appuser,lib,lib64,proc,root,sys,tmp,usr/{bin,lib,logs}} \
    "$root"/{etc/kafka/{docker,secrets},mnt/shared/config,opt/kafka/{bin,config,libs,logs},var/lib/kafka/data}
  chmod 1777 "$root/tmp"
  cp "$jars"/*.jar "$root/opt/kafka/libs/"
}

# All modules that brokers and tools load; Kafka itself names none.
modules=java.base,java.compiler,java.desktop,java.instrument,java.logging,java.management,java.management.rmi
modules+=,java.naming,java.net.http,java.prefs,java.rmi,java.scripting,java.security.jgss,java.security.sasl,java.sql
modules+=,java.transaction.xa,java.xml,java.xml.crypto,jdk.attach,jdk.crypto.cryptoki,jdk.crypto.ec,jdk.jcmd
modules+=,jdk.localedata,jdk.management,jdk.management.agent,jdk.naming.dns,jdk.net,jdk.security.auth
modules+=,jdk.security.jgss,jdk.unsupported,jdk.zipfs

java_runtime() {
  local home
  home=$(dirname "$(dirname "$(readlink -f "$(command -v jlink)")")")
  "$home/bin/jlink" --module-path "$home/jmods" --strip-debug --no-header-files --no-man-pages --compress=2 \
    --output "$root/opt/java" --add-modules "$modules"
  "$root/opt/java/bin/java" -Xshare:dump >/dev/null # archived classes: brokers start sooner
}

shell() {
  cp "$(readlink -f "$(command -v busybox)")" "$root/bin/busybox"
  local applet
  for applet in $("$root/bin/busybox" --list); do
    case $applet in busybox | bash) continue ;; esac
    ln -sf busybox "$root/bin/$applet"
  done
  cp /bin/bash "$root/bin/bash"
  ln -s /bin/env "$root/usr/bin/env"
  ln -s /opt/java/bin/java "$root/bin/java"
}

# Every shared library that bash and the Java runtime load, and those glibc opens by name to look up hosts and users.
shared_libraries() {
  local headless='lib(awt|font|splash|jawt|jsound|lcms|mlib|javajpeg)' file
  {
    ldd /bin/bash
    find "$root/opt/java" \( -name '*.so' -o -path '*/bin/java' \) | grep -Ev "$headless" | while read -r file; do
      LD_LIBRARY_PATH="$root/opt/java/lib:$root/opt/java/lib/server" ldd "$file" || true
    done
  } 2>/dev/null | grep -v "$root" | grep -oE '/[^ ]+\.so[^ ]*' | sort -u >"$work/libs"
  local multiarch
  multiarch=$(dirname "$(ldconfig -p | sed -n 's/.*libc\.so\.6 (.*64.*) => //p' | head -1)")
  printf "$multiarch/%s\n" libstdc++.so.6 libgcc_s.so.1 libnss_files.so.2 libnss_dns.so.2 libresolv.so.2 >>"$work/libs"
  while read -r file; do
    [ -e "$file" ] || continue
    mkdir -p "$root$(dirname "$file")"
    cp -Lu "$file" "$root$file"
  done <"$work/libs"
}

# The official image runs as appuser, uid 1000.
accounts() {
  printf 'root:x:0:0:root:/root:/bin/sh\nappuser:x:1000:1000::/home/appuser:/bin/bash\n' >"$root/etc/passwd"
  printf 'root:x:0:\nappuser:x:1000:\n' >"$root/etc/group"
  printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$root/etc/nsswitch.conf"
}

tool() { printf '#!/bin/bash\nexec "$(dirname "$0")/kafka-run-class.sh" %s "$@"\n' "$2" >"$root/opt/kafka/bin/$1"; }

tools() {
  local tools=org.apache.kafka.tools
  cp "$here"/rootfs/bin/*.sh "$root/opt/kafka/bin/"
  tool kafka-storage.sh kafka.tools.StorageTool
  tool kafka-topics.sh $tools.TopicCommand
  tool kafka-configs.sh kafka.admin.ConfigCommand
  tool kafka-consumer-groups.sh $tools.consumer.group.ConsumerGroupCommand
  tool kafka-console-consumer.sh $tools.consumer.ConsoleConsumer
  tool kafka-console-producer.sh $tools.ConsoleProducer
  tool kafka-producer-perf-test.sh $tools.ProducerPerformance
  tool kafka-broker-api-versions.sh $tools.BrokerApiVersionsCommand
  tool kafka-get-offsets.sh $tools.GetOffsetShell
  tool kafka-transactions.sh $tools.TransactionsCommand
  tool kafka-metadata-quorum.sh $tools.MetadataQuorumCommand
  chmod 755 "$root"/opt/kafka/bin/*.sh
}

log4j() {
  cat <<YAML
Configuration:
  Properties:
    Property: []
  Appenders:
    Console:
      name: $1
      target: $2
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: $3
      AppenderRef:
        - ref: $1
    Logger: []
YAML
}

configuration() {
  local folder=$root/etc/kafka/docker
  cp "$here"/rootfs/docker/{run,server.properties} "$folder/"
  chmod 755 "$folder/run"
  log4j STDOUT SYSTEM_OUT INFO >"$folder/log4j2.yaml"
  log4j STDERR SYSTEM_ERR WARN >"$folder/tools-log4j2.yaml"
  cp "$folder"/*log4j2.yaml "$root/opt/kafka/config/"
}

# Everything belongs to root except what the official image gives to appuser.
pack() {
  local owned=(home/appuser opt/kafka etc/kafka var/lib/kafka mnt/shared usr/logs)
  (
    cd "$root"
    tar --numeric-owner --owner=0 --group=0 "${owned[@]/#/--exclude=./}" -cf "$work/image.tar" .
    tar --numeric-owner --owner=1000 --group=1000 -rf "$work/image.tar" "${owned[@]/#/./}"
  )
  docker import -m "stand-in for apache/kafka:$version" \
    -c 'USER appuser' -c 'EXPOSE 9092' -c 'WORKDIR /' -c 'CMD ["/etc/kafka/docker/run"]' \
    -c 'ENV PATH=/opt/kafka/bin:/opt/java/bin:/usr/bin:/bin JAVA_HOME=/opt/java' \
    -c 'VOLUME ["/etc/kafka/secrets","/var/lib/kafka/data","/mnt/shared/config"]' \
    "$work/image.tar" "$tag"
}

folders
java_runtime
shell
shared_libraries
accounts
tools
configuration
pack
docker image ls "$tag"
