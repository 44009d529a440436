package companies

import "slices"

// freemail are domains at which anybody can have an address, so that no company should list them.
var freemail = []string{
	"126.com", "163.com", "aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com",
	"hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.fr", "icloud.com", "laposte.net", "libero.it", "live.com", "mac.com", "mail.com", "mail.ru",
	"me.com", "msn.com", "naver.com", "orange.fr", "outlook.com", "outlook.de", "outlook.fr", "pm.me", "posteo.de", "proton.me", "protonmail.com", "qq.com", "rediffmail.com",
	"t-online.de", "tutanota.com", "web.de", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.fr", "yandex.com", "yandex.ru", "ymail.com",
	"zoho.com", "zohomail.com",
}

// IsFreemail reports whether a normalised domain is known to give addresses to anybody.
func IsFreemail(domain string) bool {
	_, found := slices.BinarySearch(freemail, domain)
	return found
}
