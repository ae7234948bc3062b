package config

import (
	"github.com/goccy/go-yaml/token"
)

// maxDeep is far above what a configuration nests. The parser takes memory by the square of the depth: 200 KB of brackets
// would take gigabytes.
const maxDeep = 100

// tooDeep is the first token that lies deeper than maxDeep, nil when none does. Nesting by indentation needs as many blanks
// again for each step, and is bounded by the size of the file.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, begun, line := 0, 0, 0 // begun: what waits for a value on this line, as in "- - - a"
	for _, t := range tokens {
		if t.Position.Line != line {
			begun, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets, begun = brackets+1, 0
		case token.SequenceEndType, token.MappingEndType:
			brackets, begun = max(0, brackets-1), 0
		case token.CollectEntryType:
			begun = 0
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.AnchorType, token.TagType:
			begun++
		}
		if brackets > maxDeep || begun > maxDeep {
			return t
		}
	}
	return nil
}
