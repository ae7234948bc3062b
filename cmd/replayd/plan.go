package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
)

func (a *app) planCommand() *cobra.Command {
	f, to := &replayFlags{}, &clientFlags{}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "What a replay would read, produce and create, and what would refuse it; writes nothing",
		Long: `plan takes the flags of run and tells what that run would do: which hours and objects it would read, what it would
create, and every item of preflight with its answer. It writes nothing, neither to Kafka nor to the archive. It exits 4
when run would refuse. Of a replay that would be continued it does not compare archive and control topics with what
earlier sessions met: what has changed there is found by run only.`,
		Example: `  replayd plan --archive payments --from 2026-11-01T12 --for 4h --topic replay.payments
  replayd plan --server https://replayd.example.com --archive payments --from 2026-11-01T12 --for 4h --topic replay.payments`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.hereOrThere(to,
				func() error { return a.plan(cmd.Context(), f) },
				func(d api.Service) error { return a.planThere(cmd.Context(), d, f) })
		},
	}
	f.addRead(cmd.Flags())
	f.addWrite(cmd.Flags())
	to.addElsewhere(cmd.Flags())
	return cmd
}

// planned is what a run would do: a contract, fields are only ever added.
type planned struct {
	Type    string        `json:"type"` // plan
	Version int           `json:"version"`
	Hash    string        `json:"hash"` // of what would be replayed: the same as long as spec and archive are
	Archive string        `json:"archive"`
	URL     string        `json:"url"`
	Layout  string        `json:"layout"`
	Format  string        `json:"format"`
	Window  replay.Window `json:"window"`
	Hours   int           `json:"hours"`
	Objects int           `json:"objects"`
	Bytes   int64         `json:"bytes"`

	Classes  map[string]int64 `json:"storage_classes"` // objects by class, those of the standard one left out
	Lists    int64            `json:"list_requests"`
	Gets     int64            `json:"get_requests"`
	Again    int64            `json:"restart_bytes"` // that a session which continues reads again, at the most, about
	Sample   *replay.Sample   `json:"sample,omitempty"`
	Estimate *estimate        `json:"estimate,omitempty"`
	Creates  []string         `json:"creates"` // topics
	Groups   []string         `json:"groups"`  // consumer groups that read the topic

	SampleError string `json:"sample_error,omitempty"`

	Gaps     []string      `json:"gaps"`
	Topic    string        `json:"topic"`
	Pace     string        `json:"pace"`
	Items    []plannedItem `json:"preflight"`
	Accepted bool          `json:"accepted"`

	Period string `json:"-"` // what Hours counts, in words
}

type plannedItem struct {
	Item    string `json:"item"`
	Refused bool   `json:"refused"`
	Allowed bool   `json:"allowed"`
	What    string `json:"what"`
	Next    string `json:"next,omitempty"`

	ACLs     []kafka.ACL `json:"acls,omitempty"`           // of the item rights: what the user lacks
	ToCreate []kafka.ACL `json:"acls_to_create,omitempty"` // and lacks too, unless the topics that it may not see are there

	Always bool `json:"-"` // refused whatever is allowed
}

func (a *app) plan(ctx context.Context, f *replayFlags) error {
	if err := a.check(ctx, f); err != nil {
		return err
	}
	cluster, err := a.connect(ctx, f)
	if err != nil {
		return err
	}
	defer cluster.Close()
	j, err := a.job(ctx, cluster, f)
	if err != nil {
		return err
	}
	if j.finished != nil {
		return usage("replay %s has ended: run --id %s prints its receipt, and another --id plans a new one", f.id, f.id)
	}
	p, err := a.planJob(ctx, cluster, j)
	if err != nil {
		return err
	}
	return a.printPlan(p, j)
}

// planJob finds out what j would do.
func (a *app) planJob(ctx context.Context, cluster *kafka.Cluster, j *job) (*planned, error) {
	p := &planned{
		Type: "plan", Version: 1, Archive: j.spec.Archive, URL: j.spec.URL, Layout: j.spec.Layout, Format: j.spec.Format,
		Window: j.spec.Window, Topic: j.spec.Topic, Pace: j.options.Pace.String(), Gaps: []string{}, Accepted: true,
		Classes: map[string]int64{}, Creates: []string{}, Groups: []string{},
	}
	some := &picker{}
	if err := a.planHours(ctx, p, j, some); err != nil {
		return nil, err
	}
	p.look(ctx, j, some.kept)
	if p.Estimate != nil {
		j.settings.Lasts = time.Duration(p.Estimate.Seconds * float64(time.Second))
	}
	if err := a.planCluster(ctx, p, j, cluster); err != nil {
		return nil, err
	}
	findings, err := j.preflight(ctx, cluster)
	if err != nil {
		return nil, err
	}
	p.Items = append(p.Items, itemsOf(findings)...)
	for i := range p.Items {
		item := &p.Items[i]
		item.Allowed = !item.Always && j.options.Allow.Has(item.Item)
		p.Accepted = p.Accepted && (!item.Refused || item.Allowed)
	}
	return p, nil
}

// planCluster tells what would be created, and who reads the topic. Groups are shown as far as this user may see them.
func (a *app) planCluster(ctx context.Context, p *planned, j *job, cluster *kafka.Cluster) error {
	missing, err := cluster.Missing(ctx, j.spec.Topic)
	if err != nil {
		return err
	}
	for _, topic := range missing {
		if topic != j.spec.Topic || j.settings.Creates() {
			p.Creates = append(p.Creates, topic)
		}
	}
	groups, err := cluster.Groups(ctx, j.spec.Topic)
	if err != nil {
		a.log.Debug().Err(err).Msg("consumer groups are not to be seen")
	}
	p.Groups = append(p.Groups, groups...)
	return nil
}

func itemsOf(findings []kafka.Finding) []plannedItem {
	var items []plannedItem
	for _, f := range findings {
		items = append(items, plannedItem{Item: f.Item, Refused: f.Refused, Always: f.Always, What: f.What, Next: f.Next, ACLs: f.Rights.Missing, ToCreate: f.Rights.Perhaps})
	}
	return items
}

// planHours lists what would be read.
func (a *app) planHours(ctx context.Context, p *planned, j *job, some *picker) error {
	w := j.spec.Window
	cold := &replay.Cold{Store: j.source.Store}
	var listed replay.Listed
	see := func(ctx context.Context, h archive.Hour, o archive.Object) error {
		some.add(o)
		if j.spec.Reads(h, o) {
			listed.Add(o)
		}
		if o.StorageClass != "" {
			p.Classes[o.StorageClass]++
		}
		return cold.Add(ctx, o)
	}
	lines, err := a.hours(ctx, j.source, w.From.Add(-j.spec.Before.Std()), w.To.Add(j.spec.After.Std()), see)
	if err != nil {
		return err
	}
	p.Hours, p.Hash = len(lines), listed.Hash(&j.spec)
	for i, h := range j.source.Layout.Hours(w.From.Add(-j.spec.Before.Std()), w.To.Add(j.spec.After.Std())) {
		p.Period = period(h.Name)
		p.Objects += lines[i].Objects
		p.Bytes += lines[i].Bytes
		p.Lists += max(1, (int64(lines[i].Objects)+pageSize-1)/pageSize)
		if lines[i].Gap && h.Bounded() && h.From.Before(w.To) && h.To.After(w.From) {
			p.Gaps = append(p.Gaps, h.Label())
		}
	}
	p.Gets = int64(p.Objects)
	p.Again = int64(float64(p.Bytes) * rereadShare(&j.spec))
	if refusal := j.openHours(); refusal != nil {
		p.Items = append(p.Items, plannedItem{Item: refusal.Item, Refused: true, What: refusal.What, Next: refusal.Next})
	}
	p.Items = append(p.Items, coldItems(cold, j.resumes)...)
	return nil
}

func (a *app) printPlan(p *planned, j *job) error {
	if a.output == "json" {
		if err := jsonTo(a.out).Encode(p); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(a.out, strings.Join(foldPlan(planLines(p, j), width(a.out), p.SampleError != ""), "\n"))
	}
	if !p.Accepted {
		return exitCode(exitRefused)
	}
	return nil
}

// planHang is how far the words of plan stand from the left, behind what they are about.
const planHang = "          "

// foldPlan folds the lines of a plan for a terminal of so many columns, but for those that hold commands: what to do about a
// refusal, which stands behind its item, and why no sample could be taken.
func foldPlan(lines []string, columns int, noSample bool) []string {
	folded := make([]string, 0, len(lines))
	for _, line := range lines {
		if !strings.HasPrefix(line, planHang) && (!noSample || !strings.HasPrefix(line, "holds ")) {
			line = fold(line, columns, len(planHang))
		}
		folded = append(folded, line)
	}
	return folded
}

// planLines are the plan for people: six lines, where nothing is out of the way.
func planLines(p *planned, j *job) []string {
	lines := []string{
		"window    " + describe(p.Window, time.Local) + ", by " + p.Window.On + " time",
		fmt.Sprintf("archive   %s, layout %s, format %s", p.URL, p.Layout, p.Format),
		fmt.Sprintf("reads     %s in %s, %s, by %s LIST and %s GET requests; to continue it up to %s are read again",
			plural(int64(p.Objects), "object"), plural(int64(p.Hours), p.Period), size(p.Bytes), count(p.Lists), count(p.Gets), size(p.Again)),
		"holds     " + p.holds(),
		fmt.Sprintf("produces  to topic %s %s", p.Topic, p.lasts(j.options.Pace)),
	}
	if classes := p.classes(); classes != "" {
		lines = append(lines, "classes   "+classes)
	}
	if len(p.Creates) > 0 {
		lines = append(lines, "creates   "+plural(int64(len(p.Creates)), "topic")+": "+strings.Join(p.Creates, ", "))
	}
	if len(p.Groups) > 0 {
		lines = append(lines, fmt.Sprintf("groups    %s will see it: %s", plural(int64(len(p.Groups)), "consumer group"), replay.Few(p.Groups)))
	}
	if len(p.Gaps) > 0 {
		lines = append(lines, "gaps      no objects in "+replay.Few(p.Gaps))
	}
	if len(p.Items) == 0 {
		lines = append(lines, "preflight nothing found")
	}
	for _, item := range p.Items {
		verdict := "notice"
		switch {
		case item.Refused && item.Allowed:
			verdict = "ALLOWED"
		case item.Refused:
			verdict = "REFUSED"
		}
		lines = append(lines, fmt.Sprintf("preflight %s %s: %s", verdict, item.Item, item.What))
		if item.Refused && !item.Allowed {
			lines = append(lines, planHang+strings.ReplaceAll(item.Next, "\n", "\n"+planHang))
		}
	}
	return lines
}
