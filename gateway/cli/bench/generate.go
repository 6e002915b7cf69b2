package bench

import (
	"bytes"
	"fmt"
)

// The events are those of a cold chain. Each lot is packed, loaded, measured on its way and unloaded. An event has
// about 600 bytes.

const (
	// eventsPerLot is the number of events about one lot.
	eventsPerLot = 10
	// usualBytes is the approximate size of an event in JSON, unless the options say another.
	usualBytes = 600
	// plainBytes is the size up to which an event says only what happened to what, where and when.
	plainBytes = 400
)

const contextMember = `"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]`

// lot returns the name of a lot, given its number in a run.
func lot(run string, number int) string {
	return fmt.Sprintf("urn:epc:class:lgtin:9520001.020001.%s%d", run, number)
}

func catch(run string, number int) string {
	return fmt.Sprintf("urn:epc:class:lgtin:9520001.010001.%s%d", run, number/20)
}

func pallet(run string, number int) string {
	return fmt.Sprintf("urn:epc:id:sscc:9520001.%c%09d", '0'+run[0]%10, number/4)
}

// makeEvent makes event number n of a run, with its own context.
func makeEvent(run string, n int) []byte {
	return append([]byte("{"+contextMember+","), bare(run, n, usualBytes)[1:]...)
}

// bare makes event number n of a run, without a context. Each number of each run gives a different event, and always
// the same one. Its size is about that asked for.
func bare(run string, n, size int) []byte {
	number, step := n/eventsPerLot, n%eventsPerLot
	seconds := n % 86_400
	time := fmt.Sprintf(
		"2026-03-%02dT%02d:%02d:%02d.%03dZ",
		1+n/86_400%28,
		seconds/3600,
		seconds/60%60,
		seconds%60,
		n%1000,
	)
	head := fmt.Sprintf(
		`"eventTime":%q,"eventTimeZoneOffset":"+00:00","readPoint":{"id":"urn:epc:id:sgln:9520001.%05d.0"}`,
		time,
		number%50,
	)
	if size > plainBytes {
		head += fmt.Sprintf(
			`,"bizLocation":{"id":"urn:epc:id:sgln:9520001.%05d.0"},"bizTransactionList":[{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:9520001000004:%s-%d"}]`,
			number%20,
			run,
			number/8,
		)
	}
	quantity := func(class string) string {
		return fmt.Sprintf(`[{"epcClass":%q,"quantity":%d,"uom":"KGM"}]`, class, 40+number%60)
	}
	switch step {
	case 0:
		return fmt.Appendf(
			nil,
			`{"type":"TransformationEvent","bizStep":"commissioning","disposition":"active","inputQuantityList":%s,"outputQuantityList":%s,%s}`,
			quantity(catch(run, number)),
			quantity(lot(run, number)),
			head,
		)
	case 1:
		return fmt.Appendf(
			nil,
			`{"type":"AggregationEvent","action":"ADD","bizStep":"packing","disposition":"in_progress","parentID":%q,"childQuantityList":%s,%s}`,
			pallet(run, number),
			quantity(lot(run, number)),
			head,
		)
	case eventsPerLot - 1:
		return fmt.Appendf(
			nil,
			`{"type":"AggregationEvent","action":"DELETE","bizStep":"unpacking","disposition":"in_progress","parentID":%q,"childQuantityList":%s,%s}`,
			pallet(run, number),
			quantity(lot(run, number)),
			head,
		)
	}
	b := fmt.Appendf(
		nil,
		`{"type":"ObjectEvent","action":"OBSERVE","bizStep":"transporting","disposition":"in_transit","epcList":[%q],%s`,
		pallet(run, number),
		head,
	)
	if size > plainBytes {
		b = fmt.Appendf(
			b,
			`,"sensorElementList":[{"sensorMetadata":{"time":%q,"deviceID":"urn:epc:id:giai:9520001.L%d"},"sensorReport":[{"type":"Temperature","value":%d.%d,"uom":"CEL"}`,
			time,
			number%40,
			n%6,
			1+n%9,
		)
		// A logger that was read out: one measurement each minute, with values that don't compress well.
		for i, dice := 1, uint64(n+1); size > usualBytes && len(b) < size; i++ {
			dice = dice*6364136223846793005 + 1442695040888963407 // Knuth's MMIX generator
			b = fmt.Appendf(b, `,{"type":"Temperature","time":"2026-03-%02dT%02d:%02d:00.000Z","value":%d.%d%d,"uom":"CEL"}`,
				1+n/86_400%28, (seconds/3600+i/60)%24, i%60, dice>>40%6, dice>>48%10, 1+dice>>56%9)
		}
		b = append(b, "]}]"...)
	}
	return append(b, '}')
}

// makeDocument makes a document of the events of a run with numbers in [from, until).
func makeDocument(run string, from, until, size int) []byte {
	var d bytes.Buffer
	d.Grow((until - from) * (size + size/4))
	d.WriteString(
		"{" + contextMember + `,"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T00:00:00Z","epcisBody":{"eventList":[`,
	)
	for n := from; n < until; n++ {
		if n > from {
			d.WriteByte(',')
		}
		d.Write(bare(run, n, size))
	}
	d.WriteString("]}}")
	return d.Bytes()
}
