package manager

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"replayd/replay"
	"replayd/replay/api"
)

// Start implements api.Service.
func (m *Manager) Start(ctx context.Context, s api.Start) (api.Replay, bool, error) {
	id := idOf(&s)
	if err := cmp.Or(m.whole(), m.asked(ctx, id, &s)); err != nil { // else the same start might not be found
		return api.Replay{}, false, err
	}
	if k := m.startedBy(id, &s); k != nil {
		return m.known(k, &s)
	}
	named := s
	named.ID = id
	spec, start, err := m.options.Desk.Spec(ctx, named)
	if err != nil { // nothing was written, so it is not told as what may have been
		return api.Replay{}, false, err
	}
	spec.ID, spec.Owner = id, replay.OwnerDaemon
	if spec.AsOf.IsZero() {
		spec.AsOf = time.Now().UTC()
	}
	start.By, start.Key = m.options.By(ctx), fingerprint(&s)
	w := replay.Wish{
		Signed: replay.Signed{Version: 1, By: start.By, Reason: s.Reason, At: time.Now().UTC()},
		State:  replay.Running, Waits: m.large(start.Size),
	}
	act := replay.Audited{Act: "start", Items: s.Allow, Reason: s.Reason, Pace: start.Pace, MaxGap: start.MaxGap}
	err = m.audited(ctx, act.About(&spec), func(ctx context.Context) (string, error) {
		return "done", m.options.Registers.Freeze(ctx, &spec, start, w)
	})
	if taken := new(replay.Taken); errors.As(err, &taken) { // by another daemon, at the same time
		if k, ok := m.options.Registers.Find(taken.ID); ok {
			return m.known(&k, &s)
		}
	}
	if err != nil {
		return api.Replay{}, false, unwritten(err)
	}
	m.signal()
	r, err := m.Replay(ctx, id)
	return r, err == nil, err
}

// large reports whether a start of so many stored bytes takes a second person.
func (m *Manager) large(size int64) bool {
	return m.options.SecondPerson > 0 && size > m.options.SecondPerson
}

// startedBy is the replay of an id, or of the key of a start, under whatever id that was used; nil when there is none.
func (m *Manager) startedBy(id string, s *api.Start) *replay.Known {
	if k, ok := m.options.Registers.Find(id); ok {
		return &k
	}
	ours := fingerprint(s)
	if ours == "" {
		return nil
	}
	for _, k := range m.options.Registers.All() {
		if sameKey(k.Start.Key, ours) {
			return &k
		}
	}
	return nil
}

// asked refuses what can be told to be wrong without looking at the archive, and names what else the desk finds: whoever asks
// should have to mend it once.
func (m *Manager) asked(ctx context.Context, id string, s *api.Start) error {
	wrong := m.unfit(id, s)
	if len(wrong) == 0 {
		return nil
	}
	return api.Also(m.wrong(ctx, *s), wrong...)
}

// CheckStart implements api.Checker.
func (m *Manager) CheckStart(ctx context.Context, s api.Start) error {
	return api.Also(m.wrong(ctx, s), m.unfit(idOf(&s), &s)...)
}

// CheckPlan implements api.Checker. A plan needs no reason.
func (m *Manager) CheckPlan(ctx context.Context, s api.Start) error {
	s.Plan = "" // none need be made to compare it with
	_, _, err := m.options.Desk.Spec(ctx, s)
	return err
}

// unfit is what is wrong with the id and the reason of a start.
func (m *Manager) unfit(id string, s *api.Start) (wrong []api.FieldError) {
	if err := replay.ValidID(id); err != nil {
		wrong = append(wrong, api.FieldError{Location: "body.id", Message: err.Error(), Value: s.ID})
	}
	return append(wrong, m.reasoned("body.reason", s.Reason)...)
}

// wrong is what the desk finds wrong with the other fields of a start.
func (m *Manager) wrong(ctx context.Context, s api.Start) error {
	s.ID, s.Reason = "", "" // of these that has been told
	return m.CheckPlan(ctx, s)
}

// idOf is the id that a start asks for: the one that it names, else that of its key, else a new one.
func idOf(s *api.Start) string {
	switch {
	case s.ID != "":
		return s.ID
	case s.IdempotencyKey != "":
		sum := sha256.Sum256([]byte(s.IdempotencyKey))
		return "k-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:keyLength]
	}
	return ulid.Make().String()
}

// keyLength is of the part of a hash that an id holds, in base 32: 130 bits.
const keyLength = 26

// known is the answer where the id of a start is taken: the replay, when it was asked for by the same key in the same way.
func (m *Manager) known(k *replay.Known, s *api.Start) (api.Replay, bool, error) {
	theirs, ours := k.Start.Key, fingerprint(s)
	if !sameKey(theirs, ours) {
		p := api.NewProblem(http.StatusConflict, "replay %s exists already", k.Spec.ID)
		p.Next = "Look at it, or start yours under another id."
		return api.Replay{}, false, p
	}
	if theirs == ours {
		return m.replay(k), false, nil
	}
	p := api.NewProblem(http.StatusUnprocessableEntity, "the Idempotency-Key was used to start replay %s, which was asked for otherwise", k.Spec.ID)
	p.Next = "Use a new key for a new replay."
	if s.ID != "" { // whoever names the replay may not know of keys: commands make them
		p.Detail = fmt.Sprintf("replay %s was started before, and asked for otherwise", k.Spec.ID)
		p.Next = "Look at it, or use another id for a new replay; over HTTP with another Idempotency-Key, too."
	}
	for _, field := range differing(theirs, ours) {
		p.Errors = append(p.Errors, api.FieldError{Location: "body." + field, Message: "is not what replay " + k.Spec.ID + " was started with"})
	}
	return api.Replay{}, false, p
}

// fingerprint is the hash of a start's key and of each field that it set, so that fields can be compared and not read:
//
//	2f0e… archive=91ab… from=04c8… topic=7731…
//
// Without a key it is empty.
func fingerprint(s *api.Start) string {
	if s.IdempotencyKey == "" {
		return ""
	}
	text, err := json.Marshal(s)
	fields := map[string]json.RawMessage{}
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		panic(err) // plain data
	}
	delete(fields, "plan") // that it was planned before makes it no other start
	delete(fields, "as_of")
	parts := []string{hash([]byte(s.IdempotencyKey), 16)}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if v := fields[name]; string(v) != `""` {
			parts = append(parts, name+"="+hash(v, 8))
		}
	}
	return strings.Join(parts, " ")
}

func hash(b []byte, n int) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:n])
}

// sameKey reports whether two fingerprints are of one key.
func sameKey(a, b string) bool {
	keyA, _, _ := strings.Cut(a, " ")
	keyB, _, _ := strings.Cut(b, " ")
	return keyA != "" && keyA == keyB
}

// differing are the fields in which two fingerprints differ.
func differing(a, b string) []string {
	theirs, ours := fieldsOf(a), fieldsOf(b)
	var names []string
	for name, v := range theirs {
		if ours[name] != v {
			names = append(names, name)
		}
	}
	for name := range ours {
		if _, has := theirs[name]; !has {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func fieldsOf(fingerprint string) map[string]string {
	fields := map[string]string{}
	for _, part := range strings.Fields(fingerprint)[1:] {
		name, v, _ := strings.Cut(part, "=")
		fields[name] = v
	}
	return fields
}
