package config

import (
	"fmt"
	"regexp"
	"strings"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// wholeVariable is a value that is nothing but a variable.
var wholeVariable = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)

// expand replaces ${VAR} and ${VAR:-default}, which also stands in for an empty variable. $${ is a literal ${, and any
// other dollar is itself. What a variable holds is not expanded again.
func expand(text string, lookup func(string) (string, bool)) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		if strings.HasSuffix(before, "$") {
			out.WriteString("{")
			text = rest
			continue
		}
		expression, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("${ without a closing }; a literal one is written $${")
		}
		value, err := evaluate(expression, lookup)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		text = after
	}
}

func evaluate(expression string, lookup func(string) (string, bool)) (string, error) {
	name, fallback, hasFallback := strings.Cut(expression, ":-")
	if !variableName.MatchString(name) {
		return "", fmt.Errorf("%q is not the name of a variable; a literal ${ is written $${", name)
	}
	value, set := lookup(name)
	switch {
	case value == "" && hasFallback:
		return fallback, nil
	case !set:
		return "", fmt.Errorf("the variable %s is not set; ${%s:-default} would give it a default", name, name)
	}
	return value, nil
}
