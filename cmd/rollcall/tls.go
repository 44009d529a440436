package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"rollcall/desk"
)

// tlsFlags say whether and how the server speaks TLS itself.
type tlsFlags struct {
	Cert string `name:"tls-cert" help:"File with the certificate and those above it, in PEM; read anew when it changes. With --tls-key the server speaks HTTPS." env:"ROLLCALL_TLS_CERT" placeholder:"FILE"`
	Key  string `name:"tls-key" help:"File with the certificate's private key." env:"ROLLCALL_TLS_KEY" placeholder:"FILE"`

	Domain string `name:"acme-domain" help:"Get certificates for these names, separated by commas, from an ACME authority, and serve HTTPS with them. The authority must reach the server at port 443 of the names." env:"ROLLCALL_ACME_DOMAIN" placeholder:"NAME"`
	Cache  string `name:"acme-cache" help:"Folder in which certificates and their keys are kept." default:"acme" env:"ROLLCALL_ACME_CACHE" placeholder:"DIR"`
	Server string `name:"acme-server" help:"The authority's directory; Let's Encrypt if left out." env:"ROLLCALL_ACME_SERVER" placeholder:"URL"`
}

// config returns how to speak TLS, nil for not at all.
func (f *tlsFlags) config(log *slog.Logger) (*tls.Config, error) {
	switch {
	case f.half() != nil:
		return nil, f.half()
	case f.Cert != "" && f.Domain != "":
		return nil, errors.New("give either --tls-cert or --acme-domain")
	case f.Cert != "":
		pair := &keyPair{cert: f.Cert, key: f.Key, log: log}
		if err := pair.load(); err != nil {
			return nil, err
		}
		return secure(&tls.Config{GetCertificate: pair.certificate, NextProtos: []string{"h2", "http/1.1"}}), nil // #nosec G402 -- secure sets it
	case f.Domain != "":
		if err := writable(f.Cache); err != nil {
			return nil, fmt.Errorf("ACME cache: %w", err)
		}
		manager := &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(f.Cache), HostPolicy: autocert.HostWhitelist(f.names()...), Client: &acme.Client{DirectoryURL: f.Server},
		}
		return secure(manager.TLSConfig()), nil
	}
	return nil, nil
}

// half is the error of a certificate without a key, or the reverse.
func (f *tlsFlags) half() error {
	switch {
	case f.Cert != "" && f.Key == "":
		return errors.New("--tls-cert is given without --tls-key; give both, the key being the file with the certificate's private key")
	case f.Cert == "" && f.Key != "":
		return errors.New("--tls-key is given without --tls-cert; give both, the certificate being the file with it and those above it")
	}
	return nil
}

// url returns where the server that listens on an address is reached, as far as that is known.
func (f *tlsFlags) url(listens net.Addr) string {
	port := listens.(*net.TCPAddr).Port
	switch {
	case f.Domain != "":
		return "https://" + f.names()[0]
	case f.Cert != "":
		return fmt.Sprintf("https://localhost:%d", port)
	}
	return fmt.Sprintf("http://localhost:%d", port)
}

// names are those for which certificates are asked.
func (f *tlsFlags) names() []string {
	var names []string
	for name := range strings.SplitSeq(f.Domain, ",") {
		names = append(names, strings.ToLower(strings.TrimSpace(name)))
	}
	return names
}

// secure allows what Entra offers and is good: TLS 1.3, and of TLS 1.2 the suites with forward secrecy and authenticated encryption.
func secure(config *tls.Config) *tls.Config {
	config.MinVersion = tls.VersionTLS12
	config.CipherSuites = []uint16{ // of TLS 1.2; those of 1.3 are all good
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	return config
}

// writable makes a folder for its owner alone, and reports whether files can be written there: a certificate that could not be kept
// would be asked for at each start, until the authority refuses.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".try-*")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// keyPair is a certificate in files, which whoever renews it writes anew.
type keyPair struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	looked  time.Time
	version [2]fileVersion
}

type fileVersion struct {
	modified time.Time
	size     int64
}

// lookEvery is how often the files are looked at.
const lookEvery = time.Second

// certificate returns the newest certificate that can be used. Files that do not fit each other, as while one of them is
// written, are tried again.
func (p *keyPair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.looked) >= lookEvery {
		p.looked = now
		if p.versions() != p.version {
			if err := p.read(); err != nil {
				p.log.Error("the new TLS certificate cannot be used; the one before it still is", "error", err)
			} else {
				p.log.Info("new TLS certificate", "expires", p.loaded.Leaf.NotAfter)
			}
		}
	}
	return p.loaded, nil
}

// load reads the files for the first time.
func (p *keyPair) load() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read()
}

func (p *keyPair) read() error {
	version := p.versions() // taken before, so that a change in between is seen the next time
	loaded, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("TLS certificate %s: %w", filepath.Base(p.cert), err)
	}
	p.loaded, p.version = &loaded, version
	return nil
}

func (p *keyPair) versions() (v [2]fileVersion) {
	for i, name := range []string{p.cert, p.key} {
		if info, err := os.Stat(name); err == nil {
			v[i] = fileVersion{info.ModTime(), info.Size()}
		}
	}
	return v
}

// strict tells browsers to come by HTTPS from now on.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}

// serverErrors logs what net/http has to say. Handshakes that fail are those of whoever scans the network: they are no errors of
// the server's, and name addresses.
type serverErrors struct{ log *slog.Logger }

func (e serverErrors) Write(line []byte) (int, error) {
	level, text := slog.LevelWarn, strings.TrimSpace(string(line))
	if strings.HasPrefix(text, "http: TLS handshake error") {
		level, text = slog.LevelDebug, "TLS handshake"
	}
	e.log.Log(context.Background(), level, text)
	return len(line), nil
}

// diagnose says how the certificates do with which the server speaks HTTPS itself, nothing where it does not.
func (f *tlsFlags) diagnose(publicURL string, now time.Time) (list []desk.Finding) {
	add := func(name string, h desk.Health, format string, args ...any) {
		list = append(list, desk.Found("certificate of "+name, h, format, args...))
	}
	judge := func(name, host string, leaf *x509.Certificate, renewed time.Duration, renew string) {
		switch left := leaf.NotAfter.Sub(now); {
		case left <= 0:
			add(name, desk.HealthFailing, "expired at %s; %s", desk.Moment(leaf.NotAfter), renew)
		case now.Before(leaf.NotBefore):
			add(name, desk.HealthFailing, "is good from %s on; look at this machine's clock", desk.Moment(leaf.NotBefore))
		case host != "" && leaf.VerifyHostname(host) != nil:
			add(name, desk.HealthFailing, "is not for %s; get one that is, or mend --public-url", host)
		case left < renewed:
			add(name, desk.HealthAttention, "expires at %s; %s", desk.Moment(leaf.NotAfter), renew)
		default:
			add(name, desk.HealthOK, "until %s", desk.Moment(leaf.NotAfter))
		}
	}
	const day = 24 * time.Hour
	switch {
	case f.half() != nil:
		add(filepath.Base(cmp.Or(f.Cert, f.Key)), desk.HealthFailing, "cannot be used: %v", f.half())
	case f.Cert != "":
		host := ""
		if u, err := url.Parse(publicURL); err == nil {
			host = u.Hostname()
		}
		if pair, err := tls.LoadX509KeyPair(f.Cert, f.Key); err != nil {
			add(filepath.Base(f.Cert), desk.HealthFailing, "cannot be used: %v; give --tls-cert and --tls-key, in PEM and of one another", err)
		} else {
			judge(filepath.Base(f.Cert), host, pair.Leaf, 14*day, "write a new one into the files, the server reads it by itself")
		}
	case f.Domain != "":
		for _, name := range f.names() {
			kept, err := os.ReadFile(filepath.Join(f.Cache, name)) // #nosec G304 -- the operator names folder and host
			if errors.Is(err, fs.ErrNotExist) {
				add(name, desk.HealthAttention, "there is none yet; the server gets it when the first client comes")
				continue
			}
			pair, broken := tls.X509KeyPair(kept, kept) // both are in it, as autocert keeps them
			if err = errors.Join(err, broken); err != nil {
				add(name, desk.HealthFailing, "cannot be used: %v; take the file out of %s, and the server gets another", err, f.Cache)
				continue
			}
			judge(name, name, pair.Leaf, 21*day, "the server renews it a month before, when a client comes: look whether the authority reaches its port 443, and into its log")
		}
	}
	return list
}
