package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"replayd/replay"
	"replayd/replay/consumer"
	"replayd/replay/merge"
)

// TestEveryFieldOfTheStatusTopicStandsInItsSchema names what is missing on either side; that real records follow the
// schema is tested on a real broker.
func TestEveryFieldOfTheStatusTopicStandsInItsSchema(t *testing.T) {
	type fields struct {
		Properties map[string]any
	}
	var schema struct {
		Defs map[string]fields `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(read(t, "docs/status.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	var told []string
	for name := range schema.Defs["receipt"].Properties {
		told = append(told, name)
	}
	for name := range schema.Defs["partition"].Properties {
		told = append(told, "partitions[]."+name)
	}
	sameWords(t, "fields of the schema", fieldsOf(reflect.TypeFor[replay.Receipt](), ""), told)
}

// TestConsumersKnowWhatReplaysWrite holds replay/consumer, which shares no code with the rest, against it.
func TestConsumersKnowWhatReplaysWrite(t *testing.T) {
	told := firstCells(section(t, "docs/exactly-once.md", "### Headers")) // which are those that are written
	sameWords(t, "headers", constants(t, "replay/consumer/record.go", "Header"), told)

	flags := []string{consumer.NoID, consumer.TimeMissing, consumer.TimeClamped, consumer.Late, consumer.Conflict}
	if all := merge.Flags(0xff).String(); strings.Join(flags, ",") != all {
		t.Errorf("consumers know the flags %v, there are %s", flags, all)
	}
	if topic := constants(t, "replay/kafka/control.go", "statusTopic"); "replayd."+strings.Join(topic, "") != consumer.StatusTopic {
		t.Errorf("consumers look for %s, it is called %s", consumer.StatusTopic, topic)
	}
	written := fieldsOf(reflect.TypeFor[replay.Receipt](), "")
	for _, field := range fieldsOf(reflect.TypeFor[consumer.Receipt](), "") {
		if !slices.Contains(written, field) {
			t.Errorf("consumers read the field %s, which no receipt has", field)
		}
	}
}
