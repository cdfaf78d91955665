package filter

// Name is the name of a field of an event.
type Name uint8

// The fields of an event. The zero Name is not valid.
const (
	Application Name = iota + 1
	EventID
	SessionID
	Category
	EventName
	Type
	Timestamp
	ReceivedAt
	SchemaVersion
	Data
)

var names = [...]string{
	Application: "application", EventID: "event_id", SessionID: "session_id", Category: "category", EventName: "name",
	Type: "type", Timestamp: "timestamp", ReceivedAt: "received_at", SchemaVersion: "schema_version", Data: "data",
}

// String returns the name as filters spell it.
func (n Name) String() string { return names[n] }

// IsTime reports whether the field is an instant.
func (n Name) IsTime() bool { return n == Timestamp || n == ReceivedAt }

// IsText reports whether every value of the field is a text that is no time.
func (n Name) IsText() bool { return n >= Application && n <= Type }

// TypeSeparator stands between the category and the name in the text of field Type.
const TypeSeparator = " / "

// Field is a field of an event, or a value within its data.
type Field struct {
	Name Name
	// Path is that below Data; it is empty for every other name.
	Path Path
}

// String returns the canonical spelling, which ParseField reads back.
func (f Field) String() string { return string(f.Path.appendText([]byte(f.Name.String()))) }

// ParseField parses a field. The error is an *Error.
func ParseField(text string) (Field, error) {
	p := &parser{text: text}
	if err := p.checkText(); err != nil {
		return Field{}, err
	}
	f, err := p.parseField()
	if err == nil && p.at < len(text) {
		err = p.errorf(p.at, "%s", fieldEnd(f))
	}
	if err != nil {
		return Field{}, err
	}
	return f, nil
}
