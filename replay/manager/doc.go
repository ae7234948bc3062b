// Package manager runs replays for a daemon: it is the api.Service.
//
//	wishes (what people want) ─┐
//	checkpoints (what is) ─────┼─> what should run here ─> a session for each ─> replay.Runner
//	work (which targets are ours)┘
//
// One goroutine, Run's, looks at all three whenever one of them has changed, arranges what should run (a function of
// what it sees: arrange.go), tells the sessions that run what is wished, and begins those that are missing. Everything else
// is asked by HTTP: acts write a register, and what follows from it comes back the same way as an act at another daemon.
//
//   - Replays into one topic run one after another, and only at the daemon that has the topic.
//   - A session that ends without its replay having ended is a setback: who is to try again, and when. Where another would end the
//     same way nobody does until a person has wished anew, at whatever daemon: that is written to the control topics.
//   - It keeps nothing that counts: after a restart all is read from the control topics again.
package manager
