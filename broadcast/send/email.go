package send

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"qiuzhen/broadcast"
)

const (
	emailChannel = "email"
	emailMost    = 20000 // characters
	subjectRunes = 100
	mailTime     = 30 * time.Second
)

// How the connection to the mail server is kept private.
const (
	StartTLS = "starttls" // has to be offered
	TLS      = "tls"      // from the first byte
	LocalTLS = "local"    // not at all: a relay on this machine
)

// EmailConfig is the mail server that takes our messages.
type EmailConfig struct {
	Host, User, Password string
	Port                 int
	From                 string // with or without a name: 求真 <push@example.cn>
	Unsubscribe          string // mailto: or https: address for who wants no more; empty: the sender's
	Security             string // StartTLS, TLS or LocalTLS
	TLS                  *tls.Config
	Log                  *slog.Logger
}

// Email sends plain text, one message a recipient.
type Email struct {
	EmailConfig
	from        *netmail.Address
	unsubscribe string
}

// NewEmail returns the sender, or what is wrong with its settings.
func NewEmail(c EmailConfig) (*Email, error) {
	from, err := netmail.ParseAddress(c.From)
	switch {
	case err != nil:
		return nil, errors.New("smtp_from: expected an address such as 求真 <push@example.cn>")
	case c.Security != StartTLS && c.Security != TLS && c.Security != LocalTLS:
		return nil, errors.New("smtp_security: expected starttls, tls or local")
	case c.Security == LocalTLS && !isLoopback(c.Host):
		return nil, errors.New("smtp_security: local is for a relay on this machine, such as 127.0.0.1")
	}
	unsubscribe := c.Unsubscribe
	if unsubscribe == "" {
		unsubscribe = "mailto:" + from.Address + "?subject=unsubscribe"
	}
	if strings.ContainsAny(unsubscribe, "<>, \r\n") || !strings.HasPrefix(unsubscribe, "mailto:") && !strings.HasPrefix(unsubscribe, "https://") {
		return nil, errors.New("smtp_unsubscribe: expected mailto:… or https://…")
	}
	if c.TLS == nil {
		c.TLS = &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}
	}
	return &Email{c, from, unsubscribe}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Capabilities are those of any mail server.
func (*Email) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: emailChannel, Rate: broadcast.LimitOf(emailChannel).PerSecond, MaxChars: emailMost}
}

// Send sends a message.
func (e *Email) Send(ctx context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	var none broadcast.Receipt
	if err := fits(m.Text, utf8.RuneCountInString, emailMost, "字"); err != nil {
		return none, err
	}
	to, err := netmail.ParseAddress(m.Delivery.To)
	if err != nil || to.Name != "" {
		return none, permanent("收件人不是电子邮件地址")
	}
	letter, id, err := e.write(to, m)
	if err != nil {
		return none, permanent("这条消息写不成邮件")
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	if err := e.deliver(ctx, letter); err != nil {
		return none, err
	}
	return broadcast.Receipt{ID: id}, nil
}

// write makes the e-mail. Its id is the delivery's, so that a mailbox that knows it may drop a repeat.
func (e *Email) write(to *netmail.Address, m broadcast.Message) (letter *mail.Msg, id string, err error) {
	letter = mail.NewMsg(mail.WithEncoding(mail.EncodingB64), mail.WithNoDefaultUserAgent())
	letter.FromMailAddress(e.from)
	letter.ToMailAddress(to)
	subject, _, _ := strings.Cut(strings.TrimSpace(m.Text), "\n")
	if runes := []rune(strings.TrimSpace(subject)); len(runes) > subjectRunes {
		subject = string(runes[:subjectRunes-1]) + "…"
	}
	letter.Subject(subject)
	_, domain, ok := strings.Cut(e.from.Address, "@")
	if !ok {
		return nil, "", errors.New("no domain")
	}
	id = m.Key + "@" + domain
	letter.SetMessageIDWithValue(id)
	letter.SetDate()
	letter.SetGenHeader(mail.HeaderListUnsubscribe, "<"+e.unsubscribe+">")
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(mail.TypeTextPlain, strings.ReplaceAll(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\n", "\r\n"))
	return letter, id, nil
}

// Check reports whether the server lets us in.
func (e *Email) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	return e.connect(ctx, func(*mail.Client, *smtp.Client) error { return nil })
}

// deliver hands an e-mail to the server.
func (e *Email) deliver(ctx context.Context, letter *mail.Msg) error {
	return e.connect(ctx, func(client *mail.Client, session *smtp.Client) error {
		err := client.SendWithSMTPClient(session, letter)
		if letter.IsDelivered() { // whatever came after
			return nil
		}
		return e.meaning(ctx, err)
	})
}

// connect does something over a connection of its own, which ends with ctx.
func (e *Email) connect(ctx context.Context, do func(*mail.Client, *smtp.Client) error) error {
	hangUp := func() {}
	client, err := e.client(func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := e.dial(dialing, network, address)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			hangUp = func() {
				stop()
				_ = conn.Close()
			}
		}
		return conn, err
	})
	if err != nil {
		return misconfigured(e.Log, emailChannel, "the settings smtp_* make no client")
	}
	defer func() { hangUp() }() // the library leaves a connection open on which it failed
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return e.unreachable(ctx, err)
	}
	if err := do(client, session); err != nil {
		return err
	}
	_ = client.CloseWithSMTPClient(session)
	return nil
}

func (e *Email) client(dial mail.DialContextFunc) (*mail.Client, error) {
	options := []mail.Option{
		mail.WithPort(e.Port), mail.WithTimeout(mailTime), mail.WithTLSConfig(e.TLS), mail.WithDialContextFunc(dial), mail.WithoutNoop(), mail.WithoutRset(),
		mail.WithTLSPolicy(map[string]mail.TLSPolicy{StartTLS: mail.TLSMandatory, TLS: mail.NoTLS, LocalTLS: mail.NoTLS}[e.Security]),
	}
	if e.Security == TLS {
		options = append(options, mail.WithSSL())
	}
	if e.User != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthPlain, mail.SMTPAuthLogin), mail.WithUsername(e.User), mail.WithPassword(e.Password))
	}
	return mail.NewClient(e.Host, options...)
}

func (e *Email) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if e.Security == TLS {
		return (&tls.Dialer{Config: e.TLS}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// unreachable is what it means that no session was begun; nothing was taken. The server's words may repeat the password, so they are dropped.
func (e *Email) unreachable(ctx context.Context, err error) error {
	var said *textproto.Error
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return notTaken("%w", ctx.Err())
	case errors.As(err, &said) && said.Code == 421:
		return &broadcast.RetryError{After: time.Minute}
	case errors.As(err, &said) && said.Code >= 500:
		return misconfigured(e.Log, emailChannel, fmt.Sprintf("the mail server does not let us in (code %d): check smtp_user and smtp_password", said.Code))
	case errors.As(err, &said):
		return notTaken("the mail server answers with code %d", said.Code)
	case errors.As(err, &certificate):
		return misconfigured(e.Log, emailChannel, "the mail server's certificate is not trusted")
	case strings.Contains(err.Error(), "does not support STARTTLS"):
		return misconfigured(e.Log, emailChannel, "the mail server offers no STARTTLS; nothing is sent in the clear")
	}
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("the mail server cannot be reached: %w", op) // which Worker knows for nothing sent
	}
	return notTaken("the mail server does not answer as one")
}

// noMailbox are the codes of RFC 3463 for a mailbox that is not there, or disabled. A bare 550 may as well mean that our server is distrusted, and
// must not end everybody's subscription.
var noMailbox = []string{"5.1.1", "5.1.6", "5.1.10", "5.2.1"}

// meaning is what the server's refusal of an e-mail means: 4xx may be taken later, 5xx never.
func (e *Email) meaning(ctx context.Context, err error) error {
	var said *mail.SendError
	if !errors.As(err, &said) || said.ErrorCode() == 0 {
		broke := errors.New("the connection to the mail server broke")
		if ctx.Err() != nil {
			broke = ctx.Err()
		}
		if said != nil && (said.Reason == mail.ErrSMTPMailFrom || said.Reason == mail.ErrSMTPRcptTo) {
			return notTaken("%w", broke) // before the text went out
		}
		return broke
	}
	code, enhanced := said.ErrorCode(), said.EnhancedStatusCode()
	switch {
	case code == 421:
		return &broadcast.RetryError{After: time.Minute}
	case code < 500:
		return notTaken("the mail server answers with code %d %s", code, enhanced)
	case said.Reason == mail.ErrSMTPRcptTo && slices.Contains(noMailbox, enhanced):
		return broadcast.ErrGone
	case said.Reason == mail.ErrSMTPMailFrom:
		return misconfigured(e.Log, emailChannel, fmt.Sprintf("the mail server takes nothing from smtp_from (code %d)", code))
	}
	return permanent("邮件服务器不收（%s）", strings.TrimSpace(fmt.Sprint(code, " ", enhanced)))
}
