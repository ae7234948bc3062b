package consumer

import (
	"encoding/json"
	"fmt"
	"time"
)

// StatusTopic is where replays tell that they have ended, unless another control prefix than replayd was chosen. The key
// of a record is the id of the replay; of several with one key the last counts.
const StatusTopic = "replayd.status"

// statusVersion is the form of the values that this package reads.
const statusVersion = 1

// Status is a record of the status topic, or as much of it as consumers need. All of it: docs/status.schema.json.
type Status struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	Receipt *Receipt  `json:"receipt"` // nil while the replay has not ended
}

// Receipt is the closed account of a replay, or as much of it as consumers need.
type Receipt struct {
	ID         string      `json:"id"`
	State      string      `json:"state"` // completed, completed_with_quarantine, cancelled
	Topic      string      `json:"topic"`
	Produced   int64       `json:"produced"` // records in all partitions
	Partitions []Partition `json:"partitions"`
}

// ReadStatus reads the value of a record of the status topic. Fields that it does not know are passed over; a newer
// version is an error. A record without a value says that the replay was forgotten: it has no receipt.
func ReadStatus(value []byte) (Status, error) {
	var s Status
	if value == nil {
		return s, nil
	}
	if err := json.Unmarshal(value, &s); err != nil {
		return Status{}, fmt.Errorf("status of a replay: %w", err)
	}
	if s.Version != statusVersion {
		return Status{}, fmt.Errorf("status of a replay: version %d, this program knows %d: build it with a newer replay/consumer", s.Version, statusVersion)
	}
	return s, nil
}
