package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// JDK compiles and runs Java programs against the jars of Kafka: its own clients, written by its own people.
type JDK struct{ classPath string }

// Java is the JDK of this machine.
func Java(tb testing.TB) JDK {
	tb.Helper()
	if err := findJava(); err != nil {
		leaveOut(tb, "java", err.Error())
	}
	if _, err := exec.LookPath("javac"); err != nil {
		leaveOut(tb, "java", "no javac in PATH (apt-get install openjdk-17-jdk-headless)")
	}
	if _, err := os.Stat(filepath.Join(jarsDir(), "kafka-streams-"+kafkaVersion+".jar")); err != nil {
		leaveOut(tb, "java", "no Kafka Streams in "+jarsDir()+" (make kafka-jars)")
	}
	tested(tb, "java", "")
	return JDK{filepath.Join(jarsDir(), "*")}
}

// Compile puts the classes of a source file into folder. Warnings are errors.
func (j JDK) Compile(tb testing.TB, folder, source string) {
	tb.Helper()
	// Annotation processors of a jar on the class path are none of ours; the warning is about them.
	out, err := exec.Command("javac", "-Xlint:all,-classfile,-processing,-path", "-Werror", "-proc:none",
		"-cp", j.classPath, "-d", folder, source).CombinedOutput()
	if err != nil {
		tb.Fatalf("compile %s: %v\n%s", source, err, out)
	}
}

// Command runs the main method of a class that was compiled into folder, which also takes its temporary files.
func (j JDK) Command(folder, class string, args ...string) *exec.Cmd {
	return exec.Command("java", append([]string{
		"-Xmx256m", quickStart, "-XX:+UseSerialGC", "-Djava.io.tmpdir=" + folder,
		"-cp", folder + string(os.PathListSeparator) + j.classPath, class,
	}, args...)...)
}
