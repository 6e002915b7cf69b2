package problem

import (
	"net/http"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Kind is a type of problem. The table below leads from what went wrong to status, title and advice.
type Kind struct {
	Slug   string // the last part of its URI
	Status int
	Title  string
	Help   string // what it means and what to do, for the page about it
}

// Code is the slug as programs like it.
func (k *Kind) Code() string { return strings.ReplaceAll(k.Slug, "-", "_") }

// The types of problem.
var (
	Malformed = &Kind{"malformed-json", http.StatusBadRequest, "The body is not JSON as it should be",
		"The body could not be read: it is no JSON text, or one that two readers could understand in two ways (a " +
			"name twice in an object, invalid UTF-8, a number that no double holds exactly), or it is nested too " +
			"deeply. The problem names line, column and place. Nothing was recorded."}
	Invalid = &Kind{"invalid", http.StatusBadRequest, "The record is not valid",
		"Members are missing, unknown or of the wrong form. Each entry of “problems” has a JSON pointer (RFC " +
			"6901) to the place. Nothing was recorded, except for the good events of a capture with the error " +
			"behaviour “proceed”."}
	BadParameter = &Kind{"bad-parameter", http.StatusBadRequest, "A parameter is wrong",
		"A parameter in the query, the path or a header is unknown to this route, given twice, missing, or not of " +
			"the form that the route describes. Unknown parameters are refused, not ignored, so that a misspelt " +
			"filter cannot pass for no filter."}
	Unauthenticated = &Kind{"unauthenticated", http.StatusUnauthorized, "Who is calling?",
		"The request has no bearer token, or one that this gateway doesn't know. Send it as “Authorization: " +
			"Bearer …”, or call with a client certificate where the gateway takes these. A network made by “pedigree up” has its tokens in files named ROLE.token in each " +
			"organisation's folder."}
	Unchecked = &Kind{"authentication-unavailable", http.StatusServiceUnavailable, "Who is calling can't be checked now",
		"What the gateway would look it up in doesn't answer, so nobody whom it would have to look up is let in. The " +
			"gateway's log says more. Try again after the seconds in “Retry-After”."}
	NoRole = &Kind{"no-role", http.StatusForbidden, "You have no role here",
		"Your organisation's sign-in service knows you, and this gateway knows that service, but nothing that the service " +
			"says about you is given a role. The detail names the claims that were looked at. An administrator of the service " +
			"adds you to a group or gives you a role there, or an operator of the gateway changes oidc.roles. Or your client " +
			"certificate is valid, and none of those in clientCertificates.callers."}
	TokenExpired = &Kind{"token-expired", http.StatusUnauthorized, "The token has expired",
		"The token was valid until a time that has passed. An operator can give it a new secret and a new time, with " +
			"“pedigree token rotate”. Only who sends the token itself is told this."}
	TokenRevoked = &Kind{"token-revoked", http.StatusUnauthorized, "The token was revoked",
		"An operator has ended the token, or given it a new secret. Ask for the new secret, or for another token. Only who " +
			"sends the token itself is told this."}
	CertificateRefused = &Kind{"certificate-refused", http.StatusUnauthorized, "The client certificate is not accepted",
		"The gateway lets in machines by client certificates, and this one has expired, was revoked, is of an authority that " +
			"the gateway doesn't trust for clients, or isn't for TLS clients; or a proxy passed it on that isn't known or does it " +
			"wrong. The detail says which."}
	WrongRole = &Kind{"wrong-role", http.StatusForbidden, "This caller may not do that",
		"The caller is known, and its role does not allow this route. Submitters send records, operators operate " +
			"the gateway and speak for the organisation, auditors read."}
	IdentityRefused = &Kind{"identity-refused", http.StatusForbidden, "The ledger refuses the identity of this token",
		"The certificate with which this token's records are signed has expired or was revoked, or the channel doesn't " +
			"let it write. Nothing was recorded. An operator must renew the certificate; the detail says what the ledger said."}
	NotYours = &Kind{"not-yours", http.StatusForbidden, "That is for somebody else to say",
		"The ledger knows who owns what: a namespace belongs to the organisation that claimed it, recalls and " +
			"corrections come from who answers for their subject, approvals from somebody else, and only an " +
			"administrator introduces an organisation."}
	NotFound = &Kind{"not-found", http.StatusNotFound, "There is no such thing",
		"Nothing with this name is on the ledger, as of the block that was asked about, or the address is none of " +
			"the gateway's."}
	Method = &Kind{"method-not-allowed", http.StatusMethodNotAllowed, "The address doesn't take this method",
		"The header “Allow” lists the methods there are. Records are never changed or deleted, so there is no " +
			"PUT, PATCH or DELETE."}
	NotAcceptable = &Kind{"not-acceptable", http.StatusNotAcceptable, "There is no answer in this form",
		"None of the media types in “Accept”, or not the format or version asked for, is one that this route can " +
			"give."}
	Conflict = &Kind{"conflict", http.StatusConflict, "Something else is in that place",
		"An artifact version has one content for ever, and one run that generated it; what is withdrawn isn't " +
			"used anew, and an eventID names one event of an organisation. “existing” names the record that is in the " +
			"way."}
	AlreadyRecorded = &Kind{"already-recorded", http.StatusConflict, "This event is recorded already",
		"This organisation has recorded this very event before, if perhaps in another spelling; “existing” names " +
			"it. Nothing changed. Other organisations may record it too: that corroborates it."}
	TooLarge = &Kind{"too-large", http.StatusRequestEntityTooLarge, "The body is too large",
		"A record has at most 1 MiB. For capture, the limits are announced in the headers of OPTIONS " +
			"/epcis/v2/capture; send larger documents in pieces, or with the error behaviour “proceed”."}
	URITooLong = &Kind{"uri-too-long", http.StatusRequestURITooLong, "The address is too long",
		"An address has at most 32,768 bytes. Ask in several requests."}
	Unsupported = &Kind{
		"unsupported-media-type",
		http.StatusUnsupportedMediaType,
		"The body is of another type than JSON",
		"Send “Content-Type: application/json” (for EPCIS, application/ld+json too, and for capture " +
			"application/x-ndjson), in UTF-8. “Content-Encoding” may be gzip or zstd.",
	}
	Unprocessable = &Kind{"unprocessable", http.StatusUnprocessableEntity, "The ledger's rules refuse it",
		"The record is well formed, but refers to something that is not on the ledger, or contradicts what is. " +
			"Record what it refers to first."}
	Busy = &Kind{"busy", http.StatusTooManyRequests, "Too much is under way",
		"The gateway's queue or its places for requests are full. Nothing was taken. Try again after the seconds " +
			"in “Retry-After”."}
	Unavailable = &Kind{"ledger-unavailable", http.StatusServiceUnavailable, "The ledger can't be reached",
		"Too few peers or orderers can be reached at the moment. Nothing was recorded and nothing that was " +
			"acknowledged is lost. Try again after the seconds in “Retry-After”."}
	Index = &Kind{"index-unavailable", http.StatusServiceUnavailable, "The index can't be used",
		"The database of the gateway's index is down or took too long; the gateway's log and /readyz say more. " +
			"Captured events are taken all the same. Try again after the seconds in “Retry-After”."}
	Pending = &Kind{"fate-unknown", http.StatusGatewayTimeout, "The ledger didn't answer in time",
		"The record is kept in the gateway's queue and may still come to the ledger; the capture job that " +
			"“captureID” names says what becomes of it. Sending it again is safe: it is not recorded twice."}
	CantSign = &Kind{"cannot-sign", http.StatusServiceUnavailable, "The gateway can't sign answers",
		"An answer is cosigned with the key of an operator in the gateway's list of tokens, once the gateway's index has all " +
			"blocks. The detail says what is missing. Without the parameter “cosign” the gateway answers."}
	UnknownGateway = &Kind{"unknown-gateway", http.StatusForbidden, "The request isn't signed by an organisation",
		"Gateways ask each other for signatures in requests that an administrator's key of their organisation signs. The " +
			"channel doesn't know this one, its certificate has expired or was revoked, or the clocks of the two gateways differ."}
	Internal = &Kind{"internal", http.StatusInternalServerError, "The gateway failed",
		"That is a fault of the gateway, and its log has the details under the request id in “instance”. Nothing " +
			"that was acknowledged is lost."}
	Storage = &Kind{"storage-failed", http.StatusServiceUnavailable, "The gateway can't write to its disk",
		"The queue could not be written, for example because the disk is full. Nothing was taken."}
)

// Kinds lists the types of problem.
var Kinds = []*Kind{
	Malformed, Invalid, BadParameter, Unauthenticated, Unchecked, NoRole, TokenExpired, TokenRevoked,
	CertificateRefused, WrongRole,
	IdentityRefused, NotYours, NotFound, Method,
	NotAcceptable, Conflict, AlreadyRecorded, TooLarge, URITooLong, Unsupported, Unprocessable,
	Busy, Unavailable, Index, Pending, CantSign, UnknownGateway, Internal, Storage,
}

// OfCode is the kind of problem with a code, or Internal.
func OfCode(code string) *Kind {
	for _, k := range Kinds {
		if k.Code() == code {
			return k
		}
	}
	return Internal
}

// EPCIS is the exception of EPCIS 2.0 that a problem is on the routes of EPCIS.
func (k *Kind) EPCIS(method string) string {
	switch k.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		if method == http.MethodPost && k != BadParameter {
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
var classes = map[record.Class]*Kind{
	record.Invalid:       Invalid,
	record.NotYours:      NotYours,
	record.NotFound:      NotFound,
	record.Conflict:      Conflict,
	record.TooLarge:      TooLarge,
	record.Unprocessable: Unprocessable,
	record.Unavailable:   Unavailable,
}

// KindOf is the kind of a problem that the ledger's rules find, by its code.
func KindOf(code string) *Kind { return classes[record.ClassOf(code)] }
