// Package sample makes up helpdesks with companies and people, for databases to be measured with. The same seed gives the same
// ones. Names are as people have them, domains are under .example, and nobody is real.
//
// Sizes are as uneven as they are in life: one helpdesk has two fifths of all people, half of these in one email domain, and
// the rest follows Zipf's law, helpdesks as well as the companies in them.
package sample
