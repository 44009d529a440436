package sample

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/provision"
)

// Options say how much there shall be.
type Options struct {
	Contacts, Tenants int
	Seed              uint64
	Until             time.Time // before which the last person has come
}

// span is how long the people of a helpdesk have been coming.
const span = 300 * 24 * time.Hour

// Largest is the slug of the largest helpdesk, and Connection that of its connection and of all others'.
const (
	Largest    = "main"
	Connection = "entra"
)

// Helpdesks returns helpdesks with Contacts people in all.
func Helpdesks(o Options) iter.Seq[provision.Filling] {
	return func(yield func(provision.Filling) bool) {
		sizes := o.sizes()
		for i, people := range sizes {
			if people > 0 && !yield(o.helpdesk(i, people)) {
				return
			}
		}
	}
}

// sizes gives the first helpdesk two fifths of all people, and the others shares of the rest as 1 : 1/2 : 1/3 …
func (o Options) sizes() []int {
	sizes := make([]int, max(1, o.Tenants))
	left := o.Contacts
	if len(sizes) > 1 {
		sum := 0.0
		for i := 1; i < len(sizes); i++ {
			sum += 1 / float64(i)
		}
		rest := float64(o.Contacts) * 3 / 5
		for i := 1; i < len(sizes); i++ {
			sizes[i] = int(rest / float64(i) / sum)
			left -= sizes[i]
		}
	}
	sizes[0] = left
	return sizes
}

func (o Options) helpdesk(n, people int) provision.Filling {
	h := provision.Filling{Tenant: Largest, Connection: Connection, Provider: "entra"}
	if n > 0 {
		h.Tenant = "desk-" + strconv.Itoa(n)
	}
	h.Companies = makeCompanies(o.random(n, -1), max(3, people/40))
	h.People = func(yield func(provision.FillPerson) bool) {
		m := maker{companies: h.Companies, taken: map[string]int{}}
		for i := range people {
			m.Rand = o.random(n, i)
			company := m.company()
			if n == 0 && i%2 == 0 {
				company = 0 // the large domain
			}
			p := m.person(n, i, company)
			p.At = o.Until.AddDate(0, 0, -1).Add(-time.Duration(float64(span) * float64(people-i) / float64(people))).UTC().Truncate(time.Microsecond)
			if p.Known {
				p.At = p.At.AddDate(0, 0, 1)
			}
			if !yield(p) {
				return
			}
		}
	}
	return h
}

func (o Options) random(tenant, person int) *rand.Rand {
	return rand.New(rand.NewPCG(o.Seed, uint64(tenant+1)<<32|uint64(person+1))) // #nosec G115 G404 -- cut on purpose: parts of a random number; made-up people, the same for the same seed
}

// makeCompanies returns companies of different names and domains. The last two list one domain both.
func makeCompanies(r *rand.Rand, n int) []provision.FillCompany {
	list := make([]provision.FillCompany, n)
	offset := r.IntN(1 << 16)
	for i := range list {
		at := offset + i
		word := firstWords[at%len(firstWords)] + secondWords[at/len(firstWords)%len(secondWords)]
		trade := trades[at/len(firstWords)/len(secondWords)%len(trades)]
		domain := strings.ToLower(word + "-" + trade)
		list[i] = provision.FillCompany{Name: word + " " + trade, Domains: []string{domain + ".example"}}
		if i%20 == 7 {
			list[i].Domains = append(list[i].Domains, "*."+domain+".example")
		}
	}
	list[n-1].Domains = append(list[n-1].Domains, "joint-venture.example")
	list[n-2].Domains = append(list[n-2].Domains, "joint-venture.example")
	return list
}

// maker makes a helpdesk's people.
type maker struct {
	*rand.Rand
	companies []provision.FillCompany
	taken     map[string]int // how many people have a name in a domain
}

// company draws a company: the nth is about 1/n as likely as the first.
func (m *maker) company() int {
	return min(int(math.Pow(float64(len(m.companies)), m.Float64()))-1, len(m.companies)-1)
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (m *maker) person(tenant, i, company int) provision.FillPerson {
	region := pick(m.Rand, regions)
	given, family, city := pick(m.Rand, region.given), pick(m.Rand, region.family), pick(m.Rand, cities)
	domain := m.companies[company].Domains[0]
	switch x := m.IntN(1000); {
	case x < 40:
		domain = pick(m.Rand, privateDomains) // of no company
	case x < 50:
		domain = "joint-venture.example"
	case x < 80 && len(m.companies[company].Domains) == 2:
		domain = "eu." + domain
	}
	name := plain(given) + "." + plain(family)
	if m.taken[name+"@"+domain]++; m.taken[name+"@"+domain] > 1 {
		name += strconv.Itoa(m.taken[name+"@"+domain])
	}
	address := name + "@" + domain
	hi, lo := m.Uint64(), m.Uint64()
	r := desk.Resource{
		"schemas":           []any{"urn:ietf:params:scim:schemas:core:2.0:User", desk.EnterpriseURN},
		"externalId":        fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(hi>>32), uint16(hi>>16), uint16(hi)&0xfff, uint16(lo>>48)&0x3fff|0x8000, lo&0xffffffffffff), // #nosec G115 -- cut on purpose: parts of a random number
		"userName":          address,
		"active":            m.IntN(100) >= 5,
		"displayName":       given + " " + family,
		"title":             pick(m.Rand, titles),
		"preferredLanguage": city.language,
		"name":              map[string]any{"formatted": given + " " + family, "givenName": given, "familyName": family},
		"emails":            []any{map[string]any{"type": "work", "value": address, "primary": true}},
		"phoneNumbers": []any{
			map[string]any{"type": "work", "value": fmt.Sprintf("%s %07d", city.dial, m.IntN(1e7))},
			map[string]any{"type": "mobile", "value": fmt.Sprintf("%s 9%08d", strings.Fields(city.dial)[0], m.IntN(1e8))},
		},
		"addresses": []any{map[string]any{
			"type": "work", "streetAddress": fmt.Sprintf("%s %d", pick(m.Rand, streets), 1+m.IntN(240)), "locality": city.name, "postalCode": fmt.Sprintf("%05d", m.IntN(1e5)), "country": city.country,
		}},
		desk.EnterpriseURN: map[string]any{"employeeNumber": fmt.Sprintf("E%d%07d", tenant, i), "department": pick(m.Rand, departments)},
	}
	p := provision.FillPerson{Resource: r, Synced: true}
	switch x := m.IntN(100); {
	case x < 8: // whom an agent added, and no directory knows
		p.Known, p.Synced = true, false
	case x < 15:
		p.Known = true
	}
	if m.IntN(50) == 0 {
		p.Tickets = []string{pick(m.Rand, subjects)}
	}
	return p
}

// plain writes a name as it stands in addresses.
func plain(name string) string {
	return strings.ToLower(strings.Map(func(c rune) rune {
		if c < 0x80 {
			if c == '\'' {
				return -1
			}
			return c
		}
		if i := strings.IndexRune(accented, c); i >= 0 {
			return rune(unaccented[len([]rune(accented[:i]))])
		}
		return -1
	}, name))
}

const (
	accented   = "áàâäăąãåçćčđéèêëęěğíîïıłńñňóôöõøřśšşťúûüůýźžżșțßÁÀÂÄÅÇČÉÈÊĞÍÎİŁÑÓÖØŘŠŞŚÚÜŽŻ"
	unaccented = "aaaaaaaacccdeeeeeegiiiilnnnooooorssstuuuuyzzzstsAAAAACCEEEGIIILNOOORSSSUUZZ"
)
