package registry

// Revision is that of the newest snapshot, 0 before the first complete one.
func (r *Registry) Revision() uint64 {
	if s := r.Snapshot(); s != nil {
		return s.Schemas.Revision()
	}
	return 0
}
