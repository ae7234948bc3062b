package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// intents say that a replay which has an id, or had it, is being forgotten, by the last part of the key of its spec. Each has a
// register of its own: one that is written late, by a daemon that slept, overwrites none of the next replay's.
type intents map[string]*register[forgetting]

// lostSpec stands for the part of a replay whose spec is lost.
const lostSpec = "-"

func (i intents) take(part string, record *kgo.Record) {
	if i[part] == nil {
		i[part] = &register[forgetting]{}
	}
	if i[part].take(record, nil); i[part].absent() {
		delete(i, part)
	}
}

// of is the intent to forget the replay that has, or had, a spec; nil: there is none. One that does not say of which replay it is,
// as of a replayd that did not note it, is of any.
func (i intents) of(part string) *register[forgetting] {
	if r := i[part]; r != nil {
		return r
	}
	return i[""]
}

// forgetting is the intent to forget the replay that has the id, nil when there is none. Where its spec is deleted already, it is of
// whichever was written last.
func (of *registered) forgetting() *register[forgetting] {
	_, r := of.intent()
	return r
}

// intent is that, and of which replay it is.
func (of *registered) intent() (part string, newest *register[forgetting]) {
	if spec, part := of.spec(); spec != nil {
		return part, of.intents.of(part)
	}
	for p, r := range of.intents {
		if newest == nil || r.newest > newest.newest {
			part, newest = p, r
		}
	}
	return part, newest
}
