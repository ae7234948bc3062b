package api

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"replayd/replay"
)

// anID is what an id looks like. The end of a sentence may stand behind it.
const anID = `(?P<id>[A-Za-z0-9][A-Za-z0-9._-]*)`

// command is how the words of a daemon name a replay in what is to be typed.
var command = regexp.MustCompile(`\b(?:replayd (?:approve|cancel|forget|pace|pause|resume|show|watch)|run --id) ` + anID)

// ways are how they name one else: as what a replay waits for, in the key of a record, and as what they tell of. With the group gone
// the id may be another's by now. Behind the words of the group common "replay" is one of the language, and what follows is no id.
var ways = []way{
	{regexp.MustCompile(`^behind ` + anID + `(?P<rest>, which is paused)?$`), "behind another replay of this topic"},
	{regexp.MustCompile(`\b(?:approved|cancel|choice|forget|pace|progress|refused|spec|started|trace|wish)/` + anID + `\S*(?P<rest> in topic | to )`), "a record of another replay"},
	{regexp.MustCompile(anID + `/(?:barrier|checkpoint|genesis|hour|mark)\S*(?P<rest> in topic | to )`), "a record of another replay"},
	{regexp.MustCompile(`\b(?P<gone>forgotten) replay ` + anID), "a forgotten replay"},
	{regexp.MustCompile(`\b(?P<gone>unknown) replay ` + anID), "an unknown replay"},
	{regexp.MustCompile(`(?:\b(?i:(?P<common>a|another|forgotten|new|no|other|that|the|this|to|unknown)) )?\breplay ` + anID), "another replay"},
}

type way struct {
	says    *regexp.Regexp
	instead string // of it, before the group rest
}

// notTold stands for a line of commands that name a replay which may not be seen: they are of no use.
const notTold = "The other replay is one that you may not see: ask who runs this daemon about it, or use another topic."

// discreet is text, which is about the replay id, without the ids of those that the one who asks may not see, and whether it named
// any. The id that they have named themselves stays.
func (g *guard) discreet(ctx context.Context, text, id string) (clean string, hidden bool) {
	if by := By(ctx); by.Archives.All() && by.Topics.All() {
		return text, false
	}
	d := discretion{guard: g, own: id}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = d.line(ctx, line)
	}
	return strings.Join(lines, "\n"), d.hidden
}

// discretion leaves ids out of a text.
type discretion struct {
	*guard

	own    string // id of the replay that the text is about
	hidden bool   // it names one that may not be seen
}

func (d *discretion) line(ctx context.Context, line string) string {
	for _, found := range command.FindAllStringSubmatch(line, -1) {
		if _, tell := d.tells(ctx, found[1], false); !tell {
			return line[:len(line)-len(strings.TrimLeft(line, " "))] + notTold
		}
	}
	for _, w := range ways {
		line = w.says.ReplaceAllStringFunc(line, func(found string) string {
			groups := w.says.FindStringSubmatchIndex(found)
			group := func(name string) string { return string(w.says.ExpandString(nil, "$"+name, found, groups)) }
			if group("common") != "" {
				return found
			}
			end, tell := d.tells(ctx, group("id"), group("gone") != "")
			if tell {
				return found
			}
			return w.instead + end + group("rest")
		})
	}
	return line
}

// tells reports whether an id may be told, and what of the word is the end of a sentence. Who may see a replay that is gone, or is not
// known any more, nobody can tell.
func (d *discretion) tells(ctx context.Context, word string, gone bool) (end string, tell bool) {
	bare := strings.TrimRight(word, ".")
	for _, id := range []string{word, bare} {
		if r, err := d.next.Replay(ctx, id); err == nil && !gone {
			seen := sees(By(ctx), &r)
			d.hidden = d.hidden || !seen
			return word[len(id):], seen || id == d.own
		}
	}
	tell = word == d.own || bare == d.own
	d.hidden = d.hidden || !tell
	return word[len(bare):], tell
}

// shown is r as the one who asks may see it.
func (g *guard) shown(ctx context.Context, r Replay) Replay {
	r.WishedReason, _ = g.discreet(ctx, r.WishedReason, r.ID)
	r.Queued, _ = g.discreet(ctx, r.Queued, r.ID)
	r.Reason, _ = g.discreet(ctx, r.Reason, r.ID)
	if r.Progress != nil {
		p := *r.Progress
		p.Error, _ = g.discreet(ctx, p.Error, r.ID)
		r.Progress = &p
	}
	return r
}

// resulted is what became of an act, as the one who asks may see it. Behind its first line an error tells in what replays differ,
// one of which may not be seen, and what to do about it, which is not for now.
func (g *guard) resulted(ctx context.Context, a *replay.Audited) string {
	if by := By(ctx); by.Archives.All() && by.Topics.All() {
		return a.Result
	}
	first, _, _ := strings.Cut(a.Result, "\n")
	clean, _ := g.discreet(ctx, first, a.ID)
	return clean
}

// told is err as the one who asks about the replay id may be told it. Which fields of a hidden replay are other ones than those
// that were asked for would tell what it is, so they are left out.
func (g *guard) told(ctx context.Context, id string, err error) error {
	var p *Problem
	if !errors.As(err, &p) {
		return err
	}
	clean, names := *p, false
	say := func(text string) string {
		text, hidden := g.discreet(ctx, text, id)
		names = names || hidden
		return text
	}
	clean.Detail, clean.Next, clean.Also = say(p.Detail), say(p.Next), nil
	for _, r := range p.Also {
		clean.Also = append(clean.Also, Refused{Item: r.Item, Detail: say(r.Detail), Next: say(r.Next)})
	}
	for _, e := range p.Errors {
		say(e.Message)
	}
	if !names {
		return err
	}
	clean.Errors = nil
	return &clean
}

// planned is a plan as the one who asks may see it.
func (g *guard) planned(ctx context.Context, p Plan, id string) Plan {
	p.Lines = slices.Clone(p.Lines)
	for i, line := range p.Lines {
		p.Lines[i], _ = g.discreet(ctx, line, id)
	}
	p.Plan, _ = g.discreetly(ctx, p.Plan, id).(map[string]any)
	return p
}

// discreetly is discreet for all texts of v, which is of encoding/json.
func (g *guard) discreetly(ctx context.Context, v any, id string) any {
	switch v := v.(type) {
	case string:
		clean, _ := g.discreet(ctx, v, id)
		return clean
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = g.discreetly(ctx, v[i], id)
		}
		return list
	case map[string]any:
		fields := make(map[string]any, len(v))
		for name, value := range v {
			fields[name] = g.discreetly(ctx, value, id)
		}
		return fields
	}
	return v
}
