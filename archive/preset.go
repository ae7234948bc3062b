package archive

import "slices"

// Preset is what is known of an archiver: how its objects are named and filled, and where its events keep their id and
// times. What is empty the user gives. Sources of each: docs/archives.md.
type Preset struct {
	Name      string
	Layout    string // empty: recognised from the first keys
	Format    string // empty: recognised from the first object
	ID        IDRule
	Time      Pointer
	Arrival   Pointer
	ByArrival bool      // the window goes by arrival time unless asked otherwise
	Volatile  []Pointer // fields in which copies of one event differ
}

var presets = []Preset{
	{
		Name: "pismo", Layout: "pismo", Format: "json",
		ID: "/event_id", Time: "/timestamp",
		// As the vendor's own script: a consumer that was down four hours lost what was published then.
		Arrival: "/arrival_epoch", ByArrival: true, Volatile: []Pointer{"/arrival_epoch"},
	},
	{Name: "firehose", Layout: "firehose"},
	{Name: "hive", Layout: "hive"},
	{Name: "jsonl", Layout: "jsonl", Format: "jsonl"},
}

// PresetNamed finds a preset.
func PresetNamed(name string) (Preset, bool) {
	i := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return presets[i], true
}

// PresetsOf lists the presets of a layout that know where an event's id and time stand.
func PresetsOf(layout string) []string {
	var names []string
	for _, p := range presets {
		if p.Layout == layout && p.ID != "" && p.Time != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// PresetNames lists the presets there are.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.Name
	}
	return names
}
