package archivetest

// Archives written by hand, with what must become of them worked out by hand. Unless a case says otherwise the window
// is [01:00, 03:00), the lateness 5 minutes, the horizon 20 and the slack an hour.
//
//	a 01 01:00:30: 1@01:00:31 1b@01:00:31     object a in hour 01, its name says 01:00:30 (- for none); an event and a
//	                                          copy with another body (b, c)
//	1@01:30:00>01:10:00                       time and arrival
//	100..115@02:30:00                         events 100 to 115; from 100 on they are left out of what is wanted
//	1-  1#  1?  1!                            no id, numeric id, no usable time, cut off
//
// Wanted: events in merge order at their merge time; = duplicate, ! quarantined; flags behind a slash.
var handWritten = []struct {
	name    string
	plan    Plan
	objects []string
	want    string
	counts  string
}{
	{
		name:    "order goes by time, then object, then place in the object",
		objects: []string{"a 01 01:00:00: 1@01:20:00 2@01:20:00", "b 01 01:00:00: 3@01:20:00 4@01:15:00"},
		want:    "4@01:15:00 1@01:20:00 2@01:20:00 3@01:20:00",
		counts:  "read 4 produced 4",
	},
	{
		name:    "the window holds its begin and not its end",
		objects: []string{"a 01 01:00:00: 1@00:59:59.999 2@01:00:00 3@02:59:59.999999999 4@03:00:00"},
		want:    "2@01:00:00 3@02:59:59.999999999",
		counts:  "read 4 produced 2 outside 2",
	},
	{
		name:    "hours that do not meet window and slack are not listed",
		objects: []string{"a 00 00:10:00: 1@01:00:00", "b 03 03:10:00: 2@02:00:00", "c 04 04:00:00: 3@02:00:00"},
		want:    "1@01:00:00 2@03:05:00/late",
		counts:  "read 2 produced 2 late 1 objects 2 slack_short 2",
	},
	{
		name:    "below the bound of the name is late",
		objects: []string{"a 02 02:00:10: 1@01:55:09.999999999 2@01:55:10"},
		want:    "1@01:55:10/late 2@01:55:10",
	},
	{
		name:    "a name from before the hour counts as the hour's start",
		objects: []string{"a 02 01:58:00: 1@01:54:00"},
		want:    "1@01:55:00/late",
	},
	{
		name:    "without a name's time the hour opens the object",
		objects: []string{"a 02 -: 1@01:54:00 2@01:56:00"},
		want:    "1@01:55:00/late 2@01:56:00",
	},
	{
		name:    "fifteen events do not move the bound",
		objects: []string{"a 01 01:00:00: 100..114@02:30:00 1@01:30:00"},
		want:    "1@01:30:00",
	},
	{
		name:    "the sixteenth largest time moves the bound",
		objects: []string{"a 01 01:00:00: 100..114@02:40:00 115@02:30:00 1@02:24:00 2@02:26:00"},
		want:    "1@02:25:00/late 2@02:26:00",
	},
	{
		name:    "the event that moves the bound is judged by the one before it",
		objects: []string{"a 01 01:00:00: 100..114@02:30:00 1@02:20:00 2@02:14:00 3@02:26:00 4@02:24:00"},
		want:    "2@02:15:00/late 1@02:20:00 4@02:24:00 3@02:26:00",
	},
	{
		name:    "duplicates move the bound too, bad and outside events do not",
		objects: []string{"a 01 01:00:00: 100@02:30:00 100@02:30:00 101..113@02:30:00 200?@02:30:00 201@03:30:00 1@02:00:00 114@02:30:00 2@02:24:00"},
		want:    "1@02:00:00 2@02:25:00/late",
		counts:  "duplicates 1 outside 1 quarantined 1 late 1",
	},
	{
		name:    "a copy beside its original",
		objects: []string{"a 01 01:00:00: 1@01:10:00 1@01:10:00", "b 01 01:00:00: 1@01:10:00"},
		want:    "1@01:10:00 =1@01:10:00 =1@01:10:00",
		counts:  "read 3 produced 1 duplicates 2",
	},
	{
		name:    "copies differ in their arrival",
		objects: []string{"a 01 01:00:00: 1@01:10:00>01:10:01 1@01:10:00>01:10:09"},
		want:    "1@01:10:00 =1@01:10:00",
	},
	{
		name:    "a copy at exactly the horizon",
		objects: []string{"a 01 01:00:00: 1@01:10:00", "b 01 01:35:00: 1@01:10:00"},
		want:    "1@01:10:00 =1@01:30:00",
		counts:  "produced 1 duplicates 1 late 0",
	},
	{
		name:    "a copy one nanosecond beyond the horizon",
		objects: []string{"a 01 01:00:00: 1@01:09:59.999999999", "b 01 01:35:00: 1@01:09:59.999999999"},
		want:    "1@01:09:59.999999999 1@01:30:00/late",
		counts:  "produced 2 late 1",
	},
	{
		name:    "the latest sighting counts, although it was not produced",
		objects: []string{"a 01 01:00:00: 1@01:10:00", "b 01 01:33:00: 1@01:10:00", "c 01 01:52:00: 1@01:10:00"},
		want:    "1@01:10:00 =1@01:28:00 =1@01:47:00",
	},
	{
		name:    "what is outside was never sighted",
		objects: []string{"a 01 01:00:00: 1@03:00:00 1@03:00:00"},
		want:    "",
		counts:  "read 2 outside 2",
	},
	{
		name:    "another body within the horizon is a conflict, and then known",
		objects: []string{"a 01 01:00:00: 1@01:10:00 1b@01:10:00 1@01:10:00 1b@01:10:00 1c@01:10:00"},
		want:    "1@01:10:00 1@01:10:00/conflict =1@01:10:00 =1@01:10:00 1@01:10:00/conflict",
		counts:  "produced 3 duplicates 2 conflicts 2",
	},
	{
		name:    "another body beyond the horizon is no conflict",
		objects: []string{"a 01 01:00:00: 1@01:10:00 1b@01:30:00.000000001 2@01:10:00 2b@01:30:00"},
		want:    "1@01:10:00 2@01:10:00 2@01:30:00/conflict 1@01:30:00.000000001",
	},
	{
		name:    "an old sighting of the body and a recent one of another",
		objects: []string{"a 01 01:00:00: 1@01:10:00 1b@01:20:00", "b 01 01:40:00: 1@01:10:00"},
		want:    "1@01:10:00 1@01:20:00/conflict 1@01:35:00/late,conflict",
		counts:  "produced 3 late 1 conflicts 2",
	},
	{
		name:    "events without an id have no copies, numbers are ids",
		objects: []string{"a 01 01:00:00: 1-@01:10:00 1-@01:10:00 2#@01:10:00 2#@01:10:00"},
		want:    "1@01:10:00/no-id 1@01:10:00/no-id 2@01:10:00 =2@01:10:00",
		counts:  "no_id 2 duplicates 1",
	},
	{
		name:    "flags come in their order",
		objects: []string{"a 02 02:00:00: 1-@01:30:00"},
		want:    "1@01:55:00/no-id,late",
	},
	{
		name:    "bad entries stand at the bound",
		objects: []string{"a 01 01:30:00: 1?@01:50:00 2!@01:50:00 3@01:40:00", "b 01 01:00:00: 4@01:24:00 5@01:26:00"},
		want:    "4@01:24:00 !1@01:25:00 !2@01:25:00 5@01:26:00 3@01:40:00",
		counts:  "read 5 produced 3 quarantined 2 json 1 time 1",
	},
	{
		name:    "bad entries belong to the window as their hour does, widened by the lateness",
		plan:    Plan{From: clock("01:04:00"), To: clock("02:55:00")},
		objects: []string{"a 00 -: 1?@02:00:00", "b 03 -: 2?@02:00:00", "c 02 -: 3?@02:00:00"},
		want:    "!1@23:55:00 !3@01:55:00",
		counts:  "read 3 quarantined 2 outside 1",
	},
	{
		name:    "a bad entry of the hour behind the window may have been late",
		plan:    Plan{To: clock("02:55:01")},
		objects: []string{"a 03 03:10:00: 1?@02:00:00"},
		want:    "!1@03:05:00",
	},
	{
		name:    "the window goes by arrival, the order by time",
		plan:    Plan{WindowOn: WindowOnArrival},
		objects: []string{"a 00 -: 1@00:56:00>01:00:00 2@02:00:00>00:59:59.999 3@02:10:00>02:59:59.999 4@02:05:00>03:00:00"},
		want:    "1@00:56:00 3@02:10:00",
		counts:  "read 4 produced 2 outside 2",
	},
	{
		name:    "no event is later than its arrival allows",
		plan:    Plan{WindowOn: WindowOnArrival},
		objects: []string{"a 01 01:00:00: 1@01:15:00>01:10:00 2@01:15:00.001>01:10:00 3@09:00:00>01:11:00"},
		want:    "1@01:15:00 2@01:15:00/time-clamped 3@01:16:00/time-clamped",
	},
	{
		name:    "clamped below the bound",
		plan:    Plan{WindowOn: WindowOnArrival},
		objects: []string{"a 01 01:40:00: 1@01:34:00>01:20:00 2@01:36:00>01:20:00"},
		want:    "1@01:35:00/time-clamped,late 2@01:35:00/time-clamped",
	},
	{
		name:    "times at the window's end do not move the bound",
		plan:    Plan{WindowOn: WindowOnArrival},
		objects: []string{"a 01 01:00:00: 100..120@03:00:00>02:59:00 1@01:30:00>02:00:00"},
		want:    "1@01:30:00",
	},
	{
		name:    "a flat folder opens with the window",
		plan:    Plan{Layout: LayoutFlat},
		objects: []string{"a - -: 1@01:00:00 2?@01:00:00"},
		want:    "1@01:00:00 !2@01:00:00",
		counts:  "read 2 quarantined 1",
	},
	{
		name:    "by arrival a flat folder opens earlier by the lateness",
		plan:    Plan{Layout: LayoutFlat, WindowOn: WindowOnArrival},
		objects: []string{"a - -: 1@00:50:00>01:00:00 2@00:57:00>01:00:00"},
		want:    "1@00:55:00/late 2@00:57:00",
	},
	{
		name:    "more than half the slack away in an outermost hour is short",
		objects: []string{"a 03 03:20:00: 1@02:50:00 2@02:49:59.999", "b 02 02:50:00: 3@02:00:00", "c 00 00:20:00: 4@01:00:00"},
		want:    "4@01:00:00 3@02:45:00/late 1@03:15:00/late 2@03:15:00/late",
		counts:  "slack_short 2",
	},
}
