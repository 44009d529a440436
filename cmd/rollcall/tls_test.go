package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/testkit"
)

// authority signs certificates.
type authority struct {
	testing.TB
	key   *ecdsa.PrivateKey
	cert  *x509.Certificate
	roots *x509.CertPool

	from, until time.Duration // since when, from now, what it signs is good, and for how long
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{TB: t, roots: x509.NewCertPool(), from: -time.Hour, until: 90 * 24 * time.Hour}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.roots.AddCert(a.cert)
	return a
}

// sign returns a certificate of a name, in DER.
func (a *authority) sign(serial int64, name string, key crypto.PublicKey) []byte {
	a.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{name}, NotBefore: time.Now().Add(a.from), NotAfter: time.Now().Add(a.until),
	}, a.cert, key, a.key)
	if err != nil {
		a.Fatal(err)
	}
	return der
}

// write puts a certificate and its key into files.
func (a *authority) write(serial int64, name string, key crypto.Signer, certFile, keyFile string) {
	a.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: a.sign(serial, name, key.Public())}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			a.Fatal(err)
		}
	}
}

// handshake returns the serial number of the certificate that the server shows, and how they speak.
func handshake(p *process, config *tls.Config) (int64, tls.ConnectionState, error) {
	conn, err := tls.Dial("tcp", strings.TrimPrefix(p.base, "https://"), config)
	if err != nil {
		return 0, tls.ConnectionState{}, err
	}
	defer conn.Close()
	state := conn.ConnectionState()
	return state.PeerCertificates[0].SerialNumber.Int64(), state, nil
}

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	modulus, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a.write(2, "localhost", modulus, cert, key)
	p := start(t, testkit.SQLite(t), "--tls-cert", cert, "--tls-key", key)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.roots, ServerName: "localhost"}, ForceAttemptHTTP2: true}}
	get := func(path string) *http.Response {
		t.Helper()
		request, err := http.NewRequest("GET", p.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+p.greeted("Secret token"))
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		return response
	}
	if !strings.HasPrefix(p.greeted("Tenant URL"), "https://localhost:") {
		t.Errorf("the server greets with %s", p.stdout)
	}
	if r := get("/scim/main/entra/Users"); r.StatusCode != 200 || r.ProtoMajor != 2 || r.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %s %v", r.Proto, r.Status, r.Header)
	}

	// What is offered, by version and suite. Entra offers the first three of TLS 1.2.
	offers := func(version, suite uint16) (bool, tls.ConnectionState) {
		_, state, err := handshake(p, &tls.Config{RootCAs: a.roots, ServerName: "localhost", MinVersion: version, MaxVersion: version, CipherSuites: []uint16{suite}})
		return err == nil, state
	}
	for suite, want := range map[uint16]bool{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: true, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: true, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: true,
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256: false, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: false, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: false, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA: false,
	} {
		if got, state := offers(tls.VersionTLS12, suite); got != want || got && state.CipherSuite != suite {
			t.Errorf("%s: %v, want %v", tls.CipherSuiteName(suite), got, want)
		}
	}
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS13: true} {
		if got, _ := offers(version, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256); got != want {
			t.Errorf("%s: %v, want %v", tls.VersionName(version), got, want)
		}
	}

	// New files are used without a restart, and those that cannot be used are not.
	shows := func(want int64) {
		t.Helper()
		var serial int64
		for range 100 {
			var err error
			if serial, _, err = handshake(p, &tls.Config{RootCAs: a.roots, ServerName: "localhost"}); err != nil {
				t.Fatal(err)
			}
			if serial == want {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Errorf("the server shows certificate %d, want %d", serial, want)
	}
	shows(2)
	if err := os.WriteFile(cert, []byte("half a certi"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lookEvery + 100*time.Millisecond)
	shows(2)
	a.write(3, "localhost", curve, cert, key) // of another kind
	shows(3)
	if ok, _ := offers(tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256); !ok {
		t.Error("a suite for the new kind of key is not offered")
	}
	get("/scim/main/entra/Users") // by the connection from before
	if code := p.terminate(); code != 0 || !strings.Contains(p.stderr.String(), "cannot be used") {
		t.Errorf("exit %d, log %s", code, &p.stderr)
	}
}

// TestACME has the program get a certificate from an authority that asks for it by the TLS-ALPN-01 challenge (RFC 8737).
func TestACME(t *testing.T) {
	a := newAuthority(t)
	dir := filepath.Join(t.TempDir(), "cache")
	server := &acmeServer{authority: a}
	ts := httptest.NewServer(server)
	defer ts.Close()
	p := start(t, testkit.SQLite(t), "--acme-domain", "desk.example, other.example", "--acme-cache", dir, "--acme-server", ts.URL)
	if p.greeted("Portal") != "https://desk.example/" {
		t.Errorf("the server greets with %s", p.stdout)
	}
	server.reach = strings.TrimPrefix(p.base, "https://")
	config := &tls.Config{RootCAs: a.roots, ServerName: "desk.example"}
	serial, _, err := handshake(p, config)
	if err != nil {
		t.Fatal(err)
	}
	if again, _, err := handshake(p, config); err != nil || again != serial || server.issued != 1 {
		t.Errorf("then it shows %d, %v; %d certificates were issued", again, err, server.issued)
	}
	if _, _, err := handshake(p, &tls.Config{RootCAs: a.roots, ServerName: "evil.example"}); err == nil || server.issued != 1 {
		t.Error("a certificate is had for any name")
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
	// It is kept, for its owner alone.
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the cache is %v, %v", info, err)
	}
	p = start(t, testkit.SQLite(t), "--acme-domain", "desk.example", "--acme-cache", dir, "--acme-server", ts.URL)
	if again, _, err := handshake(p, config); err != nil || again != serial {
		t.Errorf("after a restart it shows %d, %v", again, err)
	}
}

// acmeServer is an authority that speaks RFC 8555, as much of it as is needed. It trusts signatures, and has one order at a time.
type acmeServer struct {
	*authority
	reach  string // where the names are reached
	name   string // of the order
	key    any    // the account's
	valid  bool
	chain  []byte
	issued int64
}

func (s *acmeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base := "http://" + r.Host
	w.Header().Set("Replay-Nonce", fmt.Sprint(time.Now().UnixNano()))
	var jws struct{ Protected, Payload string }
	json.NewDecoder(r.Body).Decode(&jws)
	decode := func(text string, v any) {
		raw, _ := base64.RawURLEncoding.DecodeString(text)
		json.Unmarshal(raw, v)
	}
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
	state := func(pending string) string {
		if s.valid {
			return "valid"
		}
		return pending
	}
	challenge := func() map[string]any {
		return map[string]any{"type": "tls-alpn-01", "url": base + "/challenge", "token": "token", "status": state("pending")}
	}
	order := func() map[string]any {
		o := map[string]any{"status": state("pending"), "identifiers": []any{map[string]any{"type": "dns", "value": s.name}}, "authorizations": []string{base + "/authz"}, "finalize": base + "/finalize"}
		switch {
		case s.chain != nil:
			o["certificate"] = base + "/cert"
		case s.valid:
			o["status"] = "ready"
		}
		return o
	}
	switch r.URL.Path {
	case "/":
		answer(200, map[string]any{"newNonce": base + "/nonce", "newAccount": base + "/account", "newOrder": base + "/order", "revokeCert": base + "/revoke", "keyChange": base + "/key"})
	case "/nonce":
	case "/account":
		var protected struct{ JWK map[string]string }
		decode(jws.Protected, &protected)
		s.key = protected.JWK
		w.Header().Set("Location", base+"/account/1")
		answer(201, map[string]any{"status": "valid"})
	case "/order":
		var wanted struct{ Identifiers []struct{ Value string } }
		decode(jws.Payload, &wanted)
		s.name, s.valid, s.chain = wanted.Identifiers[0].Value, false, nil
		w.Header().Set("Location", base+"/order/1")
		answer(201, order())
	case "/order/1":
		answer(200, order())
	case "/authz":
		answer(200, map[string]any{"status": state("pending"), "identifier": map[string]any{"type": "dns", "value": s.name}, "challenges": []any{challenge()}})
	case "/challenge":
		s.valid = s.proven()
		answer(200, challenge())
	case "/finalize":
		var wanted struct{ CSR string }
		decode(jws.Payload, &wanted)
		der, _ := base64.RawURLEncoding.DecodeString(wanted.CSR)
		request, err := x509.ParseCertificateRequest(der)
		if err != nil || !s.valid || len(request.DNSNames) != 1 || request.DNSNames[0] != s.name {
			s.Errorf("asked to sign %v, %v", request, err)
		}
		s.issued++
		var chain bytes.Buffer
		for _, der := range [][]byte{s.sign(1000+s.issued, s.name, request.PublicKey), s.cert.Raw} {
			pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der})
		}
		s.chain = chain.Bytes()
		w.Header().Set("Location", base+"/order/1")
		answer(200, order())
	case "/cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(s.chain)
	default:
		s.Errorf("asked for %s", r.URL)
	}
}

// proven looks whether the server at the name has the account's key.
func (s *acmeServer) proven() bool {
	dialer := tls.Dialer{Config: &tls.Config{ServerName: s.name, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}}
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", s.reach)
	if err != nil {
		s.Errorf("challenge: %v", err)
		return false
	}
	defer conn.Close()
	thumbprint := sha256.Sum256(mustJSON(s.key)) // RFC 7638: json sorts the members
	digest := sha256.Sum256([]byte("token." + base64.RawURLEncoding.EncodeToString(thumbprint[:])))
	want, _ := asn1.Marshal(digest[:])
	for _, e := range conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}) {
			return e.Critical && bytes.Equal(e.Value, want)
		}
	}
	return false
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
