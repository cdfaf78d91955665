package store

// ExpectHeld makes the writer read the holders before it inserts, as in a replay.
func (w *Writer) ExpectHeld(yes bool) { w.mostlyHeld.Store(yes) }
