package archivetest

import (
	"testing"

	"replayd/archive"
)

func TestFaultyIsAStore(t *testing.T) {
	TestStore(t, func(_ *testing.T, files map[string][]byte) archive.Store { return NewFaulty(files) })
}
