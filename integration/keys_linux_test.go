package integration

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"replayd/integration/harness"
)

// TestFilesOfJavaBecomePEM runs the commands of docs/security.md on a truststore and a key as Java's tools make them.
func TestFilesOfJavaBecomePEM(t *testing.T) {
	harness.Java(t)
	folder := t.TempDir()
	for _, line := range []string{
		"keytool -genkeypair -alias client -keyalg EC -dname CN=replayd -keystore client.p12 -storetype PKCS12 -storepass secret",
		"keytool -exportcert -rfc -alias client -keystore client.p12 -storepass secret -file own.pem",
		"keytool -importcert -noprompt -alias ca -file own.pem -keystore truststore.jks -storepass secret",
	} {
		shellAt(t, folder, line)
	}
	ran := 0
	for _, block := range blocks(t, "../docs/security.md") {
		if block.kind != "sh" {
			continue
		}
		for line := range strings.SplitSeq(block.text, "\n") {
			shellAt(t, folder, line)
			ran++
		}
	}
	if ran != 3 {
		t.Errorf("%d commands were found", ran)
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(folder, "client.pem"), filepath.Join(folder, "client.key")); err != nil {
		t.Error(err)
	}
	ca, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(ca) {
		t.Errorf("ca.pem holds no authority: %v\n%s", err, ca)
	}
}

// shellAt runs a line in a folder, and types the password when it is asked for one. Without a terminal the tools ask on
// stdin.
func shellAt(t *testing.T, folder, line string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Stdin, cmd.SysProcAttr = folder, strings.NewReader("secret\n"), &syscall.SysProcAttr{Setsid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v\n%s", line, err, out)
	}
}
