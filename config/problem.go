package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	File    string // empty when it stands in no file
	Line    int    // from 1; 0 when it stands in no file
	Column  int    // from 1, in characters
	Message string // begins with the path of the key, or the variable
	Excerpt string // the line, and below it a caret; secrets are masked

	path string // of the key
}

// String is the problem as people read it: file:line:column: message, and the excerpt.
func (p Problem) String() string {
	if p.Line == 0 {
		return visible(p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s\n%s", p.File, p.Line, p.Column, visible(p.Message), p.Excerpt)
}

// visible is text with what a terminal would obey written as numbers: names of the file may hold it.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsGraphic(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// blank has a mark of the same width in place of each such character, so that the caret below stays where it is.
func blank(line string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, line)
}

// Problems are all that is wrong, in the order of the file; what stands in no file comes last. It is the error of
// Load and Validate.
type Problems []Problem

// maxProblems is how many are printed. A file that is of another kind altogether has one in each line.
const maxProblems = 50

// Error lists the problems, and counts them when there are several.
func (p Problems) Error() string {
	var b strings.Builder
	for _, problem := range p[:min(len(p), maxProblems)] {
		fmt.Fprintln(&b, problem)
	}
	if more := len(p) - maxProblems; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	fmt.Fprint(&b, count(len(p), "problem"))
	return b.String()
}

// orNil sorts the problems, nil when there are none. A fault in what an anchor names is found once for each use, and
// told once.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(b2i(a.Line == 0), b2i(b.Line == 0)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(p, sameFault)
}

func sameFault(a, b Problem) bool {
	return a.Line > 0 && a.Line == b.Line && a.Column == b.Column && a.what() == b.what()
}

// what is the message without the path.
func (p Problem) what() string { return strings.TrimPrefix(p.Message, p.path) }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// place is where something stands in the file. The zero place is nowhere.
type place struct {
	line, column, width int
}

// source is what problems need to know of where the configuration came from.
type source struct {
	file    string
	lines   []string
	places  map[string]place  // of keys and values, by path
	environ map[string]string // what was laid over the file, by variable
}

// Problem is a problem with the value at a path such as archives.payments.preset. It names the variable if that is
// where the value came from, else the line of the value or of the nearest key above it that is in the file.
func (c *Config) Problem(path, format string, args ...any) Problem {
	return c.source.problem(path, format, args...)
}

func (s *source) problem(path, format string, args ...any) Problem {
	if _, ok := s.environ[variable(path)]; ok {
		return Problem{Message: variable(path) + ": " + fmt.Sprintf(format, args...), path: path}
	}
	return s.problemAt(s.nearest(path), path, format, args...)
}

func (s *source) problemAt(at place, path, format string, args ...any) Problem {
	p := Problem{Message: fmt.Sprintf(format, args...), path: path}
	if path != "" {
		p.Message = path + ": " + p.Message
	}
	if at.line > 0 {
		p.File, p.Line, p.Column = s.file, at.line, at.column
		p.Excerpt = s.excerpt(at)
		if s.hides(at, path) {
			p.Excerpt = fmt.Sprintf("%6d | %s", at.line, masked)
		}
	}
	return p
}

func (s *source) nearest(path string) place {
	for {
		if at, ok := s.places[path]; ok {
			return at
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return place{}
		}
		path = path[:i]
	}
}

// excerptWidth is how many characters of a line are shown.
const excerptWidth = 160

// secretKey finds keys whose values an excerpt must not show, misspelt ones too; a key that names a file may be shown.
var secretKey = regexp.MustCompile(`(?i)[\w-]*(pass?w|pwd|secret|token|credential)[\w-]*["']?\s*:`)

// login finds a user and a password in front of a host, whether an address takes them or not.
var login = regexp.MustCompile(`[^\s"'\[{,]*(:[^\s"']*|://[^\s"']*)@`)

// query finds that of an address, its login masked or not: it may be a key of its own.
var query = regexp.MustCompile(`((?:://|\*@)[^\s"'?]*\?)[^\s"']*`)

// hides reports whether nothing of the line may be shown. A value of several lines has no key beside it; and where the form
// of a file is broken, which has no path, nobody can say where the secret that began further up ends.
func (s *source) hides(at place, path string) bool {
	if at.line > len(s.lines) {
		return false
	}
	if path != "" {
		above := s.nearest(path[:max(0, strings.LastIndexByte(path, '.'))]) // told of when the key itself is not there
		return secretPath(path) && at != above && !holdsSecret(s.lines[at.line-1])
	}
	return slices.ContainsFunc(s.lines[:at.line-1], func(line string) bool { return holdsSecret(line + ":") }) // ? password
}

func holdsSecret(line string) bool {
	return slices.ContainsFunc(secretKey.FindAllString(line, -1), func(key string) bool { return !strings.Contains(key, "_file") })
}

// secretPath reports whether what stands at a path is a secret.
func secretPath(path string) bool {
	return holdsSecret(path[strings.LastIndexByte(path, '.')+1:] + ":")
}

// excerpt shows the line up to the end of the place, or up to a secret: what stands behind might be one.
func (s *source) excerpt(at place) string {
	if at.line > len(s.lines) {
		return ""
	}
	line := []rune(s.lines[at.line-1])
	end := min(len(line), at.column-1+max(at.width, 1), excerptWidth)
	shown, caret := string(line[:end]), min(at.column, end+1)
	if end < len(line) {
		shown += " …"
	}
	for _, m := range secretKey.FindAllStringIndex(shown, -1) {
		if !strings.Contains(shown[m[0]:m[1]], "_file") {
			shown = shown[:m[1]] + " " + masked
			caret = min(caret, len([]rune(shown))-len(masked)+1)
			break
		}
	}
	if m := login.FindStringIndex(shown); m != nil {
		caret = min(caret, len([]rune(shown[:m[0]]))+1)
		shown = login.ReplaceAllString(shown, masked+"@")
	}
	if m := query.FindStringSubmatchIndex(shown); m != nil {
		caret = min(caret, len([]rune(shown[:m[0]]))+1)
		shown = query.ReplaceAllString(shown, "${1}"+masked)
	}
	return fmt.Sprintf("%6d | %s\n       | %s^", at.line, blank(shown), strings.Repeat(" ", caret-1))
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
