package portal

// What is said of events.
var (
	Why      = why
	Happened = happened
)
