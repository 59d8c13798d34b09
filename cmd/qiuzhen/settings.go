package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"qiuzhen/cap"
	"qiuzhen/eval"
	"qiuzhen/page"
)

// setting is one line of the table that the program, doctor and docs/settings.md read.
type setting struct {
	name     string
	fallback string
	secret   bool   // shown as ***; may be given as a file by NAME_FILE
	env      string // besides QIUZHEN_NAME
	help     string
}

var settingsTable = []setting{
	{name: "database_url", env: "DATABASE_URL", secret: true, help: "Postgres 15+ with pgvector 0.8.3+; empty: a private server in the data folder"},
	{name: "audit_key", secret: true, help: "key of the audit log's chain, at least 32 characters, best kept on another disk; empty: made once into audit.key in the data folder"},
	{name: "city", help: "this city as other cities see it on what it shares (南通市科协); for bundle export"},
	{name: "bundle_key", secret: true, help: "key that bundles are signed with, 64 hexadecimal digits; empty: bundle.key in the data folder, which `qiuzhen bundle key` makes"},
	{name: "fetch_links", fallback: "true", help: "open the page when a message is a link and nothing else: public addresses only, HTML up to 2 MB, 5 seconds"},
	{name: "serve_unsigned", fallback: "false", help: "also serve drafts that nobody has signed, each answer labelled so; for demos and trials only"},
	{name: "listen", fallback: "127.0.0.1:8080", help: "address of qiuzhen serve"},
	{name: "public_url", help: "address that readers see, such as https://qiuzhen.example.cn, for the feed, the sitemap and search engines; empty: links without an address"},
	{name: "cap_sender", help: "who sends CAP alerts: a name that nobody else has, such as qiuzhen@nantong.example; empty: qiuzhen@ and the host of public_url"},
	{name: "trusted_proxies", help: "addresses or CIDR ranges of your own proxies in front of qiuzhen serve, with commas between them (127.0.0.1): their X-Forwarded-For names the browser, and with their X-Forwarded-Proto: https cookies are Secure; empty: nobody is believed"},
	{name: "telegram_token", secret: true, help: "token of a Telegram bot, from @BotFather; empty: no Telegram"},
	{name: "telegram_mode", fallback: "webhook", help: "webhook: Telegram sends to public_url/telegram/webhook over HTTPS; poll: this machine asks, where Telegram cannot reach it (one machine only)"},
	{name: "telegram_secret", secret: true, help: "secret that Telegram sends with each update to the webhook: 16 to 256 letters, digits, _ and -, such as `openssl rand -hex 32` prints"},
	{name: "wechat_app_id", help: "AppID of a WeChat official account; empty: no WeChat"},
	{name: "wechat_app_secret", secret: true, help: "AppSecret of the account"},
	{name: "wechat_token", secret: true, help: "Token of the account's server settings (服务器配置): 3 to 32 letters and digits"},
	{name: "wechat_aes_key", secret: true, help: "EncodingAESKey of the account's server settings: 43 letters and digits; set: safe mode (安全模式), and nothing unencrypted is taken; empty: plain mode"},
	{name: "wechat_service_account", fallback: "false", help: "true for a verified service account, which may send customer messages: answers that come too late for the callback"},
	{name: "wechat_api", fallback: "https://api.weixin.qq.com", help: "address of WeChat's API, or of a stand-in"},
	{name: "wechat_template_id", help: "id of the account's template for broadcasts to readers who have not written for 48 hours; empty: those readers get none"},
	{name: "wechat_template_kind", fallback: "template", help: "template for template messages (模板消息), subscription for subscription messages (订阅通知)"},
	{name: "wechat_template_field", fallback: "thing1", help: "name of the template's field that shows what the broadcast says, at most 20 characters"},
	{name: "smtp_host", help: "mail server that takes our broadcasts; empty: no e-mail"},
	{name: "smtp_port", fallback: "587", help: "its port: 587 for starttls, 465 for tls"},
	{name: "smtp_security", fallback: "starttls", help: "starttls: nothing is sent before the connection is encrypted; tls: encrypted from the first byte; local: not encrypted, for a relay on this machine only"},
	{name: "smtp_user", help: "name of the account there; empty: the server asks for none"},
	{name: "smtp_password", secret: true, help: "its password, or the code that mail providers give to programs (授权码)"},
	{name: "smtp_from", help: "sender's address, with or without a name: 求真 <push@example.cn>"},
	{name: "smtp_unsubscribe", help: "mailto: or https: address for who wants no more; empty: a mail to smtp_from"},
	{name: "media_transcribe_url", help: "base address of an OpenAI-compatible API that transcribes readers' recordings, such as http://127.0.0.1:8000/v1; empty: readers are asked to type"},
	{name: "media_transcribe_key", secret: true, help: "access key of that API"},
	{name: "media_transcribe_model", fallback: "whisper-1", help: "model name that it is asked for"},
	{name: "speech_url", help: "base address of an OpenAI-compatible API that reads answers aloud (/audio/speech), such as http://127.0.0.1:8880/v1, for browsers without a Chinese voice; empty: those have no button for it"},
	{name: "speech_key", secret: true, help: "access key of that API"},
	{name: "speech_model", fallback: "tts-1", help: "model name that it is asked for"},
	{name: "speech_voice", fallback: "alloy", help: "name of the voice that it is asked for; it has to speak Chinese"},
	{name: "telegram_api", help: "address of another server of the Telegram Bot API; empty: Telegram's own"},
	{name: "embedder", fallback: "onnx", help: "onnx (in process), openai (any compatible endpoint), ollama, or none (lexical search only, nothing answered for sure)"},
	{name: "embedder_url", help: "base address of a remote embedder"},
	{name: "embedder_model", help: "model name that a remote embedder is asked for"},
	{name: "embedder_dimensions", fallback: "0", help: "dimensions of a remote embedder's vectors"},
	{name: "embedder_token", secret: true, help: "a remote embedder's access token"},
	{name: "embedder_timeout", fallback: "30s", help: "how long one request to a remote embedder may take"},
	{name: "password", secret: true, help: "your password for commands with --as; empty: asked for"},
	{name: "new_password", secret: true, help: "the password that user add and user passwd set; empty: asked for"},
	{name: "workers", fallback: "0", help: "embeddings computed at once; 0: one a core"},
	{name: "runtime", help: "folder of the parts that scripts/setup fetched; empty: beside the binary, else the cache"},
	{name: "postgres_bin", help: "folder with initdb and postgres to use instead of the fetched ones"},
	{name: "postgres_user", fallback: "qiuzhen", help: "system user that the private server runs as when the program runs as root"},
	{name: "onnxruntime", help: "ONNX Runtime library to use instead of the fetched one"},
	{name: "target_absent_answered", fallback: "0.03", help: "for eval calibrate: share of messages without an entry that may get an answer"},
	{name: "target_answered_wrongly", fallback: "0.01", help: "for eval calibrate: share of messages with an entry that may get another one as the answer"},
	{name: "target_contrary_answered", fallback: "0.12", help: "for eval calibrate: share of messages saying the contrary of a claim, or another number or subject, that may get an answer"},
	{name: "target_second_wrong", fallback: "0.003", help: "for eval calibrate: share of messages with one claim that may get a wrong second answer"},
	{name: "target_absent_suggested", fallback: "0.5", help: "for eval calibrate: share of messages without an entry that may get suggestions"},
	{name: "target_off_topic_suggested", fallback: "0.05", help: "for eval calibrate: share of messages off topic that may get suggestions"},
	{name: "target_calm_alarmed", fallback: "0.08", help: "for eval calibrate: share of hard look-alikes of danger that may be shown an emergency number"},
	{name: "target_timeless_live", fallback: "0.03", help: "for eval calibrate: share of hard look-alikes of questions on current facts that may be treated as such"},
	{name: "model_dir", help: "folder with the embedding model and its tokenizer to use instead of the fetched ones"},
}

// value is a setting as it holds, and where it came from.
type value struct{ text, origin string }

// settings are the values in force. Errors name the setting and where its value came from.
type settings struct {
	dataDir string
	values  map[string]value
}

// dataFolder is --data, else QIUZHEN_DATA, else /var/lib/qiuzhen as root and $XDG_DATA_HOME/qiuzhen as a user.
func dataFolder(flag string) (string, error) {
	dir := flag
	if dir == "" {
		dir = os.Getenv("QIUZHEN_DATA")
	}
	if dir == "" && os.Geteuid() == 0 {
		dir = "/var/lib/qiuzhen"
	}
	if dir == "" {
		base := os.Getenv("XDG_DATA_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", errors.New("no home folder to keep data in; name one with --data DIR")
			}
			base = filepath.Join(home, ".local", "share")
		}
		dir = filepath.Join(base, "qiuzhen")
	}
	return filepath.Abs(dir)
}

// loadSettings reads flags (name=value), then the environment, then qiuzhen.toml in the data folder.
func loadSettings(dataDir string, flags []string) (*settings, error) {
	s := &settings{dataDir: dataDir, values: map[string]value{}}
	file, err := readSettingsFile(filepath.Join(dataDir, "qiuzhen.toml"))
	if err != nil {
		return nil, err
	}
	given := map[string]string{}
	for _, f := range flags {
		name, v, ok := strings.Cut(f, "=")
		name = strings.ReplaceAll(name, "-", "_")
		if !ok || !knownSetting(name) {
			return nil, usageError{fmt.Errorf("--set %s: expected NAME=VALUE with a name that `qiuzhen doctor` lists", name)}
		}
		given[name] = v
	}
	for _, t := range settingsTable {
		v, err := t.resolve(given, file)
		if err != nil {
			return nil, err
		}
		s.values[t.name] = v
	}
	return s, s.check()
}

func knownSetting(name string) bool {
	return slices.ContainsFunc(settingsTable, func(t setting) bool { return t.name == name })
}

func readSettingsFile(path string) (map[string]string, error) {
	raw := map[string]any{}
	_, err := toml.DecodeFile(path, &raw)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	out := map[string]string{}
	for name, v := range raw {
		if !knownSetting(name) {
			return nil, fmt.Errorf("%s: unknown setting %q; `qiuzhen doctor` lists them", path, name)
		}
		out[name] = fmt.Sprint(v)
	}
	return out, nil
}

func (t setting) resolve(flags, file map[string]string) (value, error) {
	if v, ok := flags[t.name]; ok {
		return value{v, "flag --set"}, nil
	}
	for _, env := range []string{"QIUZHEN_" + strings.ToUpper(t.name), t.env} {
		if env == "" {
			continue
		}
		if v, ok := os.LookupEnv(env); ok && v != "" {
			return value{v, "environment " + env}, nil
		}
		if path := os.Getenv(env + "_FILE"); t.secret && path != "" {
			data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
			if err != nil {
				return value{}, fmt.Errorf("%s_FILE cannot be read: %w", env, err)
			}
			return value{strings.TrimSpace(string(data)), "file of " + env + "_FILE"}, nil
		}
	}
	if v, ok := file[t.name]; ok {
		return value{v, "qiuzhen.toml"}, nil
	}
	return value{t.fallback, "default"}, nil
}

// check refuses values that no command could work with.
func (s *settings) check() error {
	for _, name := range []string{"embedder_dimensions", "workers"} {
		if n, err := strconv.Atoi(s.get(name)); err != nil || n < 0 || n > 4096 {
			return s.invalid(name, "a number from 0 to 4096")
		}
	}
	for _, t := range settingsTable {
		if !strings.HasPrefix(t.name, "target_") {
			continue
		}
		if share, err := strconv.ParseFloat(s.get(t.name), 64); err != nil || !(share >= 0 && share <= 1) {
			return s.invalid(t.name, "a share from 0 to 1")
		}
	}
	if key := s.get("audit_key"); key != "" && len(key) < leastAuditKey {
		return usageError{fmt.Errorf("setting audit_key (from %s) is too short: at least %d characters, such as `openssl rand -hex 32` prints", s.values["audit_key"].origin, leastAuditKey)}
	}
	if _, err := strconv.ParseBool(s.get("fetch_links")); err != nil {
		return s.invalid("fetch_links", "true or false")
	}
	if _, err := strconv.ParseBool(s.get("serve_unsigned")); err != nil {
		return s.invalid("serve_unsigned", "true or false")
	}
	if !publicAddress(s.get("public_url")) {
		return s.invalid("public_url", "an address such as https://qiuzhen.example.cn, without a path")
	}
	if _, err := page.ParseProxies(s.get("trusted_proxies")); err != nil {
		return s.invalid("trusted_proxies", "addresses or CIDR ranges such as 127.0.0.1, 10.0.0.0/8")
	}
	if err := s.checkMedia(); err != nil {
		return err
	}
	if err := s.checkWeChat(); err != nil {
		return err
	}
	if err := s.checkTelegram(); err != nil {
		return err
	}
	if sender := s.get("cap_sender"); sender != "" && cap.ValidSender(sender) != "" {
		return s.invalid("cap_sender", "a name such as qiuzhen@nantong.example, without blanks and commas")
	}
	if err := s.checkSenders(); err != nil {
		return err
	}
	if !slices.Contains([]string{"onnx", "openai", "ollama", "none"}, s.get("embedder")) {
		return s.invalid("embedder", "onnx, openai, ollama or none")
	}
	return nil
}

// publicAddress reports whether links can be made of it; empty is fine.
func publicAddress(address string) bool {
	if address == "" {
		return true
	}
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && !u.ForceQuery
}

func (s *settings) invalid(name, expected string) error {
	v := s.values[name]
	return usageError{fmt.Errorf("setting %s = %q (from %s): expected %s", name, v.text, v.origin, expected)}
}

func (s *settings) get(name string) string { return s.values[name].text }

func (s *settings) number(name string) int {
	n, _ := strconv.Atoi(s.get(name)) // check has seen it
	return n
}

func (s *settings) enabled(name string) bool {
	b, _ := strconv.ParseBool(s.get(name)) // check has seen it
	return b
}

// proxies are the operator's own.
func (s *settings) proxies() page.Proxies {
	p, _ := page.ParseProxies(s.get("trusted_proxies")) // check has seen it
	return p
}

// share is a setting from 0 to 1.
func (s *settings) share(name string) float64 {
	f, _ := strconv.ParseFloat(s.get(name), 64) // check has seen it
	return f
}

// targets are the error rates that calibration aims for.
func (s *settings) targets() eval.Targets {
	return eval.Targets{
		AbsentAnswered: s.share("target_absent_answered"), AnsweredWrongly: s.share("target_answered_wrongly"),
		ContraryAnswered: s.share("target_contrary_answered"), SecondWrong: s.share("target_second_wrong"),
		AbsentSuggested: s.share("target_absent_suggested"), OffTopicSuggested: s.share("target_off_topic_suggested"),
		CalmAlarmed: s.share("target_calm_alarmed"), TimelessLive: s.share("target_timeless_live"),
	}
}

// override sets a value that the mode of running demands (--demo).
func (s *settings) override(name, v, origin string) { s.values[name] = value{v, origin} }
