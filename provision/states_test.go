package provision_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/provision"
)

// life is what a person's life so far has come to: what each of two directories holds, and where the contact rests.
type life struct {
	a, b    string // "", "active" or "inactive"
	contact string // "", "active", or by whom it was deleted: "agent" or "directory"
}

// actions are what directories and agents can do. Those of a directory name it after the blank.
var actions = []string{
	"push a", "deactivate a", "activate a", "edit a", "delete a",
	"push b", "deactivate b", "activate b", "edit b", "delete b",
	"agent deletes", "agent restores", "agent erases",
}

// after is the model: the table of events, said once more in other words. refused is the kind of error that is due.
func (l life) after(action string) (next life, refused desk.Kind) {
	next = l
	verb, directory, _ := strings.Cut(action, " ")
	own, other := &next.a, l.b
	if directory == "b" {
		own, other = &next.b, l.a
	}
	letGo := func() {
		if l.contact == "active" && other != "active" {
			next.contact = "directory"
		}
	}
	switch {
	case verb == "agent" && l.contact == "":
		return l, desk.NotFound
	case action == "agent deletes":
		if l.contact == "active" {
			next.contact = "agent"
		}
	case action == "agent restores":
		next.contact = "active"
	case action == "agent erases":
		if l.contact == "active" {
			return l, desk.Conflict
		}
		next = life{}
	case verb == "push":
		if *own == "active" {
			return l, desk.Uniqueness
		}
		*own, next.contact = "active", "active"
	case *own == "":
		return l, desk.NotFound
	case verb == "deactivate":
		if *own == "active" {
			*own = "inactive"
			letGo()
		}
	case verb == "activate":
		if *own == "inactive" {
			*own, next.contact = "active", "active"
		}
	case verb == "edit":
		if *own == "active" {
			next.contact = "active"
		}
	case verb == "delete":
		*own = ""
		letGo()
	}
	return next, ""
}

// TestLives goes through every state that six steps can lead to, does everything there that can be done, and holds what
// comes of it against the model. A ticket follows its contact.
func TestLives(t *testing.T) {
	type path []string
	reached := map[life]path{{}: nil}
	var steps []path // each with the action to be tried last
	for frontier := []life{{}}; len(frontier) > 0; {
		var further []life
		for _, l := range frontier {
			if len(reached[l]) == 6 {
				continue
			}
			for _, action := range actions {
				steps = append(steps, append(append(path{}, reached[l]...), action))
				next, _ := l.after(action)
				if _, known := reached[next]; !known {
					reached[next] = steps[len(steps)-1]
					further = append(further, next)
				}
			}
		}
		frontier = further
	}
	if len(reached) < 20 || len(steps) < 250 {
		t.Fatalf("%d states, %d steps", len(reached), len(steps))
	}
	both(t, func(w *world) {
		for n, path := range steps {
			p := &protagonist{world: w, name: fmt.Sprintf("p%d", n), users: map[string]string{}}
			l := life{}
			for _, action := range path {
				next, refused := l.after(action)
				before := p.events()
				if kind := desk.KindOf(p.do(action)); kind != refused {
					w.Fatalf("%v: %s is answered with %q, want %q", path, action, kind, refused)
				}
				if got := p.life(); got != next {
					w.Fatalf("%v: %s leads from %+v to %+v, want %+v", path, action, l, got, next)
				}
				if wrote := p.events() - before; next != l && next.contact != "" && wrote != 1 {
					w.Fatalf("%v: %s left %d events", path, action, wrote)
				}
				l = next
			}
		}
	})
}

// protagonist is the person of one life.
type protagonist struct {
	*world
	name    string
	users   map[string]string // SCIM ids by connection
	contact string            // id
	ticket  string            // id
	edits   int
}

func (p *protagonist) do(action string) error {
	verb, directory, _ := strings.Cut(action, " ")
	actor := p.world.a
	if directory == "b" {
		actor = p.world.b
	}
	id := p.users[directory]
	switch verb {
	case "push":
		u, err := p.CreateUser(p.ctx(), actor, user(p.name, "externalId", "x-"+p.name))
		if err != nil {
			return err
		}
		p.users[directory] = u.ID
		if p.contact == "" {
			p.contact = *u.ContactID
			subject := "help"
			ticket, err := p.CreateTicket(p.ctx(), p.agent, *u.ContactID, provision.TicketEdit{Subject: &subject})
			p.must(err)
			p.ticket = ticket.ID
		} else if *u.ContactID != p.contact {
			p.Fatalf("%s: another contact", p.name)
		}
		return nil
	case "deactivate":
		return p.change(actor, id, "active", false)
	case "activate":
		return p.change(actor, id, "active", true)
	case "edit":
		p.edits++
		return p.change(actor, id, "title", fmt.Sprint(p.edits))
	case "delete":
		return p.DeleteUser(p.ctx(), actor, id, nil)
	}
	switch action {
	case "agent deletes":
		return p.DeleteContact(p.ctx(), p.agent, p.contact, nil)
	case "agent restores":
		_, err := p.RestoreContact(p.ctx(), p.agent, p.contact, nil)
		return err
	}
	err := p.EraseContact(p.ctx(), p.agent, p.contact, nil)
	if err == nil {
		p.contact, p.ticket = "", ""
	}
	return err
}

// life reads what the databases hold.
func (p *protagonist) life() (l life) {
	for directory, state := range map[string]*string{"a": &l.a, "b": &l.b} {
		actor := p.world.a
		if directory == "b" {
			actor = p.world.b
		}
		u, err := p.User(p.ctx(), actor, p.users[directory])
		switch {
		case desk.KindOf(err) == desk.NotFound:
		case err != nil:
			p.Fatal(err)
		case u.Active:
			*state = "active"
		default:
			*state = "inactive"
		}
	}
	if p.contact == "" {
		return l
	}
	c := p.world.contact(p.contact)
	if l.contact = string(c.Status); c.Status == desk.SoftDeleted {
		l.contact = string(c.DeletedBy)
	}
	ticket, err := p.Ticket(p.ctx(), p.agent, p.ticket)
	p.must(err)
	if ticket.Spam != (c.Status == desk.SoftDeleted) {
		p.Fatalf("%s: contact %s, ticket's spam %v", p.name, c.Status, ticket.Spam)
	}
	return l
}

// events counts those of the contact, without the ticket's.
func (p *protagonist) events() (n int) {
	if p.contact == "" {
		return 0
	}
	list, err := p.ContactEvents(p.ctx(), p.agent, p.contact, "", 1000)
	p.must(err)
	for _, e := range list {
		if e.Reason != "ticket" {
			n++
		}
	}
	return n
}
