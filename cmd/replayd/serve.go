package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"syscall"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"replayd/config"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
	"replayd/replay/manager"
	"replayd/replay/metrics"
)

func (a *app) serveCommand() *cobra.Command {
	listen, wait := "", ""
	c := &cobra.Command{
		Use: "serve", Short: "The daemon: runs replays for people and machines, and carries them on after a restart",
		Long: `serve offers replays over HTTP: start, watch, pause, resume, change the pace, cancel. What it knows stands in Kafka alone:
a restart, or a kill, changes nothing. Several daemons with the same control prefix share the work; each answers for all.
Without server.auth it listens to this machine only. SIGTERM lets each replay commit what it has and leave; another daemon,
or this one when it is back, carries it on.`,
		Example: `  replayd serve --config /etc/replayd/replayd.yaml
  replayd serve --listen 127.0.0.1:9494`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), listen, wait) },
	}
	c.Flags().StringVar(&listen, "listen", "", "host and port (default 127.0.0.1:8484)")
	c.Flags().StringVar(&wait, "wait-broker", "5m", "wait so long for the broker to come up")
	return c
}

// serve runs the daemon until a signal.
func (a *app) serve(ctx context.Context, listen, wait string) error {
	override(&a.config.Server.Listen, listen)
	if err := a.config.Validate(); err != nil {
		return err
	}
	if err := enoughFiles(); err != nil {
		return err
	}
	auth, err := a.doors()
	if err != nil {
		return err
	}
	ctx, stop, release := signals(ctx, func() {
		a.log.Info().Msg("stopping: each replay leaves at its next commit; a second signal leaves at once")
	}, func() { a.leave(func() string { return "left at once: replays go on where their last commit is" }) })
	defer release()
	a.limitMemory(int64(a.config.Limits.Memory))
	serving, done := before(ctx, stop)
	defer done()
	m := metrics.New(version(), a.log)
	cluster, err := a.connect(serving, &replayFlags{waitBroker: wait}, m.Client())
	if err != nil {
		return err
	}
	defer cluster.Close()
	d, err := a.newDaemon(serving, cluster, auth, m)
	if err != nil {
		return err
	}
	defer d.close()
	return d.run(serving)
}

// daemon is what serve runs.
type daemon struct {
	app     *app
	view    *kafka.View
	work    *kafka.Work
	manager *manager.Manager
	denials *api.Denials
	server  *api.Server
	listen  net.Listener
}

// newDaemon takes its place among the daemons of the cluster, and listens to whom auth knows. What it does is counted by m.
func (a *app) newDaemon(ctx context.Context, cluster *kafka.Cluster, auth *api.Authenticator, m *metrics.Metrics) (_ *daemon, err error) {
	d := &daemon{app: a}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	s := a.config.Server
	if d.view, err = cluster.Follow(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	d.denials = api.NewDenials(d.view.Audit, a.log)
	desk := &desk{a, cluster}
	made := make(chan struct{})
	if d.work, err = cluster.Share(ctx, func(lost func(string) bool) {
		<-made
		d.manager.Leave(lost)
	}); err != nil {
		close(made)
		return nil, err
	}
	d.manager = manager.New(a.managed(d, desk, m))
	close(made)
	if d.server, err = api.NewServer(api.Guard(d.manager, d.denials), api.ServerOptions{
		Listen: s.Listen, Auth: auth, Denials: d.denials, Metrics: m, Observe: m.Request, Log: a.log,
	}); err != nil {
		return nil, err
	}
	d.measured(cluster, m)
	d.listen, err = api.Listen(s.Listen, tlsOf(s.TLS), a.log)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w\nAnother program listens there, perhaps another daemon: --listen or server.listen names another address", err)
	}
	return d, err
}

// measured has m look at the daemon.
func (d *daemon) measured(cluster *kafka.Cluster, m *metrics.Metrics) {
	m.Watch(metrics.Daemon{
		Standing: d.manager.Standing, View: d.view, Work: d.work, Unsure: cluster.Unsure, Streams: d.server.Streams, Denied: d.denials.Count,
		Ready: d.ready,
	})
}

// scraping is how long a scrape waits for the keys of an issuer of which none was ever had: a scrape that ends without an answer says
// that the daemon is down.
const scraping = time.Second

// ready is what /readyz says.
func (d *daemon) ready() bool {
	ctx, cancel := context.WithTimeout(context.Background(), scraping)
	defer cancel()
	r, err := d.server.Ready(ctx)
	return err == nil && r.Ready
}

// counted are sessions whose commits are counted.
type counted struct {
	*desk

	by *metrics.Metrics
}

// Sink implements manager.Sessions.
func (c counted) Sink(k *replay.Known) manager.Sink { return c.by.Sink(k.Spec.ID, c.desk.Sink(k)) }

// managed are the options of the manager.
func (a *app) managed(d *daemon, on *desk, m *metrics.Metrics) manager.Options {
	s, memory := a.config.Server, a.config.Limits.Memory
	running := min(s.Running, max(1, int(memory/config.MinMemory)))
	if running < s.Running {
		a.log.Warn().Msgf("limits.memory %v is enough for %s at a time, not for server.max_running %d", memory, plural(int64(running), "replay"), s.Running)
	}
	return manager.Options{
		Registers: d.view, Work: d.work, Sessions: counted{on, m}, Desk: on, By: func(ctx context.Context) string { return api.By(ctx).Name },
		MaxRunning: running, Memory: int64(memory), Pace: s.Pace, RequireReason: s.RequireReason, SecondPerson: int64(s.SecondPerson),
		Version: version(), Log: a.log,
	}
}

// doors reads the files by which others come in, before the brokers are waited for: what is wrong with them is told at once. It
// returns who finds out who asks.
func (a *app) doors() (*api.Authenticator, error) {
	if err := tlsOf(a.config.Server.TLS).Check(); err != nil {
		return nil, &badConfig{err}
	}
	return a.authenticator(a.config.Server.Auth)
}

// authenticator finds out who asks; nil when nobody is asked.
func (a *app) authenticator(c config.Auth) (*api.Authenticator, error) {
	if !c.On() {
		return nil, nil
	}
	o := api.AuthOptions{TokensFile: c.TokensFile}
	if c.OIDC.On() {
		o.OIDC = oidcOf(c.OIDC)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Certificates)) {
		k := c.Certificates[name]
		o.Certificates = append(o.Certificates, api.Certificate{Name: name, Role: api.Role(k.Role), Archives: k.Archives, Topics: k.Topics})
	}
	auth, err := api.NewAuthenticator(o, a.log)
	if err != nil {
		return nil, &badConfig{err}
	}
	return auth, nil
}

func oidcOf(c config.OIDC) *api.OIDCOptions {
	o := &api.OIDCOptions{
		Issuer: c.Issuer, KeysURL: c.JWKSURL.Reveal(), Audience: c.Audience, Algorithms: c.Algorithms, CAFile: c.CAFile,
		NameClaim: c.Name, RoleClaim: c.Role, ArchivesClaim: c.Archives, TopicsClaim: c.Topics,
	}
	for value, role := range c.Roles.Named() {
		if o.Roles == nil {
			o.Roles = map[string]api.Role{}
		}
		o.Roles[value] = api.Role(role)
	}
	return o
}

func tlsOf(c config.ServerTLS) *api.TLSOptions {
	if !c.On() {
		return nil
	}
	return &api.TLSOptions{CertFile: c.CertFile, KeyFile: c.KeyFile, ClientCAFile: c.ClientCAFile}
}

// run answers and works until ctx ends. Then replays leave first: whoever watches them is told.
func (d *daemon) run(ctx context.Context) error {
	if len(d.app.config.Targets) == 0 {
		d.app.log.Warn().Msg("the configuration names no targets, the topics that replays may write: each start will be refused")
	}
	d.app.log.Info().Str("address", d.listen.Addr().String()).Msg("serving")
	answering, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer end()
		return d.manager.Run(ctx)
	})
	g.Go(func() error {
		d.denials.Run(answering)
		return nil
	})
	g.Go(func() error { return d.server.Serve(answering, d.listen) })
	g.Go(func() error {
		d.app.notify(ctx, d.server.Ready)
		return nil
	})
	return g.Wait()
}

func (d *daemon) close() {
	if d.work != nil {
		ctx, cancel := context.WithTimeout(context.Background(), parting)
		defer cancel()
		if err := d.work.Close(ctx); err != nil {
			d.app.log.Warn().Err(err).Msg("the other daemons find out by themselves that this one is gone")
		}
	}
	if d.view != nil {
		d.view.Close()
	}
	if d.listen != nil {
		_ = d.listen.Close() // Serve has, unless it was never called
	}
}

// parting is how long leaving the other daemons may take.
const parting = 10 * time.Second

// readyEvery is between two looks whether the daemon can do its work, for a supervisor that waits for that.
const readyEvery = 200 * time.Millisecond

// notify tells systemd when the daemon can do its work, and when it stops. Without systemd it does nothing.
func (a *app) notify(ctx context.Context, ready func(context.Context) (api.Readiness, error)) {
	if a.env("NOTIFY_SOCKET") == "" {
		return
	}
	look := time.NewTicker(readyEvery)
	defer look.Stop()
	for told := false; !told; {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if r, err := ready(ctx); err == nil && r.Ready {
			a.tell(systemd.SdNotifyReady)
			told = true
		}
	}
	<-ctx.Done()
	a.tell(systemd.SdNotifyStopping)
}

func (a *app) tell(word string) {
	if _, err := systemd.SdNotify(false, word); err != nil {
		a.log.Warn().Err(err).Msgf("systemd is not told %s", word)
	}
}
