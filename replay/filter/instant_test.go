package filter_test

import (
	"strings"
	"testing"
	"time"

	"replayd/replay/filter"
)

// The event of judge happened on Sunday, 2026-11-01T12:34:56.789Z.
func TestTimesInAnExpression(t *testing.T) {
	for expression, want := range map[string]bool{
		`time.Year() == 2026 && time.Month() == 11 && time.Day() == 1 && time.YearDay() == 305 && time.Weekday() == 0`: true,
		`time.Hour() == 12 && time.Minute() == 34 && time.Second() == 56 && time.Nanosecond() == 789000000`:            true,
		`time.Unix() == 1793536496 && time.UnixMilli() == 1793536496789 && time.UnixNano() == 1793536496789000000`:     true,
		`time.In(timezone("America/Sao_Paulo")).Hour() == 9`:                                                           true,
		`time.In(timezone("America/Sao_Paulo")).UTC().Hour() == 12`:                                                    true,
		`time < date("2026-11-01T12:34:57Z") && time > date("2026-11-01 12:34:56") && time >= date("2026-11-01")`:      true,
		`time <= date("2026-11-01T09:34:56.789-03:00") && time == date("2026-11-01T09:34:56.789-03:00")`:               true,
		`time != date("2026-11-01T09:34:56.789-03:00")`:                                                                false,
		`time.After(date("2026-10-31")) && time.Before(date("2026-11-02")) && !time.Equal(date("2026-11-01"))`:         true,
		`time - date("2026-11-01") < duration("13h") && time.Sub(date("2026-11-01")).Hours() > 12`:                     true,
		`time + duration("1h") == time.Add(duration("1h")) && time - duration("1h") < time`:                            true,
		`date("01.11.2026 09:34", "02.01.2006 15:04", "America/Sao_Paulo").UTC().Hour() == 12`:                         true,
		`date(event.t) == time`: true,
		`time.Format("Monday 15:04") == "Sunday 12:34" && string(time) == "2026-11-01T12:34:56.789Z"`: true,
		`any([time], # == date(event.t))`: true,
	} {
		if got, err := judge(t, expression, payment); err != nil || got != want {
			t.Errorf("%s: %v, %v", expression, got, err)
		}
	}
}

// TestNoExpressionReadsTheZoneOfTheMachine compiles and runs each in two zones: it must be refused, or mean the same.
func TestNoExpressionReadsTheZoneOfTheMachine(t *testing.T) {
	home := time.Local
	defer func() { time.Local = home }()
	for expression, refused := range map[string]bool{
		`time.Local().Hour() == 9`:                                     true,
		`[time][0].Local().Hour() == 9`:                                true,
		`let name = "Local"; [time, 1][0][name]().Hour() == 9`:         true,
		`time.In(nil).Hour() == 9`:                                     true,
		`time.In(timezone("Local")).Hour() == 9`:                       true,
		`time.In(timezone("localtime")).Hour() == 9`:                   true,
		`time.In(timezone("")).Hour() == 9`:                            true,
		`time.In(timezone(event.zone)).Hour() == 9`:                    true,
		`time > date("2026-11-01 10:00", "2006-01-02 15:04", "Local")`: true,
		`time > date("2026-11-01", "2006-01-02", event.zone)`:          true,
		`time > date("Sun, 01 Nov 2026 10:00:00 BRT")`:                 true,
		`time > date("10:00 BRT", "15:04 MST")`:                        true,
		`time > date(timezone("Local"), "2026-11-01")`:                 true,

		`time.In(date("2026-11-01").Location()).Hour() == 9`:     false,
		`any([time, 1], #.Local().Hour() == 9)`:                  false, // fails on every event
		`date("2026-11-01T10:00:00").Hour() == 10`:               false,
		`date("2026-11-01T09:00:00-03:00").Hour() == 9`:          false,
		`string(date("2026-07-01T09:00:00-03:00")) == "x"`:       false,
		`date(event.t, "2006-01-02T15:04:05Z07:00").Hour() == 9`: false,
		`time.Format("MST") == "UTC"`:                            false,
		`date("2026-11-01T09:00:00-03:00").Format("MST") == "x"`: false,
	} {
		var results []string
		for _, name := range []string{"UTC", "America/Sao_Paulo"} {
			place, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			time.Local = place
			if _, err := filter.Compile(expression); (err != nil) != refused {
				t.Errorf("%s: %v", expression, err)
			}
			if !refused {
				keep, err := judge(t, expression, payment)
				text := "false"
				if err != nil {
					text = err.Error()
				} else if keep {
					text = "true"
				}
				results = append(results, text)
			}
		}
		if !refused && results[0] != results[1] {
			t.Errorf("%s: %q in UTC, %q in São Paulo", expression, results[0], results[1])
		}
	}
}

func TestConstantTimesAreReadWhenTheFilterIs(t *testing.T) {
	for expression, says := range map[string]string{
		`time > date("2026-11-31")`:                       `"2026-11-31" has none of the forms`,
		`time > date("yesterday") || event.t != nil`:      `"yesterday" has none of the forms`,
		`time.In(timezone("Mars/Olympus")).Hour() == 1`:   "Mars/Olympus",
		`date("x", "2006-01-02", "Mars/Olympus") == time`: "Mars/Olympus",
		`time.In(timezone("Local")).Hour() == 1`:          `"Local" is no zone: name one`,
		`time.In(timezone(event.zone)).Hour() == 1`:       "the zone must be a text",
		`date("12 BRT", "15 MST") == time`:                "use an offset",
		`time.Local().Hour() == 8`:                        "type time has no method Local",
		`time < 5`:                                        "time and int",
	} {
		if _, err := filter.Compile(expression); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

func TestAFailureSpeaksOfTimesNotOfTheirType(t *testing.T) {
	_, err := judge(t, `any([time, 1], #.Local().Hour() == 9)`, payment)
	if err == nil || !strings.Contains(err.Error(), "time") || strings.Contains(err.Error(), "instant") {
		t.Error(err)
	}
}
