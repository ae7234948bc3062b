// Package integration tests replayd as people run it: the built program, against real Kafka and a real S3 server.
//
// Tests that mostly wait, for a pace or for what is away, are parallel: they run beside each other when all others are done.
//
//	bench           what a replay costs beside the least programs that could do its work
//	compose-images  stand-ins of the images of docker-compose.yml where none can be pulled
//	harness         brokers, S3 and bad networks for tests
//	imports         the direction of imports
//	kafka-image     Kafka's jars, and a stand-in of its image where none can be pulled
//	ledger          what a run of the tests covered, and what it left out
//	pty             a terminal for programs under test
//	transcript      what a program under test prints
//	wayout          what a refusal tells a person to do next, as a test follows it
package integration
