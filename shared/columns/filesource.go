package columns

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/theeye/theeye/shared/query/filter"
)

func (s *fileSource) loadVector(ctx context.Context, v vector) (loaded any, err error) {
	err = guard(func() error {
		file, err := s.parse()
		if err != nil {
			return err
		}
		loaded, err = s.readVector(ctx, file, v)
		return err
	})
	return loaded, err
}

func (s *fileSource) readVector(ctx context.Context, file *parquet.File, v vector) (any, error) {
	switch v {
	case vectorTimestamp:
		return s.readTimes(ctx, file, columnTimestamp)
	case vectorReceived:
		return s.readTimes(ctx, file, columnReceived)
	case vectorExpiry:
		values, err := s.readInts(ctx, file, columnExpires, neverExpires)
		return packExpiry(values), err
	case vectorSlot:
		return s.readSlots(ctx, file)
	case vectorType:
		return s.readTypes(ctx, file)
	case vectorSession:
		return s.readSessions(ctx, file)
	case vectorEventID:
		return s.readEventIDs(ctx, file)
	case vectorSchema:
		return s.readCoded(ctx, file, columnSchema, anyColumn)
	case vectorDocument:
		return s.readCoded(ctx, file, columnDocumentID, inText)
	case vectorErrors:
		return s.readCoded(ctx, file, columnErrors, inText)
	}
	return s.readLeaf(ctx, file, int(v-firstLeaf))
}

func (s *fileSource) readInts(ctx context.Context, file *parquet.File, name string, missing int64) ([]int64, error) {
	c := s.openChunk(ctx, file, name)
	if c == nil {
		return []int64{}, nil
	}
	return c.readInts(missing)
}

// readTimes reads times that every stored event has: damage may read as null.
func (s *fileSource) readTimes(ctx context.Context, file *parquet.File, name string) (*Times, error) {
	times, err := s.readInts(ctx, file, name, missingTime)
	if err == nil && (len(times) != s.meta.rows || slices.Contains(times[:s.meta.stored], missingTime)) {
		err = fmt.Errorf("a stored event has no %s", name)
	}
	return packTimes(times, missingTime), err
}

func (s *fileSource) readSlots(ctx context.Context, file *parquet.File) ([]uint16, error) {
	c, err := s.readCoded(ctx, file, columnSlot, anyColumn)
	if err != nil {
		return nil, err
	}
	byCode := make([]uint16, c.values.Len())
	for code, v := range c.values.All() {
		if code == 0 {
			continue
		}
		n, err := parseInt(v)
		if n -= s.meta.key.FirstSlot(); err != nil || n < 0 || n >= slotsPerDay {
			return nil, fmt.Errorf("slot %d of the day", n)
		}
		byCode[code] = uint16(n)
	}
	return gather(byCode, c.codes.unpackCodes()), nil
}

// readTypes finds the type of each pair of a category and a name.
func (s *fileSource) readTypes(ctx context.Context, file *parquet.File) (any, error) {
	categories, err := s.readCoded(ctx, file, columnCategory, inText)
	if err != nil {
		return nil, err
	}
	names, err := s.readCoded(ctx, file, columnName, inText)
	if err != nil {
		return nil, err
	}
	byType := make(map[Type]uint32, len(s.meta.types))
	for i, t := range s.meta.types {
		byType[t] = uint32(i)
	}
	codes, second := categories.codes.unpackCodes(), names.codes.unpackCodes()
	pairs := make(map[[2]uint32]uint32)
	types := make([]uint32, s.meta.rows)
	last, lastType := [2]uint32{^uint32(0)}, uint32(0)
	for row := range types {
		pair := [2]uint32{codes[row], second[row]}
		if pair != last {
			t, ok := pairs[pair]
			if !ok {
				category, _ := categories.values.ValueOf(pair[0]).TextValue()
				name, _ := names.values.ValueOf(pair[1]).TextValue()
				if t, ok = byType[Type{category, name}]; !ok {
					return nil, fmt.Errorf("type %q / %q is not described", category, name)
				}
				pairs[pair] = t
			}
			last, lastType = pair, t
		}
		types[row] = lastType
	}
	return PackCodes(types), nil
}

func (s *fileSource) readSessions(ctx context.Context, file *parquet.File) (*sessionVector, error) {
	ids, codes := make([][16]byte, 1), make([]uint32, s.meta.rows)
	c := s.openChunk(ctx, file, columnSessionID)
	if c == nil {
		return &sessionVector{ids: ids, codes: PackCodes(codes)}, s.checkSessions(codes)
	}
	d, err := c.readCodes(codes, 1)
	if err == nil {
		err = s.checkSessions(codes)
	}
	if err != nil || d == nil {
		return &sessionVector{ids: ids, codes: PackCodes(codes)}, err
	}
	held := d.Page().Data()
	data, size := held.FixedLenByteArray()
	if size != len(ids[0]) || len(data) != size*d.Len() {
		return nil, errors.New("sessions are no UUIDs")
	}
	for ; len(data) > 0; data = data[size:] {
		ids = append(ids, [16]byte(data))
	}
	codes, used := renumber(codes, len(ids))
	return &sessionVector{ids: gather(ids, used), codes: PackCodes(codes)}, nil
}

// checkSessions returns an error unless each stored row has a session: damage may read
// as null.
func (s *fileSource) checkSessions(codes []uint32) error {
	if slices.Contains(codes[:s.meta.stored], 0) {
		return errors.New("a stored event has no session")
	}
	return nil
}

func (s *fileSource) readEventIDs(ctx context.Context, file *parquet.File) (*Texts, error) {
	ids := newIDs(s.meta.rows)
	c := s.openChunk(ctx, file, columnEventID)
	if c == nil {
		return ids, nil
	}
	err := c.eachPage(func(page parquet.Page, _ []byte, _ int) error {
		held := page.Data()
		data, offsets := held.ByteArray()
		if len(offsets) == 0 {
			return nil
		}
		if uint64(len(ids.bytes))+uint64(len(data)) > 1<<32-1 {
			return errors.New("event ids over 4 GiB")
		}
		for i, offset := range offsets[1:] {
			ids.addID(data[offsets[i]:offset])
		}
		return nil
	})
	if err == nil && ids.Len() != s.meta.rows {
		err = fmt.Errorf("%d event ids", ids.Len())
	}
	return ids, err
}

// readCoded reads a dictionary coded column.
func (s *fileSource) readCoded(ctx context.Context, file *parquet.File, name string, at int) (*coded, error) {
	var columns [columnsPerPath]string
	columns[max(at, 0)] = name
	return s.readColumns(ctx, file, columns, at)
}

func (s *fileSource) readLeaf(ctx context.Context, file *parquet.File, leaf int) (*coded, error) {
	if leaf >= len(s.meta.paths) {
		return nil, fmt.Errorf("no path %d", leaf)
	}
	return s.readColumns(ctx, file, columnNames(&s.meta.paths[leaf]), inText)
}

// readColumns reads up to three columns, of which each row holds one at most, as one
// vector. at is anyColumn for integers in the first.
func (s *fileSource) readColumns(ctx context.Context, file *parquet.File, names [columnsPerPath]string, at int) (*coded, error) {
	values, codes := make([]filter.Value, 1), make([]uint32, s.meta.rows)
	alone := 0 // the columns that are there
	for _, name := range names {
		if _, ok := file.Schema().Lookup(name); ok {
			alone++
		}
	}
	for i, name := range names {
		c := s.openChunk(ctx, file, name)
		if c == nil {
			continue
		}
		d, err := c.readCodes(codes, uint32(len(values)))
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
		if d == nil {
			continue
		}
		if alone == 1 && i == inText && at != anyColumn {
			return newTextCoded(d, codes), nil
		}
		if at == anyColumn {
			i = anyColumn
		}
		if values, err = appendDictionary(values, d, i); err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
	}
	return newCoded(values, codes), nil
}

func parseInt(v filter.Value) (int64, error) {
	text, _ := v.NumberText()
	var n int64
	_, err := fmt.Sscan(text, &n)
	return n, err
}
