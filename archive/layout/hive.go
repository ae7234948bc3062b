package layout

// hiveFolders are the ways in which Hive-style writers spell an hour, then a day, the more exact first.
var hiveFolders = []string{
	"dt=%Y-%m-%d/hr=%H/",
	"dt=%Y-%m-%d/hour=%H/",
	"date=%Y-%m-%d/hour=%H/",
	"year=%Y/month=%m/day=%d/hour=%H/",
	"dt=%Y-%m-%d/",
	"date=%Y-%m-%d/",
	"year=%Y/month=%m/day=%d/",
}

// Hive returns the layouts that partition folders of key=value may have; an archive has one of them.
func Hive() []*Template {
	list := make([]*Template, len(hiveFolders))
	for i, text := range hiveFolders {
		list[i] = &Template{name: text, text: text, hourly: i < 4}
	}
	return list
}
