package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"replayd/replay/filter"
)

// TestNoExpressionTakesAllOfTheMemory has expressions that would need 2 GB and more.
func TestNoExpressionTakesAllOfTheMemory(t *testing.T) {
	doubled := func(step string) string {
		var b strings.Builder
		b.WriteString(`let v0 = event.type;`)
		for i := range 60 {
			fmt.Fprintf(&b, "let v%d = %s;", i+1, strings.ReplaceAll(step, "v", fmt.Sprint("v", i)))
		}
		return b.String() + "v60 != nil"
	}
	for _, expression := range []string{
		`len(reduce(1..33, #acc + #acc, "x")) > 0`,
		doubled("v+v"),
		`let x = reduce(1..18, #acc + #acc, "x"); len(map(1..1000, upper(x))) > 0`,
		`let x = reduce(1..18, #acc + #acc, "x"); len(map(1..1000, split(x, ""))) > 0`,
		`let x = reduce(1..18, #acc + #acc, "x"); len(map(1..1000, replace(x, "xy", ""))) > 0`,
		`let x = reduce(1..18, #acc + #acc, "1,"); let y = "\"" + x + "\""; len(map(1..1000, fromJSON(y))) > 0`,
		`len(reduce(1..100, toBase64(#acc), "xxxxxxxxxxxxxxxx")) > 0`,
		`len(string(reduce(1..60, [#acc, #acc], "x"))) > 0`,
	} {
		keep, err := judge(t, expression, payment)
		if err == nil {
			t.Errorf("%.100s: %v", expression, keep)
			continue
		}
		if text := err.Error(); !strings.Contains(text, "64 MiB") && !strings.Contains(text, "memory budget") && !strings.Contains(text, "neither a list") {
			t.Errorf("%.100s: %v", expression, err)
		}
	}
}

func TestTextsAndListsAreMadeAsBefore(t *testing.T) {
	for expression, want := range map[string]bool{
		`event.type + "-" + id == "payment-p-1"`:                                      true,
		`"a" + "b" == "ab" && 1 + 2 == 3 && event.rate + 1 == 2.5`:                    true,
		`upper(event.type) == "PAYMENT" && lower("X") + "y" == "xy"`:                  true,
		`split(id, "-")[1] == "1" && len(splitAfter(id, "-")) == 2`:                   true,
		`replace(id, "-", "") == "p1" && (id | replace("p-", "q")) == "q1"`:           true,
		`fromJSON("{\"a\":[1]}").a[0] == 1`:                                           true,
		`fromBase64(toBase64(id)) == id`:                                              true,
		`len(uniq([1, 1, 2])) == 2 && uniq(event.data.tags)[1] == "y"`:                true,
		`string(event.rate) == "1.5" && string(event.nothing) == "<nil>"`:             true,
		`string(event.amount) == "9007199254740993" && string(1) + string(2) == "12"`: true,
		`len(reduce(1..20, #acc + #acc, "x")) == 1048576`:                             true,
	} {
		if got, err := judge(t, expression, payment); err != nil || got != want {
			t.Errorf("%s: %v, %v", expression, got, err)
		}
	}
}

func TestWhatIsOffIsRefusedWithWhatToWrite(t *testing.T) {
	for expression, says := range map[string]string{
		`$env.event.type == "payment"`:               `write event.type where it says $env.event.type`,
		`$env["event"].type == "payment"`:            "$env is off",
		`get($env, "event") != nil`:                  "$env is off",
		`"type" in $env`:                             "$env is off",
		`any([1], $env.event.type == "payment")`:     "$env is off",
		`let e = $env; e.event.type == "payment"`:    "$env is off",
		`At(0).x == nil`:                             "there is no At: names are event, time, id and key",
		`GrownText("x") == "x"`:                      "there is no GrownText",
		`len(repeat("x", 10)) > 0`:                   "repeat is off",
		`len(groupBy([1], #)) > 0`:                   "groupBy is off",
		`len(event.data.tags | join(",")) > 0`:       "join is off",
		`replace(id, "-", "--") == "x"`:              `as in replace(id, "-", "")`,
		`replace(id, "-", event.type) == "x"`:        `as in replace(id, "-", "")`,
		`upper(5) == "x"`:                            "cannot use int",
		`id + "x"`:                                   "expected bool",
		`len(concat([1], [2])) + median([1, 2]) > 0`: "is off",
	} {
		if _, err := filter.Compile(expression); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", expression, err)
		}
	}
}
