package schema

import (
	"strings"

	"rollcall/desk"
)

// Scanner reads the words and literals of a filter.
type Scanner struct {
	Text string
	At   int // where to read on, in bytes
}

// Blanks are the characters that separate words.
const Blanks = " \t\r\n"

func (s *Scanner) space() {
	for s.At < len(s.Text) && strings.IndexByte(Blanks, s.Text[s.At]) >= 0 {
		s.At++
	}
}

// Peek returns the word at the current position: all up to a blank, a quote, a bracket or a parenthesis.
func (s *Scanner) Peek() string {
	end := strings.IndexAny(s.Text[s.At:], Blanks+"\"()[]")
	if end < 0 {
		return s.Text[s.At:]
	}
	return s.Text[s.At : s.At+end]
}

func (s *Scanner) next(c byte) bool {
	if s.At < len(s.Text) && s.Text[s.At] == c {
		s.At++
		return true
	}
	return false
}

// Literal reads a value: a string, a bool, or nil for null. What stands without quotes is a string.
func (s *Scanner) Literal() (any, error) {
	start := s.At
	if s.next('"') {
		for s.At < len(s.Text) {
			switch s.Text[s.At] {
			case '\\':
				s.At++
			case '"':
				s.At++
				value, _, _, err := desk.ParseJSON(s.Text[start:s.At])
				if text, _ := value.(string); err != nil || strings.ContainsRune(text, 0) {
					return nil, invalidFilter("the filter has a malformed string at position %d", start)
				}
				return value, nil
			}
			s.At++
		}
		return nil, invalidFilter("the filter has a string without end at position %d", start)
	}
	word := s.Peek()
	s.At += len(word)
	switch strings.ToLower(word) {
	case "":
		return nil, invalidFilter("the filter lacks a value at position %d", start)
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	if word[0] == '{' {
		return nil, invalidFilter("the filter has an object for a value at position %d", start)
	}
	// Microsoft's pages print values without quotes, others put single ones.
	if len(word) > 1 && word[0] == '\'' && word[len(word)-1] == '\'' {
		word = word[1 : len(word)-1]
	}
	return word, nil
}

// bracket reads up to the closing bracket, past quoted text.
func (s *Scanner) bracket() (string, bool) {
	inner, _, ok := CutBracket(s.Text[s.At:])
	if ok {
		s.At += len(inner) + 1
	}
	return inner, ok
}

// CutBracket cuts text at the first closing bracket outside quotes.
func CutBracket(text string) (inner, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ']' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}

var operators = map[string]desk.Op{
	"eq": desk.Eq, "ne": desk.Ne, "co": desk.Contains, "sw": desk.Starts, "ew": desk.Ends,
	"gt": desk.Greater, "ge": desk.GreaterE, "lt": desk.Less, "le": desk.LessE, "pr": desk.Present,
}

// Operator returns the operator that a word in any case stands for.
func Operator(word string) (op desk.Op, ok bool) {
	op, ok = operators[strings.ToLower(word)]
	return op, ok
}
