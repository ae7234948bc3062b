package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/term"

	"replayd/replay/pace"
)

// keys are what is pressed on the terminal, one at a time and not echoed; nothing where stdin or stderr is none. restore gives
// the terminal back.
func (a *app) keys(ctx context.Context) (pressed <-chan byte, restore func()) {
	in := int(os.Stdin.Fd())
	to, ok := a.err.(*screen)
	if !ok || !term.IsTerminal(in) {
		return nil, func() {}
	}
	before, err := term.MakeRaw(in)
	if err != nil {
		return nil, func() {}
	}
	to.raw.Store(true)
	keys := make(chan byte)
	go func() { // ends with the process: a read of a terminal cannot be broken off
		var b [1]byte
		for {
			if _, err := os.Stdin.Read(b[:]); err != nil {
				return
			}
			select {
			case keys <- b[0]:
			case <-ctx.Done():
				return
			}
		}
	}()
	return keys, func() {
		_ = term.Restore(in, before)
		to.raw.Store(false)
	}
}

// times doubles a pace, or halves it.
func times(text string, double bool) (string, error) {
	s, err := pace.Parse(text)
	if err != nil {
		return "", err
	}
	if len(s.Paces()) == 0 {
		return "", errors.New("the pace is unlimited: replayd pace sets another")
	}
	factor := 0.5
	if double {
		factor = 2
	}
	return s.Times(factor).String(), nil
}
