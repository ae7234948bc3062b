// Package manager runs replays for a daemon: it is the api.Service.
//
//	wishes (what people want) ─┐
//	checkpoints (what is) ─────┼─> what should run here ─> a session for each ─> replay.Runner
//	work (which targets are ours)┘
//
// It keeps nothing that counts: after a restart all is read from the control topics again.
package manager
