package integration

import "testing"

// commandsOfTopics types what topics prints, and then replays as the user whom the commands grant rights.
func (a *administrator) commandsOfTopics(t *testing.T) {
	const user, topic = "guest", "replay.granted"
	st, flags := a.user(t, user), []string{"--topic", topic}
	a.refused(t, st, flags)
	a.types(t, a.printed(t, st, "-o", "text", "--topic", topic, "--user", "User:"+user, "--partitions", "3"))
	completes(t, st, flags)
}

// printed is what topics prints.
func (a *administrator) printed(t *testing.T, st *secured, flags ...string) string {
	t.Helper()
	return st.start(t, append([]string{"topics", "-c", st.flags[1]}, flags...)...).ended(t, 0).out.String()
}
