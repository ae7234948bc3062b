package replay

import (
	"bytes"
	"encoding/json"
)

// Encode is v, plain data, as a sink keeps it: JSON in which <, > and & of texts stand as they are. With the escapes that
// HTML asks for they would take six bytes each, and names of objects may be made of them.
func Encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // plain data
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
