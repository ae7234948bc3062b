package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// decoder walks a YAML tree into Go values and collects what does not fit. It knows structs, maps by name, lists,
// and scalars: texts, whole numbers, booleans and whatever reads itself from text.
type decoder struct {
	*source
	lookup   func(string) (string, bool) // of variables
	anchors  map[string]ast.Node
	problems Problems
}

// decode reads the text of a file into c, over what c holds.
func (d *decoder) decode(text []byte, c *Config) {
	tokens := lexer.Tokenize(string(text))
	if t := tooDeep(tokens); t != nil {
		d.addAt(placeOf(t), "", "nested more than %d deep: a configuration never is", maxDeep)
		return
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return
	}
	if len(file.Docs) > 1 {
		d.addAt(placeOf(file.Docs[1].Start), "", "a second document begins here; only one is read")
	}
	for _, doc := range file.Docs[:min(1, len(file.Docs))] {
		if doc.Body != nil {
			d.value(doc.Body, reflect.ValueOf(c).Elem(), "")
		}
	}
}

func (d *decoder) syntax(err error) {
	var at place
	message := err.Error()
	if e := yaml.Error(nil); errors.As(err, &e) {
		at, message = placeOf(e.GetToken()), e.GetMessage()
	}
	if at.line > 0 && at.line <= len(d.lines) && strings.Contains(d.lines[at.line-1], "${") {
		message += `; inside braces and brackets a ${VAR} needs quotes`
	}
	d.addAt(at, "", "%s", message)
}

func (d *decoder) value(node ast.Node, v reflect.Value, path string) {
	node = d.resolve(node, path)
	if node == nil || node.Type() == ast.NullType {
		return // as if it were not there
	}
	_, readsText := v.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case readsText:
		d.commas(node, v, path)
	case v.Kind() == reflect.Struct:
		d.object(node, v, path)
	case v.Kind() == reflect.Map:
		d.named(node, v, path)
	case v.Kind() == reflect.Slice:
		d.list(node, v, path)
	default:
		d.scalar(node, v, path)
	}
}

func (d *decoder) object(node ast.Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	for _, p := range d.pairs(node, path, 0) {
		field, ok := fields[p.key]
		if !ok {
			d.addAt(p.at, join(path, p.key), "unknown key; known here are %s", strings.Join(names(v.Type()), ", "))
			continue
		}
		d.places[join(path, p.key)] = p.at
		d.value(p.value, v.Field(field), join(path, p.key))
	}
}

// named reads a map whose keys people choose. Its values may begin with defaults.
func (d *decoder) named(node ast.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range d.pairs(node, path, 0) {
		element := reflect.New(v.Type().Elem())
		if e, ok := element.Interface().(interface{ setDefaults() }); ok {
			e.setDefaults()
		}
		d.places[join(path, p.key)] = p.at
		d.value(p.value, element.Elem(), join(path, p.key))
		v.SetMapIndex(reflect.ValueOf(p.key), element.Elem())
	}
}

// list reads a list, or a text with commas: the same as in flags and variables.
func (d *decoder) list(node ast.Node, v reflect.Value, path string) {
	items := reflect.MakeSlice(v.Type(), 0, 0)
	add := func(text string, at place) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.places[fmt.Sprintf("%s[%d]", path, items.Len())] = at
		d.set(item, text, at, path)
		items = reflect.Append(items, item)
	}
	if sequence, ok := node.(*ast.SequenceNode); ok {
		for _, n := range sequence.Values {
			if text, at, ok := d.text(n, path); ok {
				add(text, at)
			}
		}
	} else if text, at, ok := d.text(node, path); ok && text != "" {
		for part := range strings.SplitSeq(text, ",") {
			add(strings.TrimSpace(part), at)
		}
	}
	v.Set(items)
}

// commas reads a value that reads itself from text. A list is the text with commas.
func (d *decoder) commas(node ast.Node, v reflect.Value, path string) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		d.scalar(node, v, path)
		return
	}
	var parts []string
	for _, n := range sequence.Values {
		if text, _, ok := d.text(n, path); ok {
			parts = append(parts, text)
		}
	}
	at := placeOf(sequence.Start)
	d.places[path] = at
	d.set(v, strings.Join(parts, ","), at, path)
}

func (d *decoder) scalar(node ast.Node, v reflect.Value, path string) {
	if text, at, ok := d.text(node, path); ok {
		d.places[path] = at
		d.set(v, text, at, path)
	}
}

func (d *decoder) set(v reflect.Value, text string, at place, path string) {
	if err := setText(v, text); err != nil {
		d.addAt(at, path, "%v", err)
	}
}

// text is what a scalar says, its variables replaced. A number stands for its digits: what it is, the schema says.
func (d *decoder) text(node ast.Node, path string) (string, place, bool) {
	node = d.resolve(node, path)
	if node == nil {
		return "", place{}, false
	}
	at := placeOf(node.GetToken())
	var text string
	switch n := node.(type) {
	case *ast.MappingNode, *ast.SequenceNode, *ast.MappingValueNode:
		d.addAt(d.nearest(path), path, "want one value here, not a list or keys%s", d.unquoted(node))
		return "", at, false
	case *ast.LiteralNode:
		text = n.Value.Value
	default:
		text = node.GetToken().Value
	}
	whole := wholeVariable.MatchString(text)
	text, err := expand(text, d.lookup)
	if err != nil && secretPath(path) && !whole { // which may quote a part of it
		err = errors.New("a ${ in it names no variable that is set; a literal one is written $${")
	}
	if err != nil {
		d.addAt(at, path, "%v", err)
	}
	return text, at, err == nil
}

// address is a value with a colon that is not followed by a space.
var address = regexp.MustCompile(`\{.*[^\s"':{,\[]:[^\s"':]`)

// unquoted says what may be meant by keys: inside braces the parser takes host:9092 for a key and its value.
func (d *decoder) unquoted(node ast.Node) string {
	at := placeOf(node.GetToken())
	if at.line == 0 || at.line > len(d.lines) || !address.MatchString(d.lines[at.line-1]) {
		return ""
	}
	return "; inside braces a value with a colon, such as host:9092, needs quotes"
}

func (d *decoder) addAt(at place, path, format string, args ...any) {
	d.problems = append(d.problems, d.problemAt(at, path, format, args...))
}
