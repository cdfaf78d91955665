// Package check holds what must stay true of the project as a whole: of the
// deployment files, which no engine is needed to check, of the modules and who
// imports whom, and of the source text.
//
// Each check is a function that returns the faults it finds as sorted lines for
// a person, none if all is well; an error means that it could not look. The
// tests of this package run every check on the project, and on copies with
// planted faults. Nothing imports this module, and it imports no other of the
// project, so that its dependencies reach no binary.
package check
