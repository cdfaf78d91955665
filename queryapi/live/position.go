package live

import (
	"errors"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/store"
)

var errPosition = errors.New("not the id of an event of a live stream")

// FormatPosition returns the id of a position: epoch-seq.
func FormatPosition(o store.Origin) string {
	return strconv.FormatInt(o.Epoch, 10) + "-" + strconv.FormatUint(o.Seq, 10)
}

// ParsePosition reads an id that FormatPosition returned.
func ParsePosition(text string) (store.Origin, error) {
	epoch, seq, _ := strings.Cut(text, "-")
	e, err1 := strconv.ParseInt(epoch, 10, 64)
	s, err2 := strconv.ParseUint(seq, 10, 64)
	o := store.Origin{Epoch: e, Seq: s}
	if err1 != nil || err2 != nil || FormatPosition(o) != text {
		return store.Origin{}, errPosition
	}
	return o, nil
}
