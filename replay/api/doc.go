// Package api is what a daemon does for people and machines: one interface, Service, that the server offers over HTTP and the
// client calls there.
//
//	cmd ─> Client ─HTTP─> Server ─> Guard (who may) ─> Service (replay/manager)
//
// The document of the HTTP form is docs/openapi.json, which is made of the types here.
package api
