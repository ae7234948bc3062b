// Package bench measures replayd against the least programs that could do its work: make bench. Each comparison runs the
// programs in turn, round after round, so that a noisy machine is as noisy for one as for the other, and prints ratios of
// the same round. Seconds of the processor are the steadier of the two kinds of numbers.
//
//	rivals    the programs that replayd is measured against, its engine, and what make soak runs
//
// TestTable without flags is a short form, which shows that all of them see the same events; its numbers are those of
// starting. make bench gives it enough events, and writes what docs/performance.md and benchstat take. TestStagesOfStacks
// and what it tests tell what each microsecond of an event goes to. TestSoak looks at memory over many hours of an archive.
package bench
