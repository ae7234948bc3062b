package format

import (
	"fmt"
	"strings"

	"replayd/archive"
)

var formats = []archive.Format{JSON{}, Lines{}, Array{}}

// Named returns the format called name: json, jsonl or json-array.
func Named(name string) (archive.Format, error) {
	names := make([]string, len(formats))
	for i, f := range formats {
		if f.Name() == name {
			return f, nil
		}
		names[i] = f.Name()
	}
	return nil, fmt.Errorf("format %q is not known: %s", name, strings.Join(names, ", "))
}
