// Package api is what a daemon does for people and machines: one interface, Service, that the server offers over HTTP and the
// client calls there.
//
//	cmd ─> Client ─HTTP─> Server ─> Guard (who may) ─> Service (replay/manager)
//
// A request passes, in this order: its header's and its body's time, pages of other origins, whether there is such a route,
// who asks (tokens, JSON Web Tokens, certificates), the body, a place and a time to be answered, the form that the document
// tells, Guard. What is refused on the way is answered as a problem (RFC 9457) that says what to do.
//
// The document of the HTTP form is docs/openapi.json, which is made of the types here. These hold:
//   - Whoever is not known costs no body, and is told of no replay, archive or person: only whether the daemon lives, whether
//     it can work and else why, which names its control topics and brokers, and the document.
//   - What somebody may not see answers as what there is not, and is named in nothing that they are told.
//   - No token is in a log, a problem or the audit.
//   - Nothing grows with those who ask: connections, requests, streams, bodies and what is audited of them have limits, and a
//     stream that is not read is cut, and keeps nothing for its reader meanwhile.
package api
