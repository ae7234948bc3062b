package suite_test

import (
	"testing"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/archivetest/suite"
)

func TestFaultyIsAStore(t *testing.T) {
	suite.TestStore(t, func(_ *testing.T, files map[string][]byte) archive.Store { return archivetest.NewFaulty(files) })
}
