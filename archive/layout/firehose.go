package layout

import (
	"regexp"
	"time"
)

// firehoseName is the tail of a name that Amazon Data Firehose gives:
// <stream>-<version>-YYYY-MM-DD-HH-MM-SS-<uuid>[.ext]. The time is the approximate arrival of the oldest record, in UTC.
// Source: "Amazon S3 object name format" in the service's documentation.
var firehoseName = regexp.MustCompile(
	`-\d+-(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.[\w.]+)?$`)

func firehoseTime(key string) (time.Time, bool) {
	m := firehoseName.FindStringSubmatch(key)
	if m == nil {
		return time.Time{}, false
	}
	t, err := time.Parse("2006-01-02-15-04-05", m[1])
	return t, err == nil
}

// Firehose is the default layout of Amazon Data Firehose: YYYY/MM/DD/HH/, arrival time in the name.
func Firehose() *Template {
	return &Template{name: "firehose", text: "%Y/%m/%d/%H/", hourly: true, stamp: firehoseTime}
}

// Pismo is the layout of Pismo's data platform buckets: Firehose objects below main_stream/.
func Pismo() *Template {
	return &Template{name: "pismo", text: "main_stream/%Y/%m/%d/%H/", hourly: true, stamp: firehoseTime}
}
