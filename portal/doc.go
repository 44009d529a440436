// Package portal is the web pages in which agents and administrators see who is synced, when, and why, and act on it.
//
// A page is a route (portal.go), a handler in a file named for the page, and a template of that name. Handlers ask the engine and
// fill a struct; templates write it, with the functions of parts.go and the parts of templates/parts.html. A form is posted, does
// its work, and leads on with Handler.done, or is shown again with what is wrong by Handler.showAgain. Who may open a page stands in
// its route. A form that was sent after its agent's session had ended is handled like any other once the agent has signed in, but in
// a context in which nothing is written (unsent.go), so that its handler shows it again: what was typed must then stand in it.
//
// Pages work without JavaScript. With it, htmx (static/htmx.js, version 4.0.1) asks for the same page again and puts a part of the
// answer in place, so that no handler knows of it:
//
//	<div id="results" data-live hx-get="/contacts?…" hx-sync="drop" hx-trigger="every 3s" hx-select="#results" hx-swap="outerMorph">   renews itself
//	<form hx-get="/contacts" hx-trigger="input delay:250ms, submit" hx-sync="#results:replace" hx-target="#results" hx-select="#results"
//	      hx-swap="outerMorph" hx-replace-url="true">                                                                   searches as one types
//
// Rows that renew have ids, by which they are recognised. Attributes that would evaluate code do not work: the
// Content-Security-Policy allows none. What else there is of script stands in static/portal.js: buttons that copy a field
// (data-copy), boxes that choose all rows (data-all), choices that submit their form (data-submit), forms that are not left without
// a question once something in them has changed (data-unsaved), and that a second click does not send a form again. One that would
// make something again has the field {{once}}, by which Handler.sentBefore knows it.
//
// The stylesheet's classes are few: .head, .tabs, .filters and .search above a list; table.list in .scroll, whose cells have a
// data-label for phones; .card, .columns, .cards; dl.facts; .badge, .dot, .mark; .field, .option; .notice, .empty, .pager.
package portal
