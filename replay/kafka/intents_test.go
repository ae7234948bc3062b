package kafka

import (
	"errors"
	"testing"

	"replayd/replay"
)

// TestAnIntentToForgetIsOfOneReplay that has the id, however late it was written, and wherever it stands.
func TestAnIntentToForgetIsOfOneReplay(t *testing.T) {
	t.Parallel()
	spec := string(encode(stored{Version: version, Spec: *daemonSpec("r")}))
	intent := string(encode(forgetting{Version: version, Host: "h"}))
	for what, c := range map[string]struct {
		log   []string
		dying bool
	}{
		"of this one":                    {[]string{specKey("r", "this"), spec, forgetKey("r", "this"), intent}, true},
		"of another, late":               {[]string{specKey("r", "this"), spec, forgetKey("r", "other"), intent}, false},
		"of another, before":             {[]string{forgetKey("r", "other"), intent, specKey("r", "this"), spec}, false},
		"of one that was lost, late":     {[]string{specKey("r", "this"), spec, forgetKey("r", lostSpec), intent}, false},
		"of both":                        {[]string{forgetKey("r", "this"), intent, specKey("r", "this"), spec, forgetKey("r", "other"), intent}, true},
		"of an older replayd":            {[]string{specKey("r", "this"), spec, "forget/r", intent}, true},
		"of one whose spec is gone":      {[]string{specKey("r", "this"), spec, forgetKey("r", "this"), intent, specKey("r", "this"), ""}, true},
		"of this one, and deleted":       {[]string{specKey("r", "this"), spec, forgetKey("r", "this"), intent, forgetKey("r", "this"), ""}, false},
		"of another, a newer replayd's":  {[]string{specKey("r", "this"), spec, forgetKey("r", "other"), newer}, false},
		"of this one, beside a late one": {[]string{specKey("r", "this"), spec, specKey("r", "late"), spec, forgetKey("r", "this"), intent}, true},
	} {
		log := records(c.log...)
		for _, r := range log {
			if len(r.Value) == 0 {
				r.Value = nil
			}
		}
		k := reads(log...)
		if errors.As(k.Err, new(*BeingForgotten)) != c.dying || k.Err != nil && !c.dying {
			t.Errorf("%s: it is met with %v", what, k.Err)
		}
	}
}

// TestALateIntentGoesWithTheNextReplay, of which it says nothing.
func TestALateIntentGoesWithTheNextReplay(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	ended(t, v, "r")
	config(t, c, forgetKey("r", "before"), string(encode(forgetting{Version: version})))
	if err := v.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k, _ := v.Find("r"); k.State() != replay.Completed || k.Err != nil {
		t.Errorf("it is %s: %v", k.State(), k.Err)
	}
	forget(t, v, "r")
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("left are %v", keys)
	}
}

// TestWhatAnOlderReplaydBeganToForgetIsFinished, also where that had come to the end but for one record.
func TestWhatAnOlderReplaydBeganToForgetIsFinished(t *testing.T) {
	t.Parallel()
	for what, has := range map[string]func(*testing.T, *View){"all": func(t *testing.T, v *View) { ended(t, v, "r") }, "nothing": func(*testing.T, *View) {}} {
		t.Run("with "+what+" still there", func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			c := connect(t, f)
			v := follow(t, c)
			has(t, v)
			config(t, c, "forget/r", string(encode(forgetting{Version: version})))
			finds(t, v, "r", func(k replay.Known) bool { return errors.As(k.Err, new(*BeingForgotten)) })
			forget(t, v, "r")
			if keys := left(t, f, "r"); len(keys) > 0 {
				t.Errorf("left are %v", keys)
			}
		})
	}
}
