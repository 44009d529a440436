// Package companies decides which company a contact belongs to. It does no I/O: the store gathers the facts, [Resolve]
// decides and says why.
//
// A domain is what follows the last @ of an address, in the form in which DNS compares it: lower case, each label in its
// ASCII (punycode) form, no trailing dot. It is compared whole, so that evilacme.com never passes for acme.com.
// A company that lists *.acme.com as well has its subdomains too, unless another listing fits more of the domain; what belongs to
// many by the public suffix list, such as *.co.uk, cannot be listed.
package companies
