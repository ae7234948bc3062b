package api

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"replayd/replay"
)

// named is how the words of a daemon name a replay: as what it is about or waits for, or in a command. Of one that is forgotten or
// unknown nobody can tell any more who may see it.
var named = regexp.MustCompile(`(forgotten replay|unknown replay|replay|behind|--id|replayd [a-z]+) ([A-Za-z0-9][A-Za-z0-9._-]*)`)

// notTold stands for a line of commands that name a replay which may not be seen: they are of no use.
const notTold = "The other replay is one that you may not see: ask who runs this daemon about it, or use another topic."

// discreet is text without the ids of replays that the one who asks may not see, and whether there were any. The id that they
// have named themselves stays.
func (g *guard) discreet(ctx context.Context, text, id string) (clean string, hidden bool) {
	by := By(ctx)
	if by.Archives.All() && by.Topics.All() || !named.MatchString(text) {
		return text, false
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		command := false
		lines[i] = named.ReplaceAllStringFunc(line, func(found string) string {
			at := strings.LastIndexByte(found, ' ')
			how, name := found[:at], g.hidden(ctx, found[at+1:])
			if how == "forgotten replay" || how == "unknown replay" {
				name = strings.TrimRight(found[at+1:], ".")
			}
			hidden = hidden || name != ""
			rest := found[at+1+len(name):]
			switch {
			case name == "" || name == id:
				return found
			case how == "forgotten replay":
				return "a forgotten replay" + rest
			case how == "unknown replay":
				return "an unknown replay" + rest
			case how == "replay":
				return "another replay" + rest
			case how == "behind":
				return "behind another replay of this topic" + rest
			}
			command = true
			return found
		})
		if command {
			lines[i] = line[:len(line)-len(strings.TrimLeft(line, " "))] + notTold
		}
	}
	return strings.Join(lines, "\n"), hidden
}

// hidden is the id that a word is, with the end of a sentence or without, of a replay that the one who asks may not see; empty
// when it is none.
func (g *guard) hidden(ctx context.Context, word string) string {
	for _, id := range []string{word, strings.TrimRight(word, ".")} {
		if r, err := g.next.Replay(ctx, id); err == nil && !sees(By(ctx), &r) {
			return id
		}
	}
	return ""
}

// shown is r as the one who asks may see it.
func (g *guard) shown(ctx context.Context, r Replay) Replay {
	r.Queued, _ = g.discreet(ctx, r.Queued, r.ID)
	r.Reason, _ = g.discreet(ctx, r.Reason, r.ID)
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
