// Package harness gives tests the real things: Kafka brokers that can be killed, frozen and restarted, an S3 server,
// a network that misbehaves.
//
//	k := harness.StartKafka(t, harness.KafkaOptions{Control: true})
//	k.Kill(0)
//	k.Restart(0)
//	client := k.Client(t, kgo.ConsumeTopics("events"))
//
// Everything that is started ends with the test; logs of brokers are shown when it failed. What the machine does not
// have is never passed over in silence: the test is skipped with the reason, the reason is written to the run's ledger
// (see integration/ledger), and it is a failure instead when REPLAYD_TEST_REQUIRE lists it.
//
// # Kafka
//
// Three providers, tried in this order unless REPLAYD_TEST_KAFKA_PROVIDER forces one:
//
//	env      the brokers that REPLAYD_TEST_KAFKA names (host:port, comma-separated); cannot be killed
//	process  child processes from the published jars (make kafka-jars, Java 17): quick, exact signals
//	docker   containers of apache/kafka, or of REPLAYD_TEST_KAFKA_IMAGE, through testcontainers
//
// The same jars compile and run the Java programs that people write against the brokers: see Java.
//
// # Security
//
// KafkaOptions.Secure adds listeners with TLS and SASL, and the authorizer. See Secure.
//
// # Tools
//
// versitygw and the jars are looked for in the folder REPLAYD_TEST_TOOLS, by default replayd-test in the user's cache
// folder, where `make tools kafka-jars` puts them.
//
// Methods that fail end the test, so they belong on the test's own goroutine.
package harness
