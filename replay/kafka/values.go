package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"replayd/replay"
)

// version is that of every control value. A newer one is refused by name; what is none of ours is ignored and said.
const version = 1

// barrier says that a session has fenced all before it. Read up to one's own, the log tells everything that was committed
// before.
type barrier struct {
	Version int    `json:"version"`
	Session string `json:"session"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Since   *int64 `json:"since,omitempty"` // offset of this session's first barrier; absent in that one itself

	Of string `json:"of,omitempty"` // the last of the key of the spec of the replay whose session it is; empty: of a replayd that did not note it
}

// genesis is how a replay began. It has a key of its own and is never overwritten.
type genesis struct {
	Version             int           `json:"version"`
	Spec                string        `json:"spec"` // its hash
	Archive             string        `json:"archive"`
	Window              replay.Window `json:"window"`
	Topic               string        `json:"topic"`
	TopicID             string        `json:"topic_id"`
	CheckpointTopicID   string        `json:"checkpoint_topic_id"`
	CheckpointPartition int32         `json:"checkpoint_partition"`
	Partitions          int32         `json:"partitions"` // frozen: later ones are not used
	DecisionVersion     int           `json:"decision_version"`
	StartOffsets        []int64       `json:"start_offsets"` // of the target's partitions: their ends at that time
	Session             string        `json:"session"`
	At                  time.Time     `json:"at"`
}

// started says, in the config topic, that a replay has begun to produce, and where its checkpoints are.
type started struct {
	Version             int    `json:"version"`
	CheckpointPartition int32  `json:"checkpoint_partition"`
	CheckpointTopicID   string `json:"checkpoint_topic_id"`
	TopicID             string `json:"topic_id"`
	Genesis             int64  `json:"genesis,omitempty"` // its offset there: another replay under the same id has another. 0: of a program that did not note it
	Looked              int64  `json:"looked"`            // end of the config topic when preflight looked for other replays
	Overlap             bool   `json:"overlap,omitempty"` // they were allowed
}

// stored is a spec in the config topic, and what it was started with.
type stored struct {
	Version  int           `json:"version"`
	Spec     replay.Spec   `json:"spec"`
	Settings Settings      `json:"settings"`
	Start    *replay.Start `json:"start,omitempty"` // by a daemon; nil: by a foreground process
	Wish     *replay.Wish  `json:"wish,omitempty"`  // the first, which counts until there is one of its own
}

// validate reports what is no replay of an id, though it can be decoded.
func (s *stored) validate(id string) error {
	switch {
	case s.Spec.ID != id:
		return errors.New("it is the spec of another replay")
	case s.Spec.Topic == "":
		return errors.New("it names no topic")
	case s.Spec.Owner != replay.OwnerRun && s.Spec.Owner != replay.OwnerDaemon:
		return fmt.Errorf("its owner is %q", s.Spec.Owner)
	case s.Wish != nil:
		return s.Wish.Validate()
	}
	return nil
}

func (s *started) validate() error {
	if s.CheckpointTopicID == "" {
		return errors.New("it names no checkpoint topic")
	}
	return nil
}

// standing reports what is no state of a replay.
func standing(s replay.State) error {
	if !s.Valid() {
		return fmt.Errorf("no replay is %q", s)
	}
	return nil
}

// forgetting says, in the config topic, that what is known of a replay is being deleted.
type forgetting struct {
	Version int       `json:"version"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	At      time.Time `json:"at"`
	Lost    bool      `json:"lost,omitempty"` // what it is continued by was lost before, so nobody knows what it has produced
}

// mark leads from event time to offsets: every record of the replay whose event time is behind both of its times stands at or
// behind these. Of those that have this very time, some may stand before.
type mark struct {
	Version   int             `json:"version"`
	EventTime time.Time       `json:"event_time"`          // merge time that had been reached
	LastEvent time.Time       `json:"last_event,omitzero"` // largest event time of what stands before; zero: of a program that did not note it
	Offsets   map[int32]int64 `json:"offsets"`             // by partition
}

// leads reports whether all that stands before a mark is earlier than at. An event whose clock was fast stands where it arrived,
// before marks of times that are earlier than its own; such are only in windows by arrival.
func (m *mark) leads(w replay.Window, at time.Time) bool {
	if m.LastEvent.IsZero() && w.On == replay.OnArrival {
		return false
	}
	return m.EventTime.Before(at) && m.LastEvent.Before(at)
}

// Keys in the checkpoint topic.
func genesisKey(id string) string       { return id + "/genesis" }
func checkpointKey(id string) string    { return id + "/checkpoint" }
func barrierKey(id string) string       { return id + "/barrier" }
func hourKey(id, hour string) string    { return id + "/hour/" + hour }
func markKey(id string, n int64) string { return fmt.Sprintf("%s/mark/%d", id, n) }

// Keys in the config topic.
func specKey(id, hash string) string   { return "spec/" + id + "/" + hash }
func startedKey(id string) string      { return "started/" + id }
func wishKey(id string) string         { return "wish/" + id }
func paceKey(id string) string         { return "pace/" + id }
func cancelKey(id string) string       { return "cancel/" + id }
func approvedKey(id string) string     { return "approved/" + id }
func choiceKey(id, name string) string { return "choice/" + id + "/" + name }
func refusedKey(id string) string      { return "refused/" + id }
func traceKey(of traceID) string       { return "trace/" + of.replay + "/" + of.part }

// forgetKey is of one incarnation; without, as of a replayd that did not note which.
func forgetKey(id, part string) string { return strings.TrimSuffix("forget/"+id+"/"+part, "/") }

// Keys in the status topic, beside those that are ids.
func progressKey(id string) string { return progressPrefix + id }

const progressPrefix = "progress/" // no id holds a slash

// splitKey takes a key of the checkpoint topic apart: the replay, and what it is about.
func splitKey(key []byte) (id, about string, ok bool) {
	id, about, ok = strings.Cut(string(key), "/")
	return id, about, ok && replay.ValidID(strings.TrimSuffix(id, ".q")) == nil
}

// errNewer is what a control value of a later version is met with.
type errNewer struct {
	topic, key string
	version    int
}

func (e *errNewer) Error() string {
	return fmt.Sprintf("%s in topic %s was written by a newer replayd (version %d, this one knows %d)\nUse that replayd, or one as new",
		e.key, e.topic, e.version, version)
}

// decode reads a control value. ok is false for what is none of ours.
func decode(topic string, key, value []byte, into any) (ok bool, err error) {
	switch v := versionOf(value); {
	case v < 1:
		return false, nil
	case v > version:
		return false, &errNewer{topic, string(key), v}
	}
	return json.Unmarshal(value, into) == nil, nil
}

// versionOf is 0 for what is no control value.
func versionOf(value []byte) int {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(value, &head); err != nil {
		return 0
	}
	return head.Version
}

func encode(v any) []byte { return replay.Encode(v) }
