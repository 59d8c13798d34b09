package sendertest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"time"

	"qiuzhen/broadcast"
)

// SMTP is a small mail server: STARTTLS with a certificate of its own, AUTH PLAIN, the enhanced codes of RFC 3463.
type SMTP struct {
	Host           string
	Port           int
	User, Password string
	Plain          bool // offers no STARTTLS
	Roots          *x509.CertPool

	listener net.Listener
	cert     tls.Certificate
	running  sync.WaitGroup
	ended    chan struct{}

	mu      sync.Mutex
	replies map[string]string // to the next command that begins so, instead of what is due
	fault   Fault
	armed   bool // fault is the line's
	letters []Letter
}

// Letter is an e-mail that was taken.
type Letter struct {
	To      string
	Header  mail.Header
	Subject string
	Text    string
	Secure  bool // came over TLS
}

// NewSMTP starts one.
func NewSMTP() (*SMTP, error) {
	web := httptest.NewTLSServer(nil) // for its certificate, which holds 127.0.0.1
	defer web.Close()
	s := &SMTP{
		User: "push", Password: "correct-horse-battery", Roots: x509.NewCertPool(), cert: web.TLS.Certificates[0],
		ended: make(chan struct{}), replies: map[string]string{},
	}
	s.Roots.AddCert(web.Certificate())
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	address := s.listener.Addr().(*net.TCPAddr)
	s.Host, s.Port = address.IP.String(), address.Port
	s.running.Go(s.accept)
	return s, nil
}

// Close ends it.
func (s *SMTP) Close() {
	close(s.ended)
	_ = s.listener.Close()
	s.running.Wait()
}

func (s *SMTP) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.running.Go(func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			(&session{server: s, conn: conn, in: bufio.NewReader(conn)}).serve()
		})
	}
}

// Reply makes the next command that begins with these letters get this reply.
func (s *SMTP) Reply(command, reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[command] = reply
}

// session is one connection.
type session struct {
	server *SMTP
	conn   net.Conn
	in     *bufio.Reader
	secure bool
	known  bool // the password was right
	to     []string
}

func (c *session) say(line string) { fmt.Fprint(c.conn, line+"\r\n") }

func (c *session) serve() {
	c.say("220 mail.example.cn ESMTP")
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		command := strings.ToUpper(line)
		if !strings.HasPrefix(command, "DATA") { // whose reply comes after the letter
			if reply, ok := c.server.ordered(command); ok {
				c.say(reply)
				continue
			}
		}
		if f, ok := c.server.breaks(command); ok && !c.breakAt(f) {
			return
		}
		if !c.do(command, line) {
			return
		}
	}
}

func (s *SMTP) ordered(command string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for prefix, reply := range s.replies {
		if strings.HasPrefix(command, prefix) {
			delete(s.replies, prefix)
			return reply, true
		}
	}
	return "", false
}

// breaks: the line's faults come when the recipient is named, but Cut, which comes when the letter was taken.
func (s *SMTP) breaks(command string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.armed || s.fault == Cut || !strings.HasPrefix(command, "RCPT") {
		return 0, false
	}
	s.armed = false
	return s.fault, true
}

// breakAt reports whether the session goes on.
func (c *session) breakAt(f Fault) bool {
	switch f {
	case Hang:
		select {
		case <-c.gone():
		case <-c.server.ended:
		}
	case Garbage:
		c.say("<html>" + strings.Join([]string{c.server.User, c.server.Password, fmt.Sprint(c.to)}, " ") + " 网关</html>")
	}
	return false
}

// gone is closed when the other side hangs up.
func (c *session) gone() <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = c.in.ReadByte()
	}()
	return over
}

func (c *session) do(command, line string) bool {
	s := c.server
	verb, _, _ := strings.Cut(command, " ")
	switch {
	case verb == "EHLO":
		c.say("250-mail.example.cn")
		if !c.secure && !s.Plain {
			c.say("250-STARTTLS")
		} else {
			c.say("250-AUTH PLAIN LOGIN")
		}
		c.say("250-8BITMIME")
		c.say("250 ENHANCEDSTATUSCODES")
	case verb == "STARTTLS" && !s.Plain:
		c.say("220 2.0.0 go on")
		secured := tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12})
		if secured.Handshake() != nil {
			return false
		}
		c.conn, c.in, c.secure = secured, bufio.NewReader(secured), true
	case verb == "AUTH":
		c.authenticate(line)
	case verb == "QUIT":
		c.say("221 2.0.0 bye")
		return false
	case verb == "RSET" || verb == "NOOP":
		c.to = nil
		c.say("250 2.0.0 ok")
	case !c.known:
		c.say("530 5.7.0 authentication required")
	case verb == "MAIL":
		c.to = nil
		c.say("250 2.1.0 ok")
	case verb == "RCPT":
		_, address, _ := strings.Cut(line, "<")
		address, _, _ = strings.Cut(address, ">")
		c.to = append(c.to, address)
		c.say("250 2.1.5 ok")
	case verb == "DATA" && len(c.to) > 0:
		return c.data()
	default:
		c.say("503 5.5.1 not now")
	}
	return true
}

func (c *session) authenticate(line string) {
	_, given, _ := strings.Cut(line[5:], " ")
	plain, _ := base64.StdEncoding.DecodeString(given)
	want := "\x00" + c.server.User + "\x00" + c.server.Password
	if c.known = string(plain) == want; !c.known {
		c.say("535 5.7.8 bad credentials " + strings.ReplaceAll(string(plain), "\x00", " "))
		return
	}
	c.say("235 2.7.0 ok")
}

func (c *session) data() bool {
	c.say("354 go on")
	var raw bytes.Buffer
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	if reply, ok := c.server.ordered("DATA"); ok {
		c.say(reply)
		return true
	}
	letters, err := read(raw.Bytes(), c.to, c.secure)
	if err != nil {
		c.say("554 5.6.0 not an e-mail")
		return true
	}
	s := c.server
	s.mu.Lock()
	s.letters = append(s.letters, letters...)
	cut := s.armed && s.fault == Cut
	s.armed = s.armed && !cut
	n := len(s.letters)
	s.mu.Unlock()
	if cut {
		fmt.Fprint(c.conn, "25")
		return false
	}
	c.say(fmt.Sprintf("250 2.0.0 queued as %d", n))
	return true
}

func read(raw []byte, to []string, secure bool) (letters []Letter, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	body := m.Body
	if strings.EqualFold(m.Header.Get("Content-Transfer-Encoding"), "base64") {
		body = base64.NewDecoder(base64.StdEncoding, m.Body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	for _, one := range to {
		letters = append(letters, Letter{one, m.Header, subject, strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), secure})
	}
	return letters, err
}

// Letters are those that were taken.
func (s *SMTP) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter(nil), s.letters...)
}

// To is a mailbox.
func (*SMTP) To() string { return "wangge@tongzhou.example.cn" }

// Arm makes the next e-mail meet a fault.
func (s *SMTP) Arm(f Fault) bool {
	echo := " " + s.Password + " wangge@tongzhou.example.cn 白酒"
	switch f {
	case Limited:
		s.Reply("MAIL", "421 4.7.0 too many connections"+echo)
	case Gone:
		s.Reply("RCPT", "550 5.1.1 no such user"+echo)
	case Refused:
		s.Reply("DATA", "554 5.7.1 refused for its content"+echo)
	case ErrorInside: // when all seems well
		s.Reply("DATA", "452 4.3.1 no room"+echo)
	case Busy:
		s.Reply("RCPT", "451 4.7.1 come again"+echo)
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fault, s.armed = f, true
	}
	return true
}

// Limit is what Limited asks for: the server names no time.
func (*SMTP) Limit() broadcast.RetryError { return broadcast.RetryError{After: time.Minute} }

// Text is a text of n characters.
func (*SMTP) Text(n int) string { return Runes(n) }

// Arrived are the e-mails.
func (s *SMTP) Arrived() (all []Arrival) {
	for _, l := range s.Letters() {
		key, _, _ := strings.Cut(strings.Trim(l.Header.Get("Message-ID"), "<>"), "@")
		all = append(all, Arrival{l.To, l.Text, key})
	}
	return all
}

// Secrets are the account's.
func (s *SMTP) Secrets() []string {
	return []string{s.Password, base64.StdEncoding.EncodeToString([]byte("\x00" + s.User + "\x00" + s.Password))}
}
