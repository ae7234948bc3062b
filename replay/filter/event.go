package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"replayd/archive"
)

// event is what an expression sees of one event.
type event struct {
	Event map[string]any `expr:"event"`
	Time  instant        `expr:"time"`
	ID    string         `expr:"id"`
	Key   string         `expr:"key"`

	entry *archive.Entry
	grown int // bytes that the expression has made of it
}

// At is the value at the i-th place; the compiled expression calls it.
func (e *event) At(i int) any {
	if i < 0 || i >= len(e.entry.Also) {
		return nil
	}
	raw := e.entry.Also[i]
	if raw == nil {
		return nil
	}
	value, err := decoded(raw)
	if err != nil {
		return nil // raw was validated: it cannot be
	}
	return value
}

// decode fills in the whole event.
func (e *event) decode() error {
	value, err := decoded(e.entry.Event)
	if err != nil {
		return err
	}
	e.Event, _ = value.(map[string]any)
	return nil
}

// decoded is a JSON value as expressions have it: integers that fit are int, other numbers float64.
func decoded(raw []byte) (any, error) {
	switch raw[0] {
	case '{', '[':
	case 't':
		return true, nil
	case 'f':
		return false, nil
	case 'n':
		return nil, nil
	case '"':
		if bytes.IndexByte(raw, '\\') < 0 {
			return string(raw[1 : len(raw)-1]), nil
		}
	default:
		return numbers(json.Number(raw)), nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return numbers(v), nil
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return int(i)
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = numbers(v[name])
		}
	}
	return v
}

// short is the first line of an error of the expression's machine; the others show the expression, which the spec has.
func short(err error) error {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(plain(first))
}

// plain is a message of the library in the words of docs/semantics.md, without the names of our types.
func plain(message string) string {
	return strings.NewReplacer("filter.instant", "time", "filter.zone", "timezone").Replace(message)
}
