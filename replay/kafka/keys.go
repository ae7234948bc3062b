package kafka

import (
	"fmt"
	"maps"
	"slices"
)

// keyed takes note of the Idempotency-Key that a replay was started with.
func (r *registry) keyed(id string, of *registered) {
	key := ""
	if spec, _ := of.spec(); spec != nil && spec.value.Start != nil {
		key = spec.value.Start.KeyHash()
	}
	if key == of.key {
		return
	}
	if ids := r.keys[of.key]; ids != nil {
		if delete(ids, id); len(ids) == 0 {
			delete(r.keys, of.key)
		}
	}
	if of.key = key; key == "" {
		return
	}
	if r.keys[key] == nil {
		r.keys[key] = map[string]bool{}
	}
	r.keys[key][id] = true
}

// holder is the replay that a key belongs to: of several that were started with it at once the one whose spec stands first.
// Whoever has read of another one has read of that before. Empty: there is none.
func (r *registry) holder(key string) (holder string) {
	first := int64(0)
	for id := range r.keys[key] {
		if spec, _ := r.replays[id].spec(); holder == "" || spec.first < first {
			holder, first = id, spec.first
		}
	}
	return holder
}

// inert is why a replay never begins: its Idempotency-Key is another's. One that has begun goes on.
func (r *registry) inert(id string, of *registered) error {
	if holder := r.holder(of.key); of.key != "" && holder != id && of.started.absent() {
		return &KeyTaken{ID: id, Holder: holder}
	}
	return nil
}

// losers are the specs, as keys in the config topic, of replays that do not begin because of the one of that id: they would, once
// that is forgotten.
func (r *registry) losers(id string) (keys []string) {
	of := r.replays[id]
	if of == nil || of.key == "" || r.holder(of.key) != id {
		return nil
	}
	for _, other := range slices.Sorted(maps.Keys(r.keys[of.key])) {
		if of := r.replays[other]; other != id && of.started.absent() {
			for _, part := range slices.Sorted(maps.Keys(of.specs)) {
				keys = append(keys, specKey(other, part))
			}
		}
	}
	return keys
}

// KeyTaken says that a replay was started at the same time as another, with the same Idempotency-Key, and does not begin.
type KeyTaken struct {
	ID     string
	Holder string // the other
}

func (e *KeyTaken) Error() string {
	return fmt.Sprintf("the Idempotency-Key of replay %s is that of replay %s, which was started just before: this one never begins\n"+
		"Forget it: replayd forget %s", e.ID, e.Holder, e.ID)
}
