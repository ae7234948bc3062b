package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
)

func (a *app) quarantineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "quarantine", Short: "What a replay put into quarantine", Annotations: map[string]string{withoutConfig: "it only leads on"},
		RunE: func(_ *cobra.Command, args []string) error {
			return usage("%s: list or show, and the id of a replay", strings.Join(append([]string{"quarantine"}, args...), " "))
		},
	}
	cmd.AddCommand(a.quarantineListCommand(), a.quarantineShowCommand())
	return cmd
}

// quarantineFlags are of both commands.
type quarantineFlags struct {
	daemon     clientFlags
	place      placeFlags
	waitBroker string
	bytes      bool
}

func (f *quarantineFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.waitBroker, "wait-broker", "", "wait so long for the broker to come up: 60s")
	f.daemon.addElsewhere(set)
}

func (a *app) quarantineListCommand() *cobra.Command {
	f := &quarantineFlags{}
	cmd := &cobra.Command{
		Use:   "list ID",
		Short: "List the quarantined entries of a replay: where they stand, and why",
		Example: `  replayd quarantine list payments-0300
  replayd quarantine list payments-0300 -o json | jq -r .reason | sort | uniq -c`,
		Args: oneID, ValidArgsFunction: a.idsThere(&f.daemon),
		RunE: func(cmd *cobra.Command, args []string) error { return a.quarantineList(cmd.Context(), f, args[0]) },
	}
	f.add(cmd.Flags())
	return cmd
}

func (a *app) quarantineShowCommand() *cobra.Command {
	f := &quarantineFlags{}
	cmd := &cobra.Command{
		Use:   "show ID N",
		Short: "Show one entry by its number in the list; with --bytes also what stands there in the archive",
		Long: `show tells all that is known of one quarantined entry: N is its number in quarantine list. With --bytes its
bytes are read again from the archive and written to stdout as they are; what is known of it then goes to stderr.`,
		Example: `  replayd quarantine show payments-0300 1
  replayd quarantine show payments-0300 1 --bytes | less`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("quarantine show takes the id of a replay and a number of quarantine list")
			}
			return nil
		},
		ValidArgsFunction: a.idsThere(&f.daemon),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.quarantineShow(cmd.Context(), f, args[0], args[1])
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&f.bytes, "bytes", false, "read the entry again from the archive and write its bytes to stdout")
	f.place.addStore(cmd.Flags())
	return cmd
}

// oneID takes the id of a replay.
func oneID(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage("%s takes the id of one replay", cmd.CommandPath())
	}
	if err := replay.ValidID(args[0]); err != nil {
		return usage("%w", err)
	}
	return nil
}

// quarantinedLine is one entry as list tells it.
type quarantinedLine struct {
	Type string `json:"type"` // quarantined
	N    int64  `json:"n"`    // number in the list
	replay.Quarantined
}

// quarantine is where that of replays is found: in the cluster, or at a daemon.
type quarantine interface {
	// spec is what is known of a replay; a daemon tells only its id and where its archive is.
	spec(ctx context.Context, id string) (*replay.Spec, error)

	// each calls see with the entries in their order, until it returns false or an error.
	each(ctx context.Context, id string, see func(quarantinedLine) (bool, error)) error

	close()
}

func (a *app) quarantine(ctx context.Context, f *quarantineFlags) (from quarantine, err error) {
	err = a.hereOrThere(&f.daemon, func() error {
		cluster, err := a.connect(ctx, &replayFlags{waitBroker: f.waitBroker})
		from = &quarantineHere{a, cluster}
		return err
	}, func(d api.Service) error {
		from = &quarantineThere{d}
		return f.notThere()
	})
	return from, err
}

// notThere refuses the flags of what a daemon does not do.
func (f *quarantineFlags) notThere() error {
	switch {
	case f.bytes || f.place != (placeFlags{}):
		return usage("--bytes reads the archive from here, and a daemon hands out none of it: leave --server away, or take --bytes away")
	case f.waitBroker != "":
		return usage("--wait-broker is the daemon's to say: it is what reaches the broker")
	}
	return nil
}

// quarantineHere is read from the cluster.
type quarantineHere struct {
	app     *app
	cluster *kafka.Cluster
}

func (q *quarantineHere) spec(ctx context.Context, id string) (*replay.Spec, error) {
	known, err := q.cluster.Stored(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case known == nil:
		return nil, usage("there is no replay %s in the topics of %s", id, q.app.config.Kafka.ControlPrefix)
	}
	return &known.Spec, nil
}

func (q *quarantineHere) each(ctx context.Context, id string, see func(quarantinedLine) (bool, error)) error {
	n := int64(0)
	return q.cluster.Quarantined(ctx, id, func(entry replay.Quarantined) (bool, error) {
		n++
		return see(quarantinedLine{"quarantined", n, entry})
	})
}

func (q *quarantineHere) close() { q.cluster.Close() }

func (a *app) quarantineList(ctx context.Context, f *quarantineFlags, id string) error {
	from, err := a.quarantine(ctx, f)
	if err != nil {
		return err
	}
	defer from.close()
	if _, err := from.spec(ctx, id); err != nil {
		return err
	}
	some := false
	err = from.each(ctx, id, func(line quarantinedLine) (bool, error) {
		some = true
		return true, a.printQuarantined(a.out, line)
	})
	if err == nil && !some && a.output != "json" {
		_, err = fmt.Fprintf(a.out, "nothing of %s is in quarantine\n", id)
	}
	return err
}

func (a *app) printQuarantined(to io.Writer, l quarantinedLine) error {
	if a.output == "json" {
		return jsonTo(to).Encode(l)
	}
	_, err := fmt.Fprintf(to, "%6d  %s\n", l.N, whereAndWhy(&l.Quarantined))
	return err
}

func (a *app) quarantineShow(ctx context.Context, f *quarantineFlags, id, number string) error {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 {
		return usage("%q is no number of quarantine list", number)
	}
	from, err := a.quarantine(ctx, f)
	if err != nil {
		return err
	}
	defer from.close()
	spec, err := from.spec(ctx, id)
	if err != nil {
		return err
	}
	var line quarantinedLine
	err = from.each(ctx, id, func(l quarantinedLine) (bool, error) {
		line = l
		return l.N < n, nil
	})
	if err != nil {
		return err
	}
	if line.N < n {
		return usage("only %s of %s: see %s", plural(line.N, "quarantined entry"), id, a.there(a.here("replayd quarantine list "+id)))
	}
	if !f.bytes {
		return a.showQuarantined(a.out, spec, line)
	}
	if err := a.showQuarantined(a.err, spec, line); err != nil {
		return err
	}
	src, err := a.reopen(ctx, &replayFlags{place: f.place}, spec)
	if err != nil {
		return err
	}
	return copyRange(ctx, a.out, src, &line.Quarantined)
}

func (a *app) showQuarantined(to io.Writer, s *replay.Spec, l quarantinedLine) error {
	if a.output == "json" {
		return jsonTo(to).Encode(l)
	}
	q := &l.Quarantined
	_, err := fmt.Fprintf(to, "object    %s in %s\nbytes     %d to %d, decompressed\nreason    %s\ndetail    %s\nposition  %s\n",
		archive.Printable(q.Object), s.URL, q.Range[0], q.Range[1], q.Reason, archive.Printable(q.Detail), archive.Printable(q.Position.String()))
	return err
}

// copyRange reads the bytes of a quarantined entry again. The object must be what it was.
func copyRange(ctx context.Context, to io.Writer, src archive.Source, q *replay.Quarantined) error {
	fetcher := &archive.Fetcher{Store: src.Store, Stall: 30 * time.Second, GiveUp: time.Minute}
	object, err := find(ctx, fetcher, q)
	if err != nil {
		return err
	}
	body := fetcher.Open(ctx, object)
	defer func() { _ = body.Close() }()
	decoder := src.Decoder()
	defer decoder.Close()
	plain, err := decoder.Decode(body)
	if err == nil {
		_, err = io.CopyN(io.Discard, plain, q.Range[0])
	}
	if err == nil {
		_, err = io.CopyN(to, plain, q.Range[1]-q.Range[0])
	}
	if err != nil {
		return fmt.Errorf("read object %s from byte %d: %w", archive.Printable(q.Object), q.Range[0], err)
	}
	return nil
}

func find(ctx context.Context, f *archive.Fetcher, q *replay.Quarantined) (archive.Object, error) {
	for o, err := range f.List(ctx, q.Object) {
		if err != nil {
			return o, fmt.Errorf("look for object %s: %w", archive.Printable(q.Object), err)
		}
		if o.Key != q.Object {
			continue
		}
		if what := differs(&o, q); what != "" {
			return o, fmt.Errorf("object %s is not the one that was read: %s. What stands there now is not what was quarantined", archive.Printable(q.Object), what)
		}
		return o, nil
	}
	return archive.Object{}, errors.New("object " + archive.Printable(q.Object) + " is no longer in the archive")
}

// differs says in what an object is not the version that q was read from; empty when it is. As in the digest of an hour, the
// time of modification decides only where the store has no ETags.
func differs(o *archive.Object, q *replay.Quarantined) string {
	const at = "2006-01-02T15:04:05.999999999Z"
	switch {
	case o.ETag != q.ETag:
		return fmt.Sprintf("its ETag was %s and is %s", q.ETag, o.ETag)
	case q.Modified.IsZero(): // written by a program that did not note it
		return ""
	case o.Size != q.Size:
		return fmt.Sprintf("it had %s and has %s", plural(q.Size, "byte"), plural(o.Size, "byte"))
	case q.ETag == "" && !o.Modified.Equal(q.Modified):
		return fmt.Sprintf("it was last modified at %s, and now at %s", q.Modified.UTC().Format(at), o.Modified.UTC().Format(at))
	}
	return ""
}
