package portal

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/gorilla/mux"
)

//go:embed static
var static embed.FS

// asset is a file that pages load. Its address has a digest of its content, so browsers keep it for good.
type asset struct {
	address, contentType string
	content, zipped      []byte
}

var assets = readAssets()

func readAssets() map[string]asset {
	files, err := static.ReadDir("static")
	if err != nil {
		panic(err) // embedded above
	}
	list := map[string]asset{}
	for _, f := range files {
		content, err := static.ReadFile("static/" + f.Name())
		if err != nil {
			panic(err) // embedded above
		}
		var zipped bytes.Buffer
		w, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		w.Write(content)
		w.Close()
		sum := sha256.Sum256(content)
		list[f.Name()] = asset{
			address:     "/static/" + f.Name() + "?v=" + hex.EncodeToString(sum[:6]),
			contentType: mime.TypeByExtension(path.Ext(f.Name())),
			content:     content, zipped: zipped.Bytes(),
		}
	}
	return list
}

// serveStatic answers a file that pages load.
func serveStatic(w http.ResponseWriter, r *http.Request) {
	a, ok := assets[mux.Vars(r)["file"]]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	content := a.content
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		content = a.zipped
	}
	w.Write(content)
}
