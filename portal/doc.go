// Package portal is the agents' web pages: who is synced, when, and why. They show contacts; programs change them through
// the JSON API.
//
//	GET  /                   the contacts
//	GET  /contacts           list: status, search
//	GET  /contacts/{id}      one contact: directory and sync, history
//	GET  /signin             sign in with an API token
//	GET  /signin/{secret}    sign in with the one-time link that serve prints
//	POST /signin, /signout
//	GET, POST /oauth/{tenant}/authorize    an administrator's consent to a directory's OAuth client
//
// Pages are html/template, work without JavaScript, and load nothing from elsewhere. Each page has one handler file and one
// template.
package portal
