package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// guide is what operators read; its examples are what is tested here.
const guide = "../docs/operate.zh-CN.md"

// nginx is the guide's proxy before a program: secure and plain are its addresses.
type nginx struct {
	secure, plain string
	client        *http.Client // does not follow redirects
}

// inGuide is the first example of the guide that has something in it, word for word.
func inGuide(t *testing.T, has string) string {
	t.Helper()
	page, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if strings.Contains(block[1], has) {
			return block[1]
		}
	}
	t.Fatalf("%s has no example with %s", guide, has)
	return ""
}

// TestGuideUnit: systemd has nothing against the guide's unit.
func TestGuideUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd is missing, which reads the guide's unit")
	}
	unit, program := inGuide(t, "[Unit]"), "/opt/qiuzhen/bin/qiuzhen"
	if !strings.Contains(unit, "ExecStart="+program) {
		t.Fatalf("it starts something else:\n%s", unit)
	}
	path := filepath.Join(t.TempDir(), "qiuzhen.service")
	write(t, path, strings.ReplaceAll(unit, program, "/bin/true")) // it wants to find what it starts
	if said, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%v: %s", err, said)
	}
}

// findNginx skips the test where there is none.
func findNginx(t *testing.T) (binary string) {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if binary, err := exec.LookPath(name); err == nil {
			return binary
		}
	}
	t.Skip("nginx is missing; with nginx-light the guide's configuration is tried")
	return ""
}

// behindNginx starts one with the guide's configuration, below other lines of it, before what serves at an address.
func behindNginx(t *testing.T, upstream string, above ...string) *nginx {
	t.Helper()
	binary := findNginx(t)
	folder, err := os.MkdirTemp("", "qiuzhen-nginx-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	n := &nginx{secure: freePort(t), plain: freePort(t)}
	n.client = &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	n.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certify(t, folder)}}
	write(t, filepath.Join(folder, "qiuzhen.conf"), strings.Join(above, "\n")+n.configure(t, inGuide(t, "proxy_pass"), folder, upstream))
	var lines strings.Builder
	for _, kind := range strings.Fields("client_body proxy fastcgi uwsgi scgi") {
		lines.WriteString(kind + "_temp_path " + filepath.Join(folder, kind) + ";\n")
	}
	write(t, filepath.Join(folder, "nginx.conf"), "daemon off;\nworker_processes 1;\npid "+folder+"/pid;\nerror_log stderr warn;\nevents {}\nhttp {\ngzip on;\naccess_log "+
		folder+"/access.log;\n"+lines.String()+"include "+folder+"/qiuzhen.conf;\n}\n")
	cmd := exec.Command(binary, "-e", "stderr", "-p", folder, "-c", filepath.Join(folder, "nginx.conf"))
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		own(t, folder)
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		stuck := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer stuck.Stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said:\n%s", said.String())
		}
		if log, err := os.ReadFile(filepath.Join(folder, "access.log")); err != nil || len(log) > 0 {
			t.Errorf("nginx notes who came: %s (%v)", log, err)
		}
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", n.secure)
		if err == nil {
			conn.Close()
			return n
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("nginx does not start: %v\n%s", err, said.String())
		}
	}
}

// behindProxy is what is set where there is a proxy, and there alone; nginx and the program are on one machine.
const behindProxy = "trusted_proxies=127.0.0.1"

// ownCertificates lets Chromium take what certify makes.
var ownCertificates = chromedp.Flag("ignore-certificate-errors", true)

// fronted reports whether there is to be a proxy before a program: E2E_PROXY=1 asks for all tests to go through one.
func (p *program) fronted() bool { return os.Getenv("E2E_PROXY") != "" && p.listen == "" }

func (p *program) front() {
	if !p.fronted() {
		return
	}
	n := behindNginx(p.t, p.base)
	http.DefaultTransport = n.client.Transport // what asks without a browser goes through it too
	p.base = "https://" + n.secure
}

// configure makes of the guide's example what it says to make of it, for a place and ports of ours.
func (n *nginx) configure(t *testing.T, text, folder, upstream string) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(n.secure)
	for _, change := range []struct{ from, to string }{
		{"/etc/letsencrypt/live/qiuzhen.example.cn", folder}, {"qiuzhen.example.cn", "localhost"}, {"http://127.0.0.1:8080", upstream},
		{"listen 80;", "listen " + n.plain + ";"}, {"listen 443 ssl;", "listen " + n.secure + " ssl;"}, {"listen [::]:80;", ""}, {"listen [::]:443 ssl;", ""},
		{"Host $host;", "Host $host:$server_port;"}, {"https://$host$request_uri", "https://$host:" + port + "$request_uri"},
	} {
		if !strings.Contains(text, change.from) {
			t.Fatalf("the guide's configuration has no %q", change.from)
		}
		text = strings.ReplaceAll(text, change.from, change.to)
	}
	n.secure, n.plain = "localhost:"+port, strings.Replace(n.plain, "127.0.0.1", "localhost", 1)
	return text
}

// certify makes a certificate for localhost.
func certify(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, filepath.Join(folder, "fullchain.pem"), string(chain))
	write(t, filepath.Join(folder, "privkey.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return pool
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// own gives a folder to who is nobody.
func own(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append([]string{folder}, names(folder, entries)...) {
		if err := os.Chown(path, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
}

func names(folder string, entries []os.DirEntry) (paths []string) {
	for _, e := range entries {
		paths = append(paths, filepath.Join(folder, e.Name()))
	}
	return paths
}

func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
