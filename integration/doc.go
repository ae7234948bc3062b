// Package integration tests replayd as people run it: the built program, against real Kafka and a real S3 server.
//
//	harness      brokers, S3 and bad networks for tests
//	imports      the direction of imports
//	kafka-image  Kafka's jars, and a stand-in of its image where none can be pulled
//	ledger       what a run of the tests covered, and what it left out
package integration
