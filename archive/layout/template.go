package layout

import (
	"regexp"
	"strings"
	"time"

	"replayd/archive"
)

// Template is a layout of one folder an hour or a day, written with the verbs %Y, %m, %d and %H of strftime:
// "main_stream/%Y/%m/%d/%H/". Without %H a folder holds a day. Folders are in UTC.
type Template struct {
	name   string
	text   string
	hourly bool
	stamp  func(key string) (time.Time, bool) // time in an object's name; nil: none
}

var _ archive.Layout = (*Template)(nil)

// NewTemplate checks text and returns its layout, whose name is the text itself.
func NewTemplate(text string) (*Template, error) {
	for _, verb := range []string{"%Y", "%m", "%d"} {
		if !strings.Contains(text, verb) {
			return nil, unrecognised("layout %q: %s is missing; a template holds %%Y, %%m, %%d and, for hours, %%H", text, verb)
		}
	}
	for i := strings.IndexByte(text, '%'); i >= 0; {
		if i+1 == len(text) || !strings.ContainsRune("YmdH", rune(text[i+1])) {
			return nil, unrecognised("layout %q: only %%Y, %%m, %%d and %%H are known", text)
		}
		next := strings.IndexByte(text[i+2:], '%')
		if next < 0 {
			break
		}
		i += 2 + next
	}
	return &Template{name: text, text: text, hourly: strings.Contains(text, "%H")}, nil
}

// Name is what Named makes this layout from.
func (t *Template) Name() string { return t.name }

// Hours returns the folders that overlap [from, to).
func (t *Template) Hours(from, to time.Time) []archive.Hour {
	step, name := time.Hour, "2006-01-02T15Z"
	if !t.hourly {
		step, name = 24*time.Hour, "2006-01-02Z"
	}
	var hours []archive.Hour
	for h := from.UTC().Truncate(step); h.Before(to); h = h.Add(step) {
		hours = append(hours, archive.Hour{Name: h.Format(name), From: h, To: h.Add(step), Prefix: t.prefix(h)})
	}
	return hours
}

// Time is the time in an object's name, if this layout's names hold one.
func (t *Template) Time(key string) (time.Time, bool) {
	if t.stamp == nil {
		return time.Time{}, false
	}
	return t.stamp(key)
}

func (t *Template) prefix(h time.Time) string {
	p := t.text
	for _, v := range [...]struct{ verb, format string }{{"%Y", "2006"}, {"%m", "01"}, {"%d", "02"}, {"%H", "15"}} {
		p = strings.ReplaceAll(p, v.verb, h.Format(v.format))
	}
	return p
}

// matches reports whether key could lie in one of the template's folders.
func (t *Template) matches(key string) bool {
	p := regexp.QuoteMeta(t.text)
	p = strings.NewReplacer("%Y", `\d{4}`, "%m", `\d\d`, "%d", `\d\d`, "%H", `\d\d`).Replace(p)
	return regexp.MustCompile("^" + p).MatchString(key)
}
