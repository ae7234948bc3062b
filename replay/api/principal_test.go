package api

import "testing"

func TestNamesAreExactOrBeginnings(t *testing.T) {
	for _, c := range []struct {
		names Names
		name  string
		has   bool
	}{
		{Names{"payments"}, "payments", true},
		{Names{"payments"}, "payments2", false},
		{Names{"replay.*"}, "replay.payments", true},
		{Names{"replay.*"}, "replay", false},
		{Names{"replay.*"}, "xreplay.payments", false},
		{Names{"a", "b"}, "b", true},
		{Names{Everything}, "anything", true},
		{Names{Everything}, "", true},
		{Names{""}, "payments", false},
		{nil, "payments", false},
		{nil, "", false},
	} {
		if c.names.Has(c.name) != c.has {
			t.Errorf("%q has %q: not %v", c.names, c.name, c.has)
		}
	}
	for _, bad := range []Names{nil, {}, {""}, {"a*b"}, {"**"}, {"a?"}, {"[ab]*"}} {
		if bad.check("archives") == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestRolesHoldThoseBeforeThem(t *testing.T) {
	order := []Role{Viewer, Operator, Admin}
	for i, has := range order {
		for j, needs := range order {
			if has.Covers(needs) != (i >= j) {
				t.Errorf("%s covers %s: not %v", has, needs, i >= j)
			}
		}
	}
	for _, nobody := range []Role{"", "root"} {
		if nobody.Covers(Viewer) || nobody.Covers("") || nobody.Covers(nobody) || Admin.Covers(nobody) && nobody == "x" {
			t.Errorf("%q covers something", nobody)
		}
	}
}

func TestNobodyIsBy(t *testing.T) {
	if by := By(t.Context()); by.Role != "" || by.Archives.Has("payments") || by.Name != "" {
		t.Errorf("%+v", by)
	}
}
