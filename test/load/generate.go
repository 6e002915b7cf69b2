package load

import (
	"bytes"
	"fmt"
)

// The events are those of a cold chain: each lot is packed, loaded, measured
// on its way and unloaded, about 600 bytes an event.

// eventsPerLot is how many events tell of one lot.
const eventsPerLot = 10

const contextMember = `"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]`

// lot names the lot with a number in a run.
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
	return append([]byte("{"+contextMember+","), bare(run, n)[1:]...)
}

func bare(run string, n int) []byte {
	number, step := n/eventsPerLot, n%eventsPerLot
	seconds := n % 86_400
	time := fmt.Sprintf("2026-03-%02dT%02d:%02d:%02d.%03dZ", 1+n/86_400%28, seconds/3600, seconds/60%60, seconds%60, n%1000)
	head := fmt.Sprintf(`"eventTime":%q,"eventTimeZoneOffset":"+00:00","readPoint":{"id":"urn:epc:id:sgln:9520001.%05d.0"},"bizLocation":{"id":"urn:epc:id:sgln:9520001.%05d.0"},"bizTransactionList":[{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:9520001000004:%s-%d"}]`,
		time, number%50, number%20, run, number/8)
	quantity := func(class string) string {
		return fmt.Sprintf(`[{"epcClass":%q,"quantity":%d,"uom":"KGM"}]`, class, 40+number%60)
	}
	switch step {
	case 0:
		return fmt.Appendf(nil, `{"type":"TransformationEvent","bizStep":"commissioning","disposition":"active","inputQuantityList":%s,"outputQuantityList":%s,%s}`, quantity(catch(run, number)), quantity(lot(run, number)), head)
	case 1:
		return fmt.Appendf(nil, `{"type":"AggregationEvent","action":"ADD","bizStep":"packing","disposition":"in_progress","parentID":%q,"childQuantityList":%s,%s}`, pallet(run, number), quantity(lot(run, number)), head)
	case eventsPerLot - 1:
		return fmt.Appendf(nil, `{"type":"AggregationEvent","action":"DELETE","bizStep":"unpacking","disposition":"in_progress","parentID":%q,"childQuantityList":%s,%s}`, pallet(run, number), quantity(lot(run, number)), head)
	default:
		return fmt.Appendf(nil, `{"type":"ObjectEvent","action":"OBSERVE","bizStep":"transporting","disposition":"in_transit","epcList":[%q],"sensorElementList":[{"sensorMetadata":{"time":%q,"deviceID":"urn:epc:id:giai:9520001.L%d"},"sensorReport":[{"type":"Temperature","value":%d.%d,"uom":"CEL"}]}],%s}`,
			pallet(run, number), time, number%40, n%6, 1+n%9, head)
	}
}

// makeDocuments makes documents of so many events each.
func makeDocuments(events, size int) [][]byte {
	var documents [][]byte
	for from := 0; from < events; from += size {
		var d bytes.Buffer
		d.WriteString("{" + contextMember + `,"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T00:00:00Z","epcisBody":{"eventList":[`)
		for n := from; n < min(from+size, events); n++ {
			if n > from {
				d.WriteByte(',')
			}
			d.Write(bare("C", n))
		}
		d.WriteString("]}}")
		documents = append(documents, d.Bytes())
	}
	return documents
}
