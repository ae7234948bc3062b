package kafka

import (
	"reflect"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
)

// TestWhatAViewHandsOutIsItsCallers compares the memory of two answers.
func TestWhatAViewHandsOutIsItsCallers(t *testing.T) {
	t.Parallel()
	last, text := int64(7), []string{"x"}
	spec, start, wish := *daemonSpec("r"), replay.Start{StopOn: text, Allow: text}, running()
	spec.Headers, spec.Targets, spec.Volatile, spec.Also = text, text, append(spec.Volatile, "/x"), append(spec.Also, "/x")
	c := replay.Checkpoint{OpenHours: text, Partitions: []replay.Partition{{LastOffset: &last}}}
	c.Counters.FilteredBy, c.Counters.QuarantinedBy, c.Counters.Gaps = map[string]int64{"x": 1}, map[string]int64{"x": 1}, text
	v := &View{
		cluster: &Cluster{}, registry: newRegistry(zerolog.Nop()), ids: map[string]string{".checkpoints": "id"},
		progress: map[string]*progressed{"r": {
			checkpoints: map[int32]*register[replay.Checkpoint]{0: {value: &c}},
			live:        register[replay.Live]{value: &replay.Live{Report: replay.Report{Warnings: text}}},
		}},
	}
	v.registry.replays["r"] = &registered{
		specs:   map[string]*register[stored]{"x": {value: &stored{Spec: spec, Start: &start, Wish: &wish}}},
		started: register[started]{value: &started{CheckpointTopicID: "id"}},
		refused: register[replay.Refused]{value: &replay.Refused{Wish: wish.Token}},
	}
	a, _ := v.Find("r")
	b, _ := v.Find("r")
	if n := apart(t, "", reflect.ValueOf(a), reflect.ValueOf(b)); n < 15 {
		t.Errorf("only %d places of memory were compared", n)
	}
}

// apart says where two values share memory, or hold none to compare, and returns how many places were compared. Times
// are values though they hold a pointer.
func apart(t *testing.T, path string, a, b reflect.Value) (places int) {
	t.Helper()
	if a.Type() == reflect.TypeFor[time.Time]() {
		return 0
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			places += apart(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
		return places
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if a.IsNil() {
			if path != ".Checkpoint.Receipt" {
				t.Errorf("%s is not filled: whether it is shared is not known", path)
			}
			return 0
		}
		if a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", path)
		}
		places++
	}
	switch a.Kind() {
	case reflect.Pointer:
		return places + apart(t, path, a.Elem(), b.Elem())
	case reflect.Slice:
		return places + apart(t, path+"[]", a.Index(0), b.Index(0))
	}
	return places
}
