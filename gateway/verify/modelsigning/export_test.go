package modelsigning

// Seal gives a statement the root digest of its resources.
func (s *Statement) Seal() { s.Root = s.root() }
