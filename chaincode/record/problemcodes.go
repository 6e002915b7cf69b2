package record

// Class says what sort of fault a problem is, which is all that most callers need to know of it.
type Class string

// The classes. Over REST each is one status of HTTP.
const (
	// Invalid: the record, or what was sent with it, is not of the form that it should have. It is 400.
	Invalid Class = "invalid"
	// NotYours: somebody else may, but not who asks. It is 403.
	NotYours Class = "not yours"
	// NotFound: what is asked for doesn't exist. It is 404.
	NotFound Class = "not found"
	// Conflict: the ledger holds something that excludes it. It is 409.
	Conflict Class = "conflict"
	// TooLarge: it exceeds a limit of bytes. It is 413.
	TooLarge Class = "too large"
	// Unprocessable: it is well formed, and what it refers to is not as it says. It is 422.
	Unprocessable Class = "unprocessable"
	// Unavailable: it may succeed later as it is. It is 503.
	Unavailable Class = "unavailable"
)

// ProblemCode is one code of a [Problem]. Codes are stable: programs tell problems apart by them.
type ProblemCode struct {
	Code    string
	Class   Class
	Meaning string
}

// ProblemCodes are the codes of the ledger's rules, and of what a gateway refuses in their stead.
var ProblemCodes = []ProblemCode{
	// The form of a record, or of what stands in it.
	{"bad_hex", Invalid, "a text is not hexadecimal"},
	{"bad_id", Invalid, "an id is not of the form of a record id"},
	{"bad_offset", Invalid, "an eventTimeZoneOffset has the wrong form"},
	{"bad_time", Invalid, "a time is not RFC 3339, never was, or is in the wrong order"},
	{"bad_unit", Invalid, "a unit is not a code of UN/ECE Recommendation 20"},
	{"bad_uri", Invalid, "a text is not an absolute URI"},
	{"bad_value", Invalid, "a value is not one of those that its member may have"},
	{"bad_version", Invalid, "a schemaVersion is not one that is spoken here"},
	{"cycle", Invalid, "a record would stand in its own place, or come from itself"},
	{"duplicate", Invalid, "something stands twice where it may stand once"},
	{"duplicate_event_id", Invalid, "two events of a document have one eventID"},
	{"duplicate_item", Invalid, "something stands twice in a list of different things"},
	{"empty", Invalid, "a text or object is empty that must not be"},
	{"empty_list", Invalid, "a list is empty that must not be"},
	{"malformed_json", Invalid, "a text is not JSON"},
	{"missing_field", Invalid, "a required member is absent"},
	{"nested_context", Invalid, "an @context stands inside an extension"},
	{"not_allowed", Invalid, "a member stands where it may not"},
	{"not_canonical", Invalid, "a body is not canonical JSON (RFC 8785)"},
	{"nothing_happened", Invalid, "an event is about no things"},
	{"spelled_otherwise", Invalid, "a node is named otherwise than by its own name"},
	{"too_deep", Invalid, "values are nested too deep"},
	{"too_long", Invalid, "a text is longer than its member may be"},
	{"too_many", Invalid, "a list or object has more members than it may"},
	{"undeclared_prefix", Invalid, "no @context declares the prefix of an extension"},
	{"unknown_field", Invalid, "a member is not of the shape, nor an extension"},
	{"unknown_record", Invalid, "there is no such kind of record"},
	{"unknown_type", Invalid, "there is no such type of event or document"},
	{"unknown_word", Invalid, "a word is not of its vocabulary"},
	{"wrong_hash", Invalid, "a manifest is not that of the digest"},
	{"wrong_type", Invalid, "a value has the wrong JSON type"},

	// The form of a submit or a read.
	{"bad_arguments", Invalid, "a function was called with other arguments than it takes"},
	{"bad_bookmark", Invalid, "a bookmark is not one that a page ended with"},
	{"bad_identity", Invalid, "the submitter has no X.509 certificate"},
	{"bad_pack", Invalid, "a pack can't be unpacked"},
	{"bad_page", Invalid, "a page has a size that it can't have"},
	{"wrong_noun", Invalid, "a contract takes no records of this noun"},

	// Who may.
	{"namespace_taken", NotYours, "the namespace belongs to another organisation"},
	{"namespace_unclaimed", NotYours, "nobody has claimed the namespace"},
	{"not_admin", NotYours, "only an administrator of the organisation may"},
	{"not_submitter", NotYours, "the certificate has a role that doesn't submit, such as auditor, or attributes without a role"},
	{"not_yours", NotYours, "only who answers for it may"},
	{"prefix_taken", NotYours, "the company prefix overlaps one of another organisation"},
	{"own_approval", NotYours, "nobody approves their own"},

	// What the ledger holds already.
	{"already_generated", Conflict, "another run has generated the artifact version"},
	{"already_withdrawn", Conflict, "consent is withdrawn already, by another statement"},
	{"circular_lineage", Conflict, "a run would generate what its own inputs were made of"},
	{"claim_ended", Conflict, "the claim that is approved has been retracted"},
	{"consent_withdrawn", Conflict, "consent to use it is withdrawn"},
	{"event_id_taken", Conflict, "the eventID names another event of the organisation"},
	{"no_breach", Conflict, "a run says of something that it was used after a withdrawal of consent, and it was not"},
	{"outdated_version", Conflict, "the ledger holds newer shapes of record, and takes no new records of this one"},
	{"version_exists", Conflict, "the name and version belong to something else"},

	// What it refers to.
	{"not_a_member", Unprocessable, "a claim to a company prefix is about something else than a member record"},
	{"not_a_statement", Unprocessable, "a statement about statements is about something else"},
	{"too_many_witnesses", Unprocessable, "the records refer to more than one transaction may read"},
	{"unknown_reference", Unprocessable, "something that is referred to is not on the ledger"},
	{"wrong_digest", Unprocessable, "a subject's digest is not that of the subject"},

	{"not_found", NotFound, "there is no such thing on the ledger"},
	{"too_large", TooLarge, "it has more bytes than allowed"},
	{"not_committed", Unavailable, "others wrote what each attempt at the transaction had read"},
}

// ClassOf finds the class of a code. A code that isn't known is one of form.
func ClassOf(code string) Class {
	for _, c := range ProblemCodes {
		if c.Code == code {
			return c.Class
		}
	}
	return Invalid
}
