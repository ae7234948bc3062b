package kafka

import "testing"

// TestHalfOfAReplayIsLostWhenAllThatWasThereHasBeenRead goes from a doubt to certainty and back.
func TestHalfOfAReplayIsLostWhenAllThatWasThereHasBeenRead(t *testing.T) {
	d, config, other := doubts{}, place{"config", 0}, place{"checkpoints", 3}
	half := map[string]bool{"r": true}
	held := map[place]int64{config: 10, other: 5}
	for i, step := range []struct {
		halves           map[string]bool
		read             map[place]int64
		certain, changed bool
	}{
		{half, map[place]int64{config: 10, other: 5}, false, false}, // what came up just now may have its other half in what follows
		{half, map[place]int64{config: 10, other: 4}, false, false},
		{half, map[place]int64{config: 11, other: 5}, true, true},
		{half, map[place]int64{config: 11, other: 5}, true, false},
		{nil, map[place]int64{config: 12, other: 5}, false, true},
		{half, map[place]int64{config: 12, other: 5}, false, false}, // and all over again
	} {
		if changed := d.weigh(step.halves, held, step.read); changed != step.changed || d.certain("r") != step.certain {
			t.Errorf("step %d: changed %v, certain %v", i, changed, d.certain("r"))
		}
	}
}
