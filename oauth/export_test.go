package oauth

var WriteError = writeError
