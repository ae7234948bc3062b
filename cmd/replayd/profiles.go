package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// profileListener is where the profiles are served from, nil without --pprof. Who has such an address can make the process
// work for them and read its command line, and is asked for no password: so it is one of this machine only.
func profileListener(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	to, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, usage("--pprof: %w: want 127.0.0.1:6060, or port 0 for any that is free", err)
	}
	if !to.IP.IsLoopback() {
		return nil, usage("--pprof %q: others could reach the profiles there, and nobody is asked for a password: "+
			"want 127.0.0.1:6060, and for another machine a tunnel (ssh -L)", address)
	}
	l, err := net.ListenTCP("tcp", to)
	if err != nil {
		return nil, fmt.Errorf("--pprof: %w: choose another port, or 0 for any that is free", err)
	}
	return l, nil
}

// headersWithin is how long a client of the profiles may take to say what it wants.
const headersWithin = 10 * time.Second

// profiles serves the profiles of this process at --pprof, until end, which breaks off those that are being taken.
func (a *app) profiles(address string) (end func(), err error) {
	l, err := profileListener(address)
	if l == nil || err != nil {
		return func() {}, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headersWithin}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // ends with server.Close, which closes l
	}()
	a.log.Info().Str("address", "http://"+l.Addr().String()+"/debug/pprof/").Msg("profiles are served")
	return func() {
		_ = server.Close()
		<-served
	}, nil
}
