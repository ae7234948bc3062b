// Package bench measures replayd against the least programs that could do its work: make bench. Each comparison runs the
// programs in turn, round after round, so that a noisy machine is as noisy for one as for the other, and prints ratios of
// the same round. Seconds of the processor are the steadier of the two kinds of numbers.
//
//	rivals    the programs that replayd is measured against
package bench
