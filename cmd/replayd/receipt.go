package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"replayd/config"
	"replayd/replay"
)

// printReceipt closes the account, in words or as one JSON object.
func (a *app) printReceipt(r *replay.Receipt) {
	if a.json() {
		_ = jsonTo(a.out).Encode(r)
		return
	}
	columns := width(a.out)
	for _, line := range receiptLines(r) {
		fmt.Fprintln(a.out, fold(line, columns, hangOf(line)))
	}
}

// hangOf is where the rest of a folded line of a receipt goes on: below the note of a row, else below its first word.
func hangOf(line string) int {
	if len(line) > noteColumn && line[noteColumn-2:noteColumn] == "  " {
		return noteColumn
	}
	return 4
}

func receiptLines(r *replay.Receipt) []string {
	lines := []string{
		fmt.Sprintf("replay %s: %s in %s (%s)", r.ID, strings.ReplaceAll(string(r.State), "_", " "),
			seconds(r.ElapsedSeconds), plural(int64(r.Sessions), "session")),
		row("read", r.Read, fmt.Sprintf("from %s, %s", plural(r.Objects, "object"), size(r.Bytes))),
		row("= produced", r.Produced, producedNote(r)),
		row("+ duplicates", r.Duplicates, ""),
	}
	if r.Filtered > 0 {
		lines = append(lines, row("+ filtered", r.Filtered, reasons(r.FilteredBy)))
	}
	lines = append(lines, row("+ outside", r.Outside, outsideNote(r)), row("+ quarantined", r.Quarantined, quarantineNote(r)))
	if !r.Balanced() {
		lines = append(lines, "  THE ACCOUNT DOES NOT BALANCE: this is a fault of replayd; please report it with this receipt")
	}
	lines = append(lines, warnings(r)...)
	lines = append(lines, "  digest "+r.Digest.String()+", "+r.Guarantee)
	return lines
}

// noteColumn is where the notes of rows begin.
const noteColumn = 2 + 14 + 15 + 2

func row(label string, n int64, note string) string {
	return strings.TrimRight(fmt.Sprintf("  %-14s%15s  %s", label, count(n), note), " ")
}

func producedNote(r *replay.Receipt) string {
	var notes []string
	if r.Topic != "" {
		notes = append(notes, "to "+r.Topic)
	}
	for _, n := range []struct {
		count int64
		word  string
	}{{r.Late, "late"}, {r.Conflicts, "in conflict"}, {r.NoID, "without id"}} {
		if n.count > 0 {
			notes = append(notes, count(n.count)+" "+n.word)
		}
	}
	return strings.Join(notes, ", ")
}

func outsideNote(r *replay.Receipt) string {
	if r.Outside == 0 {
		return ""
	}
	return "of the window: neighbouring hours were read to be complete"
}

func quarantineNote(r *replay.Receipt) string {
	if r.Quarantined == 0 {
		return ""
	}
	return reasons(r.QuarantinedBy) + ", " + size(r.QuarantinedBytes)
}

func reasons(by map[string]int64) string {
	var list []string
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		list = append(list, fmt.Sprintf("%s %s", reason, count(by[reason])))
	}
	return strings.Join(list, ", ")
}

func warnings(r *replay.Receipt) []string {
	var lines []string
	if len(r.Gaps) > 0 {
		lines = append(lines, fmt.Sprintf("  gaps: the archive has no objects in %s: %s", plural(int64(len(r.Gaps)+r.GapsMore), period(r.Gaps[0])), replay.Few(r.Gaps)))
	}
	if r.SlackShort > 0 {
		lines = append(lines, fmt.Sprintf("  slack: %s came close to the edge of what was listed; more may lie beyond: try --slack %s,%s",
			plural(r.SlackShort, "event"), twice(r.SlackSeconds[0]), twice(r.SlackSeconds[1])))
	}
	if len(r.OpenHours) > 0 {
		lines = append(lines, fmt.Sprintf("  open %ss, which the archive may still have been adding to: %s", period(r.OpenHours[0]), replay.Few(r.OpenHours)))
	}
	return lines
}

// twice is double a number of seconds, as a flag takes it; a slack of none becomes an hour.
func twice(seconds int64) config.Duration {
	if seconds == 0 {
		return config.Duration(time.Hour)
	}
	return config.Duration(2 * time.Duration(seconds) * time.Second)
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}
