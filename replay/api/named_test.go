package api_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"replayd/replay/api"
)

// gone stands for the id of a replay that is not known any more.
const gone = "gone-1"

// apart begin the texts that name just what was asked for, or who logs in, and one that always stands behind "to".
var apart = []string{"id ", "there is no replay ", "fence ", "The credentials need ", "replay into topic "}

// TestWhateverTheProgramSaysOfAReplayCanBeSaidDiscreetly: each of its texts that names one is told to who may not see all without
// that name, and each that names none as it is.
func TestWhateverTheProgramSaysOfAReplayCanBeSaidDiscreetly(t *testing.T) {
	f := mixed(t)
	g := api.Guard(f, nil)
	told := func(text string) string {
		f.Change("r3", func(r *api.Replay) { r.Reason = text })
		r, err := g.Replay(ofOrders(t), "r3")
		if err != nil {
			t.Fatal(err)
		}
		return r.Reason
	}
	naming := 0
	for _, s := range texts(t) {
		switch clean := told(s.text); {
		case !strings.Contains(s.text, gone):
			if clean != s.text {
				t.Errorf("%s: %q names no replay and is told as %q", s.at, s.text, clean)
			}
		case strings.Contains(clean, gone):
			t.Errorf("%s: %q is told as %q", s.at, s.text, clean)
		default:
			naming++
			if hidden := told(strings.ReplaceAll(s.text, gone, "r1")); hidden != clean {
				t.Errorf("%s: of one that is there it is told as %q, not %q", s.at, hidden, clean)
			}
			if seen := strings.ReplaceAll(s.text, gone, "r6"); !strings.Contains(seen, "forgotten replay") && !strings.Contains(seen, "unknown replay") && told(seen) != seen {
				t.Errorf("%s: of one that may be seen it is told as %q", s.at, told(seen))
			}
		}
	}
	if naming < 50 {
		t.Errorf("there are %d texts that name a replay only", naming)
	}
}

// said is a text of the program, with gone where it puts in the id of a replay.
type said struct {
	at   token.Position
	text string
}

// texts are those of the packages that a daemon answers with: what the API itself says names nothing but what it was asked for.
func texts(t *testing.T) (all []said) {
	t.Helper()
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "cmd", "replayd", "desk*.go"))
	for _, folder := range []string{"archive", "config", "replay"} {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && slices.Contains([]string{"api", "archivetest", "metrics"}, d.Name()) {
				return filepath.SkipDir
			}
			files = append(files, path)
			return err
		}))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			all = append(all, textsOf(t, path)...)
		}
	}
	return all
}

func textsOf(t *testing.T, path string) (all []said) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		text := written(n)
		begins := func(with string) bool { return strings.HasPrefix(text, with) }
		if strings.Contains(text, " ") && !slices.ContainsFunc(apart, begins) {
			all = append(all, said{files.Position(n.Pos()), text})
		}
		return true
	})
	return all
}

// written is the text that a part of the program makes: a literal, some that are put together with what is between them, or a format
// with what goes into it. It is empty for other parts.
func written(n ast.Node) string {
	switch n := n.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(n.Value)
		return text
	case *ast.BinaryExpr:
		if left, right := written(n.X), written(n.Y); n.Op == token.ADD && left+right != "" {
			return orPut(left, n.X) + orPut(right, n.Y)
		}
	case *ast.CallExpr:
		for i, arg := range n.Args {
			if format := written(arg); verb.MatchString(format) {
				return filled(format, n.Args[i+1:])
			}
		}
	}
	return ""
}

var verb = regexp.MustCompile(`%[-+# 0-9.*]*[a-zA-Z]`)

func filled(format string, args []ast.Expr) string {
	return verb.ReplaceAllStringFunc(format, func(string) string {
		if len(args) == 0 {
			return "something"
		}
		arg := args[0]
		args = args[1:]
		return orPut("", arg)
	})
}

// orPut is what is put into a text where an expression stands that makes none itself.
func orPut(text string, e ast.Expr) string {
	if text != "" {
		return text
	}
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		name = e.Sel.Name
	}
	if slices.Contains([]string{"id", "ID", "Holder", "replay"}, name) {
		return gone
	}
	return "something"
}
