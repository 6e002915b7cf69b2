// Package verify checks files that come from a Pedigree ledger, in programs that have no gateway. It verifies proof
// files, signed statements and registered folders. It asks no network and no clock, so an answer stays the same for
// ever. It links no database, no web framework and no chaincode shim. Fabric's message definitions import package grpc,
// but nothing here opens a connection or starts a server.
//
// A verifier trusts a trust file and nothing else. [ReadTrust] reads one that an organisation gave you. [NewTrust]
// makes one from the channel's genesis block. With a trust file,
//
//   - [Proof] verifies a proof file, and says which records it proves and which organisations signed them;
//   - [Answer] verifies an answer that several organisations signed;
//   - [Checkpoints] verifies and compares signed checkpoints;
//   - [Transparent] verifies a transparent statement of SCITT;
//   - [Statement] verifies an in-toto statement that an organisation signed.
//
// Folders are compared with what is known about them:
//
//   - [Folder] compares a folder with a manifest;
//   - [Registered] compares it with an artifact version that a proof file proves;
//   - [Signed] compares it with a signature of OpenSSF Model Signing.
//
// The documentation of package proof says what a proof proves, and what it doesn't. If you must know that nothing was
// left out, replay the ledger with package audit.
package verify
