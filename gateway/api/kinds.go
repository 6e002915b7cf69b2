package api

import (
	"net/http"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// problemKind is a type of problem: the one table from what went wrong to status, title and advice.
type problemKind struct {
	slug   string // the last part of its URI
	status int
	title  string
	help   string // what it means and what to do, for the page about it
}

// code is the slug as programs like it.
func (k *problemKind) code() string { return strings.ReplaceAll(k.slug, "-", "_") }

// The types of problem.
var (
	kindMalformed = &problemKind{"malformed-json", http.StatusBadRequest, "The body is not JSON as it should be",
		"The body could not be read: it is no JSON text, or one that two readers could understand in two ways (a name twice in an object, invalid UTF-8, a number that no double holds exactly), or it is nested too deeply. The problem names line, column and place. Nothing was recorded."}
	kindInvalid = &problemKind{"invalid", http.StatusBadRequest, "The record is not valid",
		"Members are missing, unknown or of the wrong form. Each entry of “problems” has a JSON pointer (RFC 6901) to the place. Nothing was recorded, except for the good events of a capture with the error behaviour “proceed”."}
	kindBadParameter = &problemKind{"bad-parameter", http.StatusBadRequest, "A parameter is wrong",
		"A parameter in the query, the path or a header is unknown to this route, given twice, missing, or not of the form that the route describes. Unknown parameters are refused, not ignored, so that a misspelt filter cannot pass for no filter."}
	kindUnauthenticated = &problemKind{"unauthenticated", http.StatusUnauthorized, "Who is calling?",
		"The request has no bearer token, or one that this gateway doesn't know. Send it as “Authorization: Bearer …”. A network made by “pedigree up” has its tokens in files named ROLE.token in each organisation's folder."}
	kindWrongRole = &problemKind{"wrong-role", http.StatusForbidden, "This token may not do that",
		"The token is known, and its role does not allow this route. Submitters send records, operators operate the gateway and speak for the organisation, auditors read."}
	kindNotYours = &problemKind{"not-yours", http.StatusForbidden, "That is for another organisation to say",
		"The ledger knows who owns what: a namespace belongs to the organisation that claimed it, recalls and corrections come from who answers for their subject, approvals from somebody else, and only an administrator introduces an organisation."}
	kindNotFound = &problemKind{"not-found", http.StatusNotFound, "There is no such thing",
		"Nothing with this name is on the ledger, as of the block that was asked about, or the address is none of the gateway's."}
	kindMethod = &problemKind{"method-not-allowed", http.StatusMethodNotAllowed, "The address doesn't take this method",
		"The header “Allow” lists the methods there are. Records are never changed or deleted, so there is no PUT, PATCH or DELETE."}
	kindNotAcceptable = &problemKind{"not-acceptable", http.StatusNotAcceptable, "There is no answer in this form",
		"None of the media types in “Accept”, or not the format or version asked for, is one that this route can give."}
	kindConflict = &problemKind{"conflict", http.StatusConflict, "The ledger has something else in that place",
		"An artifact version has one content for ever, and one run that generated it; what is withdrawn isn't used anew, and an eventID names one event of an organisation. “existing” names the record that is in the way."}
	kindAlreadyRecorded = &problemKind{"already-recorded", http.StatusConflict, "This event is recorded already",
		"This organisation has recorded this very event before, if perhaps in another spelling; “existing” names it. Nothing changed. Other organisations may record it too: that corroborates it."}
	kindTooLarge = &problemKind{"too-large", http.StatusRequestEntityTooLarge, "The body is too large",
		"A record has at most 1 MiB. For capture, the limits are announced in the headers of OPTIONS /epcis/v2/capture; send larger documents in pieces, or with the error behaviour “proceed”."}
	kindURITooLong = &problemKind{"uri-too-long", http.StatusRequestURITooLong, "The address is too long",
		"An address has at most 32,768 bytes. Ask in several requests."}
	kindUnsupported = &problemKind{
		"unsupported-media-type",
		http.StatusUnsupportedMediaType,
		"The body is of another type than JSON",
		"Send “Content-Type: application/json” (for EPCIS, application/ld+json too, and for capture application/x-ndjson), in UTF-8. “Content-Encoding” may be gzip or zstd.",
	}
	kindUnprocessable = &problemKind{"unprocessable", http.StatusUnprocessableEntity, "The ledger's rules refuse it",
		"The record is well formed, but refers to something that is not on the ledger, or contradicts what is. Record what it refers to first."}
	kindBusy = &problemKind{"busy", http.StatusTooManyRequests, "Too much is under way",
		"The gateway's queue or its places for requests are full. Nothing was taken. Try again after the seconds in “Retry-After”."}
	kindUnavailable = &problemKind{"ledger-unavailable", http.StatusServiceUnavailable, "The ledger can't be reached",
		"Too few peers or orderers can be reached at the moment. Nothing was recorded and nothing that was acknowledged is lost. Try again after the seconds in “Retry-After”."}
	kindIndex = &problemKind{"index-unavailable", http.StatusServiceUnavailable, "The index can't be used",
		"The database of the gateway's index is down or took too long; the gateway's log and /readyz say more. Captured events are taken all the same. Try again after the seconds in “Retry-After”."}
	kindPending = &problemKind{"fate-unknown", http.StatusGatewayTimeout, "The ledger didn't answer in time",
		"The record is kept in the gateway's queue and may still come to the ledger; the capture job that “captureID” names says what becomes of it. Sending it again is safe: it is not recorded twice."}
	kindInternal = &problemKind{"internal", http.StatusInternalServerError, "The gateway failed",
		"That is a fault of the gateway, and its log has the details under the request id in “instance”. Nothing that was acknowledged is lost."}
	kindStorage = &problemKind{"storage-failed", http.StatusServiceUnavailable, "The gateway can't write to its disk",
		"The queue could not be written, for example because the disk is full. Nothing was taken."}
)

var problemKinds = []*problemKind{
	kindMalformed, kindInvalid, kindBadParameter, kindUnauthenticated, kindWrongRole, kindNotYours, kindNotFound, kindMethod,
	kindNotAcceptable, kindConflict, kindAlreadyRecorded, kindTooLarge, kindURITooLong, kindUnsupported, kindUnprocessable,
	kindBusy, kindUnavailable, kindIndex, kindPending, kindInternal, kindStorage,
}

// epcis is the exception of EPCIS 2.0 that a problem is on the routes of EPCIS.
func (k *problemKind) epcis(method string) string {
	switch k.status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		if method == http.MethodPost && k != kindBadParameter {
			return "ValidationException"
		}
		return "QueryParameterException"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "SecurityException"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "NoSuchResourceException"
	case http.StatusNotAcceptable:
		return "NotAcceptableException"
	case http.StatusConflict:
		return "ResourceAlreadyExistsException"
	case http.StatusRequestEntityTooLarge:
		return "CaptureLimitExceededException"
	case http.StatusRequestURITooLong:
		return "URITooLongException"
	case http.StatusUnsupportedMediaType:
		return "UnsupportedMediaTypeException"
	default:
		return "ImplementationException"
	}
}

// classes are the kinds of problem that the ledger's rules and their like find; see record.ProblemCodes.
var classes = map[record.Class]*problemKind{
	record.Invalid:       kindInvalid,
	record.NotYours:      kindNotYours,
	record.NotFound:      kindNotFound,
	record.Conflict:      kindConflict,
	record.TooLarge:      kindTooLarge,
	record.Unprocessable: kindUnprocessable,
	record.Unavailable:   kindUnavailable,
}

func kindOfCode(code string) *problemKind { return classes[record.ClassOf(code)] }
